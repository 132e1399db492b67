public import Consensus
public import NIOCore

/// The tags of commands of the directory; those of all other commands are below or between.
enum DirectoryTag: UInt8 {
    case foundCluster = 50
    case registerNode = 51
    case raiseVersion = 52
    case addToken = 53
    case removeToken = 54
    case admitNode = 55
    case setNodeState = 56
    case addGroup = 57
    case placeGroup = 58
    case removeGroup = 59
    case reportMembers = 60
    case assignSlots = 61
    case setRule = 62
    case setScheduler = 63
    case setLabels = 64
    case beginOperation = 65
    case endOperation = 66
}

extension DirectoryCommand {
    /// Appends the tag and what follows it, as `Docs/formats/command.md` lays it out.
    func encode(into buffer: inout ByteBuffer) {
        func tag(_ tag: DirectoryTag) { buffer.writeInteger(tag.rawValue) }
        switch self {
        case .found(let clusterID, let mailGroups, let version, let founders):
            tag(.foundCluster)
            buffer.writeInteger(clusterID)
            buffer.writeInteger(mailGroups)
            buffer.writeInteger(version.rawValue)
            buffer.write(founders)
        case .registerNode(let node, let run):
            tag(.registerNode)
            buffer.write(node)
            buffer.writeInteger(run)
        case .raiseVersion(let version):
            tag(.raiseVersion)
            buffer.writeInteger(version.rawValue)
        case .addToken(let token):
            tag(.addToken)
            buffer.write(token)
        case .removeToken(let id):
            tag(.removeToken)
            buffer.writeInteger(id.rawValue)
        case .admitNode(let directory, let proof, let node):
            tag(.admitNode)
            buffer.writeInteger(directory)
            buffer.writeInteger(proof.id.rawValue)
            buffer.writeLengthPrefixed(proof.secretHash)
            buffer.write(node)
        case .setNodeState(let node, let state):
            tag(.setNodeState)
            buffer.writeInteger(node.rawValue)
            buffer.writeInteger(state.rawValue)
        case .addGroup(let pool, let placing):
            tag(.addGroup)
            buffer.writeLengthPrefixed(pool)
            buffer.write(placing)
        case .placeGroup(let group, let placing, let replaced):
            tag(.placeGroup)
            buffer.writeInteger(group.rawValue)
            buffer.write(placing)
            buffer.writeBool(replaced != nil)
            if let replaced { buffer.write(replaced) }
        case .removeGroup(let group):
            tag(.removeGroup)
            buffer.writeInteger(group.rawValue)
        case .reportMembers(let group, let index, let configuration):
            tag(.reportMembers)
            buffer.writeInteger(group.rawValue)
            buffer.writeInteger(index.rawValue)
            buffer.write(configuration)
        case .assignSlots(let range, let group):
            tag(.assignSlots)
            buffer.writeInteger(range.first.rawValue)
            buffer.writeInteger(UInt16(range.count))
            buffer.writeInteger(group.rawValue)
        case .setRule(let pool, let rule):
            tag(.setRule)
            buffer.writeLengthPrefixed(pool)
            buffer.write(rule)
        case .setScheduler(let settings):
            tag(.setScheduler)
            buffer.write(settings)
        case .setLabels(let node, let labels):
            tag(.setLabels)
            buffer.writeInteger(node.rawValue)
            buffer.write(labels)
        case .beginOperation(let id, let kind, let work):
            tag(.beginOperation)
            buffer.writeInteger(id.rawValue)
            buffer.write(kind)
            buffer.write(work)
        case .endOperation(let id, let state):
            tag(.endOperation)
            buffer.writeInteger(id.rawValue)
            buffer.writeInteger(state.rawValue)
        }
    }

