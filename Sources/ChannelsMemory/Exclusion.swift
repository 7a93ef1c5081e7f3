/// That a membership gets no copy of an entry. Entry and membership both hold it, so that either can go first.
final class Exclusion {
    /// Of the entry.
    let number: UInt64
    /// Nil once the membership has read past the entry, or is over.
    // SAFETY: a membership that lets go of an exclusion sets it to nil, at the latest when it is over.
    unowned(unsafe) var member: Membership?

    init(of member: Membership, from number: UInt64) {
        self.member = member
        self.number = number
    }
}
