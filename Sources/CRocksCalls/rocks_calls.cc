#include "rocks_calls.h"

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

void staffetta_rocks_settle(void *database, void *family, const char *first, size_t first_length, const char *last,
                            size_t last_length, char **error) {
  const rocksdb::Slice begin(first, first_length);
  const rocksdb::Slice end(last, last_length);
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.allow_write_stall = true;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kSkip;
  const rocksdb::Status status = static_cast<rocksdb_t *>(database)->rep->CompactRange(
      options, static_cast<rocksdb_column_family_handle_t *>(family)->rep, &begin, &end);
  if (!status.ok()) *error = strdup(status.ToString().c_str());
}
