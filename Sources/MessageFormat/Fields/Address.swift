/// One entry of an address list, as ENVELOPE shows it (RFC 3501, section 7.4.2). Quoting is removed.
enum Address: Hashable, Sendable {
    case mailbox(name: [UInt8]?, route: [UInt8]?, mailbox: [UInt8], host: [UInt8])
    case groupStart([UInt8])
    case groupEnd
}
