internal import Consensus
internal import MailModel

/// The keys of the group, and of the account.
extension CommandScope {
    /// The key, or the beginning of keys, of a table that is not per account.
    func groupKey(_ table: Table) -> Key { Key(group, table) }

    /// The key, or the beginning of keys, of the account.
    func key(_ table: Table) -> Key { Key(group, table, accountID) }

    /// The key, or the beginning of keys, of a mailbox's contents.
    func key(_ table: Table, of contents: ContentsID) -> Key { Key(group, table, accountID, contents) }

    func key(_ table: Table, of uid: UID, in contents: ContentsID) -> Key {
        Key(group, table, accountID, contents, uid)
    }

    /// The key, or the beginning of keys, of a body.
    func key(_ table: Table, of body: BodyID) -> Key { Key(group, table, accountID, body) }

    func deliveryKey(of id: DeliveryID) -> Key { key(.deliveries).appending(id.high).appending(id.low) }

    /// The place of a delivery in the order in which deliveries are forgotten.
    func deliveryByTimeKey(at time: Timestamp, of id: DeliveryID) -> Key {
        var key = groupKey(.deliveriesByTime)
        key.append(time)
        key.append(accountID.rawValue)
        key.append(id.high)
        key.append(id.low)
        return key
    }

    /// The place of a message among those whose flags have changed, in the order of MODSEQs.
    func changeKey(of uid: UID, at modSeq: ModSeq, in contents: ContentsID) -> Key {
        key(.changes, of: contents).appending(modSeq.rawValue).appending(uid.rawValue)
    }

    func expungedKey(of position: ExpungedRow.Position) -> Key {
        var key = key(.expunged, of: position.contents)
        key.append(position.modSeq.rawValue)
        key.append(position.uid.rawValue)
        return key
    }

    /// The place of an expunged message in the order in which their retention ends.
    func expungedByTimeKey(at time: Timestamp, of position: ExpungedRow.Position) -> Key {
        var key = groupKey(.expungedByTime)
        key.append(time)
        key.append(accountID.rawValue)
        key.append(position.contents.rawValue)
        key.append(position.modSeq.rawValue)
        key.append(position.uid.rawValue)
        return key
    }
}
