/// What is asked of a shard: the name of one of the library's operations, and its arguments.
struct ShardOperation: Sendable {
    enum Argument: Sendable {
        case text(String)
        case int(Int64)
        case bytes([UInt8])

        func append(to command: inout RedisCommand) {
            switch self {
            case .text(let text): command.append(text)
            case .int(let number): command.append(number)
            case .bytes(let bytes): command.append(bytes)
            }
        }
    }

    let name: String
    /// It is done although Redis has no memory left.
    var freesMemory = false
    var arguments: [Argument]

    init(_ name: String, freesMemory: Bool = false, _ arguments: [Argument] = []) {
        self.name = name
        self.freesMemory = freesMemory
        self.arguments = arguments
    }
}

extension ShardOperation.Argument {
    static func int(_ number: Int) -> Self { .int(Int64(number)) }
    static func microseconds(_ duration: Duration) -> Self {
        let (seconds, attoseconds) = duration.components
        // Up: nothing expires before its time.
        return .int(seconds * 1_000_000 + (attoseconds + 999_999_999_999) / 1_000_000_000_000)
    }
}
