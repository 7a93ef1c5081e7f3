/// What is owed to who ran a command: one answer, by some instant.
struct CommandTicket {
    let deadline: ContinuousClock.Instant
    /// Of the command.
    let byteCount: Int
    let completion: (Result<RedisReply, RedisFailure>) -> Void
}

/// A command of which not one byte was written.
struct WaitingCommand {
    let command: RedisCommand
    let ticket: CommandTicket
}
