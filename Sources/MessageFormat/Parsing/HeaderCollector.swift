/// Gathers the values of one header's fields, line by line.
struct HeaderCollector {
    private var values = [[UInt8]?](repeating: nil, count: FieldName.allCases.count)
    /// The field that a continuation line belongs to.
    private var current: FieldName?
    private var isOfMessage = true
    let limits: HeaderLimits
    private var keptBytes = 0
    /// The fields that were cut.
    private var cutFields: Set<FieldName> = []
    /// Whether a field of the envelope came again.
    private(set) var isRepeated = false

    init(_ limits: HeaderLimits) { self.limits = limits }

    /// Starts with another header; that of a message has an envelope.
    mutating func start(isOfMessage: Bool) {
        for index in values.indices where values[index] != nil { values[index] = nil }
        current = nil
        keptBytes = 0
        cutFields.removeAll()
        isRepeated = false
        self.isOfMessage = isOfMessage
    }

    /// A line that is not empty, without its end.
    mutating func line(_ line: UnsafeRawBufferPointer) {
        // CR CR LF leaves one CR in the line.
        var end = line.count
        while end > 1, line[end - 1] == ASCII.carriageReturn { end -= 1 }
        let content = UnsafeRawBufferPointer(rebasing: line[..<end])
        if ASCII.isBlank(content[0]) {
            // RFC 5322, section 2.2.3: unfolding takes out the line end, and leaves the blank.
            if let current { add(content, to: current) }
            return
        }
        current = nil
        // A line that is no field is left out.
        guard let colon = Self.colon(in: content) else { return }
        var nameEnd = colon
        while nameEnd > 0, ASCII.isBlank(content[nameEnd - 1]) { nameEnd -= 1 }
        guard let name = FieldName(UnsafeRawBufferPointer(rebasing: content[..<nameEnd])),
            isOfMessage || !name.isOfEnvelope
        else { return }
        if values[name.rawValue] == nil {
            values[name.rawValue] = []
        } else {
            if name.isOfEnvelope { isRepeated = true }
            // Of other fields the first one counts.
            guard name.isAddressList else { return }
            values[name.rawValue]?.append(UInt8(ascii: ","))
        }
        current = name
        var start = colon + 1
        while start < content.count, ASCII.isBlank(content[start]) { start += 1 }
        add(UnsafeRawBufferPointer(rebasing: content[start...]), to: name)
    }

    /// Where the field's name ends: within as many bytes as the longest name of interest and some blanks take.
    private static func colon(in content: UnsafeRawBufferPointer) -> Int? {
        for index in 0..<min(content.count, 64) where content[index] == UInt8(ascii: ":") { return index }
        return nil
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer, to name: FieldName) {
        guard !cutFields.contains(name) else { return }
        let count = values[name.rawValue]?.count ?? 0
        let room = min(limits.fieldBytes - count, limits.headerBytes - keptBytes)
        let kept = min(bytes.count, max(0, room))
        values[name.rawValue]?.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes.prefix(kept)))
        keptBytes += kept
        if kept < bytes.count { cutFields.insert(name) }
    }

    /// Whether something of an ENVELOPE's fields, or of the others, was left out.
    func isCut(ofEnvelope: Bool) -> Bool { cutFields.contains { $0.isOfEnvelope == ofEnvelope } }

    /// Hands over a value, without spaces around it.
    mutating func take(_ name: FieldName) -> [UInt8]? {
        var value: [UInt8]?
        swap(&value, &values[name.rawValue])
        if var cut = value, cutFields.contains(name) {
            name.cut.shorten(&cut, to: cut.count)
            return ASCII.trimmed(cut)
        }
        return value.map(ASCII.trimmed)
    }
}
