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
}

extension FormatDecoder {
    mutating func configuration() throws(FormatError) -> Configuration {
        var members: [Member] = []
        for _ in 0..<(try count(bytesEach: 17)) {
            let replica = ReplicaID(try integer())
            let node = NodeID(try integer())
            members.append(Member(replica: replica, node: node, priority: try integer()))
        }
        return Configuration(
            members: members,
            voters: try replicas(),
            outgoingVoters: try replicas(),
            learners: try replicas()
        )
    }

    private mutating func replicas() throws(FormatError) -> [ReplicaID] {
        var replicas: [ReplicaID] = []
        for _ in 0..<(try count(bytesEach: 8)) { replicas.append(ReplicaID(try integer())) }
        return replicas
    }
}
