internal import Consensus
internal import NIOCore

/// Configurations as bytes.
extension ByteBuffer {
    mutating func write(_ configuration: Configuration) {
        writeInteger(UInt32(configuration.members.count), endianness: .little)
        for member in configuration.members {
            writeInteger(member.replica.rawValue, endianness: .little)
            writeInteger(member.node.rawValue, endianness: .little)
            writeInteger(member.priority)
        }
        for list in [configuration.voters, configuration.outgoingVoters, configuration.learners] {
            writeInteger(UInt32(list.count), endianness: .little)
            for replica in list { writeInteger(replica.rawValue, endianness: .little) }
        }
    }

    mutating func readConfiguration() -> Configuration? {
        guard let count = readInteger(endianness: .little, as: UInt32.self), Int(count) * 17 <= readableBytes else {
            return nil
        }
        var members: [Member] = []
        for _ in 0..<count {
            guard let replica = readInteger(endianness: .little, as: UInt64.self),
                let node = readInteger(endianness: .little, as: UInt64.self),
                let priority = readInteger(as: UInt8.self)
            else { return nil }
            members.append(Member(replica: ReplicaID(replica), node: NodeID(node), priority: priority))
        }
        guard let voters = readReplicas(), let outgoingVoters = readReplicas(), let learners = readReplicas() else {
            return nil
        }
        return Configuration(members: members, voters: voters, outgoingVoters: outgoingVoters, learners: learners)
    }

    private mutating func readReplicas() -> [ReplicaID]? {
        guard let count = readInteger(endianness: .little, as: UInt32.self), Int(count) * 8 <= readableBytes else {
            return nil
        }
        var replicas: [ReplicaID] = []
        for _ in 0..<count {
            guard let replica = readInteger(endianness: .little, as: UInt64.self) else { return nil }
            replicas.append(ReplicaID(replica))
        }
        return replicas
    }
}
