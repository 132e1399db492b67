public import Consensus

/// One label of a node, say `vendor=alfa`.
public struct Label: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// What is labelled: `vendor`, `datacenter`, `firmware`, any key.
    public let key: String
    /// What the node has there.
    public let value: String

    public init(key: String, value: String) {
        self.key = key
        self.value = value
    }

    public static func < (a: Label, b: Label) -> Bool { (a.key, a.value) < (b.key, b.value) }

    public var description: String { "\(key)=\(value)" }
}

/// The labels of one node, at most one for each key.
public struct Labels: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// All labels, sorted by key.
    public let sorted: [Label]

    /// Labels in any order. Where a key comes twice, the later label counts.
    public init(_ labels: [Label]) {
        var kept: [Label] = []
        for label in labels {
            if let known = kept.firstIndex(where: { $0.key == label.key }) {
                kept[known] = label
            } else {
                kept.append(label)
            }
        }
        sorted = kept.sorted()
    }

    /// `["vendor": "alfa"]`; where a key comes twice, the later label counts.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label(key: $0.0, value: $0.1) })
    }

    /// The value of that key; nil where the node has no such label.
    public subscript(key: String) -> String? { sorted.first { $0.key == key }?.value }

    /// Whether the node has exactly that label.
    public func contains(_ label: Label) -> Bool { self[label.key] == label.value }
}

/// What vanishes together: the nodes with one value of a label, or a node that lacks the label, by itself.
public enum DomainValue: Hashable, Comparable, Sendable, CustomStringConvertible {
    case labelled(String)
    case unlabelled(NodeID)

    /// The value that a node with these labels has for a key.
    public init(of key: String, node: NodeID, labels: Labels) {
        self = labels[key].map(DomainValue.labelled) ?? .unlabelled(node)
    }

    public var description: String {
        switch self {
        case .labelled(let value): value
        case .unlabelled(let node): "(node \(node.rawValue), not labelled)"
        }
    }
}
