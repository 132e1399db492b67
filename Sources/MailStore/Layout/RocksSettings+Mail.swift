public import StateStorage

extension RocksSettings {
    /// How the state of a node lies in RocksDB: the bytes of bodies apart from all other rows.
    public static var ofMail: RocksSettings {
        var settings = RocksSettings()
        settings.valuesApart = ValuesApart(byte: Table.chunks.rawValue, at: Table.offsetInKeys)
        return settings
    }
}
