#pragma once

#include <stddef.h>

// What RocksDB's C interface does not offer, or not with all that matters here.

#ifdef __cplusplus
extern "C" {
#endif

/// Flushes column families together: after a crash either all of them have what they held at one moment, or none.
///
/// RocksDB's C interface has no such call before 7.10. `database` is a `rocksdb_t *`, `families` are `count` of
/// `rocksdb_column_family_handle_t *`. With `waits` 0 the flush is begun at once, and goes on by itself: not even writes
/// that would have to wait for it keep it from being begun. Where RocksDB has stopped all writes, until flushes that go on
/// already are over, it is not begun, which is no failure. On failure `*error` is a message for `rocksdb_free`.
void staffetta_rocks_flush(void *database, void *const *families, size_t count, int waits, char **error);

/// Moves the files of a range of keys from the first level to the one below, without copying them as far as they do not
/// overlap. Waits until that is done; other compactions go on.
///
/// RocksDB's C interface has no way to hear that this failed. `database` is a `rocksdb_t *`, `family` a
/// `rocksdb_column_family_handle_t *`; `first` and `last` are keys, both of the range. On failure `*error` is a message for
/// `rocksdb_free`.
void staffetta_rocks_settle(void *database, void *family, const char *first, size_t first_length, const char *last,
                            size_t last_length, char **error);

#ifdef __cplusplus
}
#endif
