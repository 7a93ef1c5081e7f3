/// What a connection says first, and what the answers to it mean.
struct Greeting {
    enum Step {
        case authentication
        case database
        case ping
        case role
        case name
        case prelude
    }

    /// In the order in which they are sent, without waiting for answers in between.
    let commands: [(step: Step, command: RedisCommand)]
    /// The connection is a subscriber's.
    let subscribes: Bool
    private let password: String?

    /// - Parameter requiresMaster: a replica is not good enough.
    init(_ credentials: RedisCredentials, requiresMaster: Bool = false, prelude: [RedisCommand]) {
        var commands: [(step: Step, command: RedisCommand)] = []
        if let password = credentials.password {
            var command = RedisCommand("AUTH")
            if let user = credentials.user { command.append(user) }
            command.append(password)
            commands.append((.authentication, command))
        }
        if credentials.database != 0 {
            var command = RedisCommand("SELECT")
            command.append(Int64(credentials.database))
            commands.append((.database, command))
        }
        // Whoever may not speak, or comes too early, is told so here, whatever the prelude is: NOAUTH, LOADING, MASTERDOWN, too
        // many clients.
        commands.append((.ping, RedisCommand("PING")))
        if requiresMaster { commands.append((.role, RedisCommand("ROLE"))) }
        var name = RedisCommand("CLIENT")
        name.append("SETNAME")
        name.append("laurel")
        commands.append((.name, name))
        self.commands = commands + prelude.map { (.prelude, $0) }
        subscribes = prelude.contains { $0.subscribes }
        password = credentials.password
    }

    /// Why the connection cannot be used; nil where this answer is no reason.
    func refusal(by reply: RedisReply, to step: Step) -> String? {
        guard case .error(let text) = reply else {
            // What else has got hold of the port, be it this socket itself (a port of nobody's can connect to itself).
            if case .ping = step, reply != .status("PONG") { return Self.noRedis }
            if case .role = step, reply.elements?.first?.text != "master" {
                return "it is a replica, and not the master"
            }
            return nil
        }
        switch step {
        // Not being allowed to is no harm: a name is for whoever looks at the list of clients.
        case .name: return nil
        case .ping where text.hasPrefix("NOPERM"), .role where text.hasPrefix("NOPERM"): return nil
        case .authentication: return withoutPassword(text)
        case .ping, .role, .database, .prelude: return text
        }
    }

    /// Whether a refusal stays until somebody changes a setting, there or here: a password, a right, a database, the address.
    /// A Redis that loads, or has too many clients, is worth waiting for.
    static func lasts(_ refusal: String) -> Bool {
        [
            noRedis, "NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR Client sent AUTH", "ERR DB index",
            "ERR invalid DB index",
        ].contains { refusal.hasPrefix($0) }
    }

    private static let noRedis = "no Redis answers there"

    /// To a command that it does not know a server answers with what it was told: `… with args beginning with: 'secret'`.
    private func withoutPassword(_ text: String) -> String {
        let end = text.firstRange(of: ", with args")?.lowerBound ?? text.endIndex
        let beginning = String(text[..<end])
        guard let password, !password.isEmpty else { return beginning }
        return beginning.replacing(password, with: "***")
    }
}
