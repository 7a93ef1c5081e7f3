/// Something that a server must never do, found in its history.
struct Violation: CustomStringConvertible {
    enum Kind: String {
        /// An acknowledged message that nobody got, and that no receive without an answer can have taken.
        case lost
        /// The same for a copy of a group send for a channel that was certainly a member.
        case copyLost
        case deliveredTwice
        /// Taken after a younger message of its channel.
        case inverted
        case neverSent
        /// In another channel, as of another group, or under another id than it was sent.
        case misdirected
        case deliveredThoughRefused
        /// A copy in a channel that was certainly no member, or was excluded.
        case copyToNonMember
        case membershipLost
        /// A membership that its owner never asked for, or had ended.
        case membershipGhost
        /// The number of members that a group send told cannot be.
        case membersMiscounted
        /// The id of a send is not above those of sends that were over before it began.
        case idNotGreater
        case idTwice
    }

    let kind: Kind
    let description: String

    init(_ kind: Kind, _ what: String) {
        self.kind = kind
        description = "\(kind.rawValue): \(what)"
    }
}