    /// Reads what follows a tag.
    init(_ tag: DirectoryTag, from decoder: inout WireDecoder) throws(DecodingError) {
        switch tag {
        case .foundCluster:
            let clusterID: UInt64 = try decoder.integer()
            let mailGroups: UInt32 = try decoder.integer()
            // No more groups than slots: each has one at least.
            guard mailGroups > 0, mailGroups <= UInt32(Slot.count) else { throw decoder.failure(.outOfRange) }
            let version = ClusterVersion(rawValue: try decoder.integer())
            let founders = try decoder.founders()
            self = .found(clusterID: clusterID, mailGroups: mailGroups, version: version, founders: founders)
        case .registerNode: self = .registerNode(try decoder.nodeDescription(), run: try decoder.integer())
        case .raiseVersion: self = .raiseVersion(ClusterVersion(rawValue: try decoder.integer()))
        case .addToken: self = .addToken(try decoder.joinToken())
        case .removeToken: self = .removeToken(JoinTokenID(rawValue: try decoder.integer()))
        case .admitNode:
            let directory: UInt64 = try decoder.integer()
            let id = JoinTokenID(rawValue: try decoder.integer())
            let proof = JoinTokenProof(id: id, secretHash: try decoder.secretHash())
            self = .admitNode(directory: directory, proof, try decoder.nodeDescription())
        case .setNodeState: self = .setNodeState(NodeID(try decoder.integer()), try decoder.nodeState())
        case .addGroup: self = .addGroup(pool: try decoder.poolName(), try decoder.placing())
        case .placeGroup:
            let group = try decoder.group()
            let placing = try decoder.placing()
            self = .placeGroup(group, placing, replacing: try decoder.bool() ? try decoder.placing() : nil)
        case .removeGroup: self = .removeGroup(try decoder.group())
        case .reportMembers:
            let group = try decoder.group()
            self = .reportMembers(group, at: try decoder.logIndex(), try decoder.configuration())
        case .assignSlots:
            let first: UInt16 = try decoder.integer()
            let count: UInt16 = try decoder.integer()
            guard let range = SlotRange(first: Slot(rawValue: first), count: Int(count)) else {
                throw decoder.failure(.outOfRange)
            }
            self = .assignSlots(range, to: try decoder.group())
        case .setRule: self = .setRule(pool: try decoder.poolName(), try decoder.placementRule())
        case .setScheduler: self = .setScheduler(try decoder.schedulerSettings())
        case .setLabels:
            let node = NodeID(try decoder.integer())
            self = .setLabels(node, try decoder.labels(maximum: NodeRecord.maximumGivenLabels))
        case .beginOperation:
            let id = OperationID(rawValue: try decoder.integer())
            let kind = try decoder.operationKind()
            self = .beginOperation(id, kind, try decoder.operationWork())
        case .endOperation:
            let id = OperationID(rawValue: try decoder.integer())
            self = .endOperation(id, try decoder.operationState())
        }
    }
}

extension ByteBuffer {
    /// Appends a count (32 bits), and node and directory (64 bits each) of each founder.
    public mutating func write(_ founders: [Founder]) {
        writeCount(founders.count)
        for founder in founders {
            writeInteger(founder.node.rawValue)
            writeInteger(founder.directory)
        }
    }

    /// Appends the members with node and priority, then the replicas of each role, all lists behind their counts.
    public mutating func write(_ configuration: Configuration) {
        writeCount(configuration.members.count)
        for member in configuration.members {
            writeInteger(member.replica.rawValue)
            writeInteger(member.node.rawValue)
            writeInteger(member.priority)
        }
        for list in [configuration.voters, configuration.outgoingVoters, configuration.learners] {
            writeCount(list.count)
            for replica in list { writeInteger(replica.rawValue) }
        }
    }

    /// Appends the nodes of the voters behind their count, and the preferred leader (64 bits; 0 for none), and
    /// whether one value of a label may have a majority (8 bits).
    public mutating func write(_ placing: Placing) {
        writeCount(placing.voters.count)
        for node in placing.voters { writeInteger(node.rawValue) }
        writeInteger(placing.preferredLeader?.rawValue ?? 0)
        writeBool(placing.mayFormMajority)
    }

    /// Appends ID (64 bits), hash, end (64 bits) and uses (32 bits).
    public mutating func write(_ token: JoinToken) {
        writeInteger(token.id.rawValue)
        writeLengthPrefixed(token.secretHash)
        writeInteger(token.expires.rawValue)
        writeInteger(token.uses)
    }
}

extension WireDecoder {
    /// Reads a group's ID (32 bits).
    ///
    /// - Throws: ``DecodingError``, also for one of the reserved numbers.
    public mutating func group() throws(DecodingError) -> GroupID {
        let group = GroupID(try integer(as: UInt32.self))
        guard group <= .maximum else { throw failure(.outOfRange) }
        return group
    }

