#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Flushes column families together: after a crash either all of them have what they held at one moment, or none.
///
/// RocksDB's C interface has no such call before 7.10. `database` is a `rocksdb_t *`, `families` are `count` of
/// `rocksdb_column_family_handle_t *`. On failure `*error` is a message for `rocksdb_free`.
void staffetta_rocks_flush(void *database, void *const *families, size_t count, char **error);

#ifdef __cplusplus
}
#endif
