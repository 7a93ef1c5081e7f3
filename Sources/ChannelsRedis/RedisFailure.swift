/// Why a command has no answer. The texts are for an operator: they name the server, and never the password.
enum RedisFailure: Error, Sendable {
    /// No byte of the command was written, nor will be: nothing happened.
    case notSent(String)
    /// It was written at least in part, and no answer will come: the server may have run it, or not.
    case outcomeUnknown(String)
}
