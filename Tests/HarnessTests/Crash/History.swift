/// What clients asked of a server, and what they were told, over all of its lives: what a ``HistoryChecker`` judges.
///
/// Instants are ticks of one counter, which every beginning and every end of a request moves by one. So of two requests it is
/// known whether one was over before the other began; nothing else of time matters.
struct History: Sendable {
    var requests: [Request] = []

    struct Request: Sendable {
        var action: Action
        /// When the client began to ask.
        var began: Int
        /// When it had its answer or, where none came, when the server was certainly gone.
        var over: Int
        var outcome: Outcome
    }

    enum Action: Sendable, Equatable {
        /// A message has a name, no two the same.
        case send(String, to: String)
        case sendGroup(String, to: String, excluded: Set<String> = [])
        /// `max`: how many messages it could have taken.
        case receive(Set<String>, max: Int)
        case join(Membership)
        case leave(Membership)
        /// Asks for the members of the group, or for the groups of the channel.
        case look(Scope)
    }

    enum Scope: Sendable, Equatable {
        case group(String)
        case channel(String)

        func contains(_ membership: Membership) -> Bool {
            switch self {
            case .group(let name): membership.group == name
            case .channel(let name): membership.channel == name
            }
        }
    }

    enum Outcome: Sendable, Equatable {
        /// Of a send. `members` of a group send.
        case accepted(MessageID, members: Int? = nil)
        /// Of a receive: in the answer's order; none where nothing arrived.
        case delivered([Taken])
        /// Of a join or a leave.
        case done
        /// Of a look.
        case members(Set<Membership>)
        /// Certainly not done.
        case refused
        /// No answer, or one that says so: it may have been done or not, but as a whole.
        case open
        /// A receive whose client hung up: as `open`, and what it took may have gone back.
        case abandoned

        var isAccepted: Bool {
            if case .accepted = self { true } else { false }
        }
    }

    struct Membership: Sendable, Hashable, CustomStringConvertible {
        var channel: String
        var group: String

        var description: String { "\(channel) in \(group)" }
    }

    struct Taken: Sendable, Equatable {
        var name: String
        var channel: String
        var group: String?
        var id: MessageID
    }

    /// An id as the server writes it: the shorter is the older, among equally long ones ASCII order decides.
    struct MessageID: Sendable, Hashable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
        let description: String

        init(_ text: String) { description = text }
        init(stringLiteral value: String) { description = value }

        static func < (left: Self, right: Self) -> Bool {
            (left.description.utf8.count, left.description) < (right.description.utf8.count, right.description)
        }
    }
}

extension History.Request {
    /// Whether it may have been done, though nobody was told.
    var isOpen: Bool { outcome == .open || outcome == .abandoned }

    func wasOver(before other: Self) -> Bool { over < other.began }
}
