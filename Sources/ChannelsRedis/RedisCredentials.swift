/// What a connection says of itself when it begins: who it is, and which database it wants.
struct RedisCredentials: Sendable {
    /// Of Redis 6 and later; nil: the default user.
    var user: String?
    /// Nil: none is sent.
    var password: String?
    /// Its number, 0 in a cluster.
    var database: Int

    init(user: String? = nil, password: String? = nil, database: Int = 0) {
        self.user = user
        self.password = password
        self.database = database
    }
}