    /// Reads an index of a log (64 bits).
    ///
    /// - Throws: ``DecodingError``, also for one above ``Consensus/LogIndex/maximum``.
    public mutating func logIndex() throws(DecodingError) -> LogIndex {
        let index = LogIndex(try integer(as: UInt64.self))
        guard index <= .maximum else { throw failure(.outOfRange) }
        return index
    }

    /// Reads the state of a node (8 bits).
    ///
    /// - Throws: ``DecodingError``, also for a state that is not known.
    public mutating func nodeState() throws(DecodingError) -> NodeState {
        let raw: UInt8 = try integer()
        guard let state = NodeState(rawValue: raw) else { throw failure(.unknownTag(UInt64(raw))) }
        return state
    }

    /// Reads the name of a pool, 1 to 64 bytes.
    ///
    /// - Throws: ``DecodingError``, also for a name of another length.
    public mutating func poolName() throws(DecodingError) -> String {
        let name = try string(maximum: 64)
        guard !name.isEmpty else { throw failure(.outOfRange) }
        return name
    }

    /// Reads founders behind their count.
    ///
    /// - Throws: ``DecodingError``, also for more than ``Founder/maximumCount``.
    public mutating func founders() throws(DecodingError) -> [Founder] {
        let count = try count(minimumBytes: 16)
        guard count <= Founder.maximumCount else { throw failure(.outOfRange) }
        var founders: [Founder] = []
        for _ in 0..<count {
            founders.append(Founder(node: NodeID(try integer(as: UInt64.self)), directory: try integer()))
        }
        return founders
    }

    /// Reads a configuration. Whether its lists fit each other is not looked at.
    ///
    /// - Throws: ``DecodingError``, for what is cut off.
    public mutating func configuration() throws(DecodingError) -> Configuration {
        var members: [Member] = []
        for _ in 0..<(try count(minimumBytes: 17)) {
            let replica = ReplicaID(try integer(as: UInt64.self))
            members.append(
                Member(replica: replica, node: NodeID(try integer(as: UInt64.self)), priority: try integer())
            )
        }
        func list(_ decoder: inout WireDecoder) throws(DecodingError) -> [ReplicaID] {
            var replicas: [ReplicaID] = []
            for _ in 0..<(try decoder.count(minimumBytes: 8)) {
                replicas.append(ReplicaID(try decoder.integer(as: UInt64.self)))
            }
            return replicas
        }
        let voters = try list(&self)
        let outgoing = try list(&self)
        let learners = try list(&self)
        return Configuration(members: members, voters: voters, outgoingVoters: outgoing, learners: learners)
    }

    /// Reads where voters are to be.
    ///
    /// - Throws: ``DecodingError``, also for more than ``Placing/maximumVoters``, for a node that comes twice or out of
    ///   order, and for a preferred leader that is no voter.
    public mutating func placing() throws(DecodingError) -> Placing {
        let count = try count(minimumBytes: 8)
        guard count <= Placing.maximumVoters else { throw failure(.outOfRange) }
        var voters: [NodeID] = []
        for _ in 0..<count { voters.append(NodeID(try integer(as: UInt64.self))) }
        let preferred: UInt64 = try integer()
        let placing = Placing(
            voters: voters,
            preferredLeader: preferred == 0 ? nil : NodeID(preferred),
            mayFormMajority: try bool()
        )
        guard placing.voters == voters, (placing.preferredLeader?.rawValue ?? 0) == preferred else {
            throw failure(.outOfRange)
        }
        return placing
    }

    /// Reads a token.
    ///
    /// - Throws: ``DecodingError``, also for a hash of another length.
    public mutating func joinToken() throws(DecodingError) -> JoinToken {
        JoinToken(
            id: JoinTokenID(rawValue: try integer()),
            secretHash: try secretHash(),
            expires: try timestamp(),
            uses: try integer()
        )
    }

    fileprivate mutating func secretHash() throws(DecodingError) -> [UInt8] {
        let hash = try bytes(maximum: JoinToken.hashBytes)
        guard hash.readableBytes == JoinToken.hashBytes else { throw failure(.outOfRange) }
        return Array(hash.readableBytesView)
    }
}
