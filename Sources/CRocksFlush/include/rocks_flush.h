#pragma once

#include <stddef.h>

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

#ifdef __cplusplus
}
#endif
