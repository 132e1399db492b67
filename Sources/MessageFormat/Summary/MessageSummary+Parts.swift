extension MessageSummary {
    /// The part with these numbers (RFC 3501, section 6.4.5): the parts of a multipart are counted from one, a message
    /// that is none has its body as part one, and the parts of a message within a part are counted within that part.
    /// Nil when there is no such part.
    public func part(_ path: [Int]) -> MessagePart? {
        guard let first = path.first, var entity = Self.child(first, ofMessage: root) else { return nil }
        for number in path.dropFirst() {
            let next: Entity?
            switch entity.kind {
            case .leaf, .closed: next = nil
            case .multipart: next = Self.child(number, of: entity)
            case .message: next = Self.child(number, ofMessage: entity.children[0])
            }
            guard let next else { return nil }
            entity = next
        }
        return MessagePart(entity, path: path)
    }

    /// All parts, each before those within it.
    public var parts: [MessagePart] {
        var found: [MessagePart] = []
        Self.collectMessage(root, path: [], into: &found)
        return found
    }

    private static func child(_ number: Int, of entity: Entity) -> Entity? {
        // BODYSTRUCTURE shows an empty part where there is none: what it shows is there.
        if entity.children.isEmpty { return number == 1 ? .emptyPart(at: entity.bodyEnd) : nil }
        return number >= 1 && number <= entity.children.count ? entity.children[number - 1] : nil
    }

    private static func child(_ number: Int, ofMessage entity: Entity) -> Entity? {
        switch entity.kind {
        case .multipart: child(number, of: entity)
        case .leaf, .message, .closed: number == 1 ? entity : nil
        }
    }

    private static func collectMessage(_ message: Entity, path: [Int], into found: inout [MessagePart]) {
        switch message.kind {
        case .multipart: collectChildren(of: message, path: path, into: &found)
        case .leaf, .message, .closed: collectPart(message, path: path + [1], into: &found)
        }
    }

    private static func collectChildren(of entity: Entity, path: [Int], into found: inout [MessagePart]) {
        for (index, child) in entity.children.enumerated() {
            collectPart(child, path: path + [index + 1], into: &found)
        }
    }

    private static func collectPart(_ part: Entity, path: [Int], into found: inout [MessagePart]) {
        found.append(MessagePart(part, path: path))
        switch part.kind {
        case .leaf, .closed: break
        case .multipart: collectChildren(of: part, path: path, into: &found)
        case .message: collectMessage(part.children[0], path: path, into: &found)
        }
    }
}
