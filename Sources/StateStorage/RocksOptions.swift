internal import CRocksDB

/// Owns the option objects of one database.
///
/// Left at their default, off, for known faults of RocksDB 7.8: `track_and_verify_wals_in_manifest`, WAL compression,
/// log recycling and asynchronous I/O.
@safe final class RocksOptions {
    let handle: OpaquePointer

    /// Options of the database, and of its rows.
    ///
    /// - Throws: ``StateError`` when this build of RocksDB does not know an option.
    init(rows settings: RocksSettings, path: String) throws(StateError) {
        let base = unsafe rocksdb_options_create()!
        defer { unsafe rocksdb_options_destroy(base) }
        unsafe Self.setGeneral(base, settings)
        unsafe Self.setRows(base, settings)
        unsafe Self.setTable(base, cacheBytes: settings.blockCacheBytes, bloomBits: settings.bloomBitsPerKey)
        // The C interface has no functions for these. A background error is never retried: the first failure is final.
        // Closing must not write, so that closing without a flush and crashing are the same.
        let more = "max_bgerror_resume_count=0;avoid_flush_during_shutdown=true"
        unsafe handle = try Self.adding(more, to: base, path: path)
    }

    /// Options of the values that are kept apart. Their keys rise from file to file, so nothing of them is ever to be
    /// merged: RocksDB does not compact them by itself. It would write every file anew once a snapshot that is older
    /// than the file is released, only to take the sequence numbers out. ``RocksDatabase/settleValues()`` moves files
    /// to a level where they are found by their keys.
    ///
    /// - Throws: ``StateError`` when this build of RocksDB does not know an option.
    init(values settings: RocksSettings, path: String) throws(StateError) {
        let base = unsafe rocksdb_options_create()!
        defer { unsafe rocksdb_options_destroy(base) }
        // A segment is closed, and flushed, before the buffer is full: by then the values that many threads write at
        // once have gone beyond the segment's end a little.
        let bufferBytes = settings.segmentBytes + settings.segmentBytes / 2 + (8 << 20)
        unsafe rocksdb_options_set_write_buffer_size(base, bufferBytes)
        unsafe rocksdb_options_set_max_write_buffer_number(base, Int32(settings.writeBufferLimit))
        unsafe rocksdb_options_set_level_compaction_dynamic_level_bytes(base, 1)
        unsafe rocksdb_options_set_disable_auto_compactions(base, 1)
        unsafe rocksdb_options_set_compression(base, settings.valueCompression.code)
        unsafe Self.setTable(base, cacheBytes: settings.valueCacheBytes, bloomBits: nil)
        unsafe handle = try Self.adding("ttl=0;periodic_compaction_seconds=0", to: base, path: path)
    }

    private static func adding(
        _ more: String,
        to base: OpaquePointer,
        path: String
    ) throws(StateError) -> OpaquePointer {
        let options = unsafe rocksdb_options_create()!
        do {
            try rocksCall(path: path) { error in unsafe rocksdb_get_options_from_string(base, more, options, &error) }
        } catch {
            unsafe rocksdb_options_destroy(options)
            throw error
        }
        return unsafe options
    }

    deinit { unsafe rocksdb_options_destroy(handle) }

    private static func setGeneral(_ options: OpaquePointer, _ settings: RocksSettings) {
        unsafe rocksdb_options_set_create_if_missing(options, settings.presence == .mustExist ? 0 : 1)
        unsafe rocksdb_options_set_create_missing_column_families(options, 1)
        // Rows that are durable name values that are.
        unsafe rocksdb_options_set_atomic_flush(options, 1)
        unsafe rocksdb_options_set_error_if_exists(options, settings.presence == .mustNotExist ? 1 : 0)
        unsafe rocksdb_options_set_paranoid_checks(options, 1)
        // Debian's build has assertions on, some of them in code that only prints to the informative log.
        unsafe rocksdb_options_set_info_log_level(options, 4)
        unsafe rocksdb_options_set_keep_log_file_num(options, 4)
        unsafe rocksdb_options_set_stats_dump_period_sec(options, 0)
        unsafe rocksdb_options_set_stats_persist_period_sec(options, 0)
        unsafe rocksdb_options_set_max_open_files(options, Int32(settings.openFileLimit))
        unsafe rocksdb_options_set_max_background_jobs(options, Int32(settings.backgroundJobs))
        unsafe rocksdb_options_set_bytes_per_sync(options, 1 << 20)
    }

    private static func setRows(_ options: OpaquePointer, _ settings: RocksSettings) {
        unsafe rocksdb_options_set_write_buffer_size(options, settings.writeBufferBytes)
        unsafe rocksdb_options_set_max_write_buffer_number(options, Int32(settings.writeBufferLimit))
        // Most rows that are looked up are not in memory: a filter says so without a search.
        unsafe rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, settings.writeBufferFilterShare)
        unsafe rocksdb_options_set_memtable_whole_key_filtering(options, 1)
        unsafe rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        unsafe rocksdb_options_set_compression(options, settings.rowCompression.code)
    }

    /// A cache of few parts: none takes in a block that is larger than itself.
    private static func makeCache(bytes: Int) -> OpaquePointer {
        let options = unsafe rocksdb_lru_cache_options_create()!
        defer { unsafe rocksdb_lru_cache_options_destroy(options) }
        unsafe rocksdb_lru_cache_options_set_capacity(options, bytes)
        unsafe rocksdb_lru_cache_options_set_num_shard_bits(options, 3)
        return unsafe rocksdb_cache_create_lru_opts(options)!
    }

    private static func setTable(_ options: OpaquePointer, cacheBytes: Int, bloomBits: Double?) {
        let table = unsafe rocksdb_block_based_options_create()!
        let cache = unsafe Self.makeCache(bytes: cacheBytes)
        // The table options own the filter policy and share the cache.
        if let bloomBits {
            let policy = unsafe rocksdb_filterpolicy_create_bloom_full(bloomBits)
            unsafe rocksdb_block_based_options_set_filter_policy(table, policy)
            // In one piece, the filter of a file of small rows takes megabytes: where memory does not keep it, each
            // look-up reads all of it. In pieces of a block, look-ups read the piece that they need, as of an index.
            unsafe rocksdb_block_based_options_set_index_type(
                table,
                Int32(rocksdb_block_based_table_index_type_two_level_index_search)
            )
            unsafe rocksdb_block_based_options_set_partition_filters(table, 1)
            unsafe rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1)
        } else {
            // Values are larger than blocks of rows: fewer blocks make a smaller index.
            unsafe rocksdb_block_based_options_set_block_size(table, 16 << 10)
        }
        unsafe rocksdb_block_based_options_set_block_cache(table, cache)
        unsafe rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
        unsafe rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
        unsafe rocksdb_block_based_options_set_format_version(table, 5)
        unsafe rocksdb_options_set_block_based_table_factory(options, table)
        unsafe rocksdb_cache_destroy(cache)
        unsafe rocksdb_block_based_options_destroy(table)
    }
}

extension RocksSettings.Compression {
    var code: Int32 {
        switch self {
        case .none: Int32(rocksdb_no_compression)
        case .lz4: Int32(rocksdb_lz4_compression)
        case .zstd: Int32(rocksdb_zstd_compression)
        }
    }

    /// The codec to try when RocksDB was built without this one.
    var fallback: Self? {
        switch self {
        case .zstd: .lz4
        case .lz4: RocksSettings.Compression.none
        case .none: nil
        }
    }
}
