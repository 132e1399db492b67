/// What an entity's Content- fields say (RFC 2045, section 3). Those that are only shown are kept as they are.
struct ContentFields: Hashable, Sendable {
    var type: ContentType = .plainText
    var encoding: TransferEncoding = .sevenBit
    /// The encoding's name when it is none that we know.
    var encodingName: [UInt8]?
    var id: [UInt8]?
    var description: [UInt8]?
    var md5: [UInt8]?
    var disposition: [UInt8]?
    var language: [UInt8]?
    var location: [UInt8]?
    /// Whether the header says more than is kept here.
    var isCut = false

    init() {}

    func write(into writer: inout SummaryWriter) {
        writer.string(type.type)
        writer.string(type.subtype)
        writer.number(UInt64(type.parameters.count))
        for parameter in type.parameters {
            writer.bytes(parameter.name)
            writer.bytes(parameter.value)
        }
        writer.tag(encoding.rawValue)
        for value in [encodingName, id, description, md5, disposition, language, location] {
            writer.optionalBytes(value)
        }
    }

    init(from reader: inout SummaryReader) throws(MessageFormatError) {
        type = ContentType(type: try reader.string(), subtype: try reader.string(), parameters: [])
        for _ in 0..<(try reader.number(maximum: UInt64(FormatLimits.parameters))) {
            type.parameters.append(Parameter(name: try reader.bytes(), value: try reader.bytes()))
        }
        let tag = try reader.tag()
        guard let encoding = TransferEncoding(rawValue: tag) else { throw reader.failure(.unknownTag(tag)) }
        self.encoding = encoding
        encodingName = try reader.optionalBytes()
        id = try reader.optionalBytes()
        description = try reader.optionalBytes()
        md5 = try reader.optionalBytes()
        disposition = try reader.optionalBytes()
        language = try reader.optionalBytes()
        location = try reader.optionalBytes()
    }
}
