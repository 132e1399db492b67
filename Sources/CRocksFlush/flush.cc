#include "rocks_flush.h"

#include <cstring>
#include <vector>

#include <rocksdb/db.h>

// The types of RocksDB's C interface are not in its headers. In every version the first field of both is the object that
// they stand for.
struct rocksdb_t {
  rocksdb::DB *rep;
};
struct rocksdb_column_family_handle_t {
  rocksdb::ColumnFamilyHandle *rep;
};

void staffetta_rocks_flush(void *database, void *const *families, size_t count, int waits, char **error) {
  std::vector<rocksdb::ColumnFamilyHandle *> handles;
  handles.reserve(count);
  for (size_t i = 0; i < count; i++) {
    handles.push_back(static_cast<rocksdb_column_family_handle_t *>(families[i])->rep);
  }
  rocksdb::FlushOptions options;
  options.wait = waits != 0;
  options.allow_write_stall = waits == 0;
  const rocksdb::Status status = static_cast<rocksdb_t *>(database)->rep->Flush(options, handles);
  if (status.IsTryAgain() && waits == 0) return;
  if (!status.ok()) *error = strdup(status.ToString().c_str());
}
