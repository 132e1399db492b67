internal import CRocksDB

/// Owns the option objects of one database.
///
/// Left at their default, off, for known faults of RocksDB 7.8: `track_and_verify_wals_in_manifest`, WAL compression,
/// log recycling and asynchronous I/O.
@safe final class RocksOptions {
    let handle: OpaquePointer

    /// - Throws: ``StateError`` when this build of RocksDB does not know an option.
    init(_ settings: RocksSettings, path: String) throws(StateError) {
        let base = unsafe rocksdb_options_create()!
        defer { unsafe rocksdb_options_destroy(base) }
        unsafe Self.setGeneral(base, settings)
        unsafe Self.setBlobs(base, settings)
        unsafe Self.setTable(base, settings)
        let options = unsafe rocksdb_options_create()!
        unsafe handle = options
        // The C interface has no functions for these. A background error is never retried: the first failure is final.
        // Closing must not write, so that closing without a flush and crashing are the same.
        let more = "max_bgerror_resume_count=0;avoid_flush_during_shutdown=true"
        try rocksCall(path: path) { error in unsafe rocksdb_get_options_from_string(base, more, options, &error) }
    }

    deinit { unsafe rocksdb_options_destroy(handle) }

    private static func setGeneral(_ options: OpaquePointer, _ settings: RocksSettings) {
        unsafe rocksdb_options_set_create_if_missing(options, settings.presence == .mustExist ? 0 : 1)
        unsafe rocksdb_options_set_error_if_exists(options, settings.presence == .mustNotExist ? 1 : 0)
        unsafe rocksdb_options_set_paranoid_checks(options, 1)
        // Debian's build has assertions on, some of them in code that only prints to the informative log.
        unsafe rocksdb_options_set_info_log_level(options, 4)
        unsafe rocksdb_options_set_keep_log_file_num(options, 4)
        unsafe rocksdb_options_set_stats_dump_period_sec(options, 0)
        unsafe rocksdb_options_set_stats_persist_period_sec(options, 0)
        unsafe rocksdb_options_set_write_buffer_size(options, settings.writeBufferBytes)
        unsafe rocksdb_options_set_max_write_buffer_number(options, Int32(settings.writeBufferLimit))
        // Most rows that are looked up are not in memory: a filter says so without a search.
        unsafe rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, settings.writeBufferFilterShare)
        unsafe rocksdb_options_set_memtable_whole_key_filtering(options, 1)
        unsafe rocksdb_options_set_max_open_files(options, Int32(settings.openFileLimit))
        unsafe rocksdb_options_set_max_background_jobs(options, Int32(settings.backgroundJobs))
        unsafe rocksdb_options_set_bytes_per_sync(options, 1 << 20)
        unsafe rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        unsafe rocksdb_options_set_compression(options, settings.rowCompression.code)
    }

    private static func setBlobs(_ options: OpaquePointer, _ settings: RocksSettings) {
        unsafe rocksdb_options_set_enable_blob_files(options, 1)
        unsafe rocksdb_options_set_min_blob_size(options, UInt64(settings.minBlobBytes))
        unsafe rocksdb_options_set_blob_file_size(options, UInt64(settings.blobFileBytes))
        unsafe rocksdb_options_set_blob_compression_type(options, settings.blobCompression.code)
        // With the default cutoff of a quarter, garbage collection never meets most files.
        unsafe rocksdb_options_set_enable_blob_gc(options, 1)
        unsafe rocksdb_options_set_blob_gc_age_cutoff(options, 1.0)
        unsafe rocksdb_options_set_blob_gc_force_threshold(options, 0.5)
    }

    private static func setTable(_ options: OpaquePointer, _ settings: RocksSettings) {
        let table = unsafe rocksdb_block_based_options_create()!
        let cache = unsafe rocksdb_cache_create_lru(settings.blockCacheBytes)!
        // The table options own the filter policy and share the cache.
        unsafe rocksdb_block_based_options_set_filter_policy(
            table,
            rocksdb_filterpolicy_create_bloom_full(settings.bloomBitsPerKey)
        )
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
