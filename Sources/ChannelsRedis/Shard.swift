import Channels
import Reactor

/// One shard of a layer: calls its function, and reads what comes of it. Loop only.
final class Shard {
    let keys: ShardKeys
    let link: RedisLink
    private let library: ShardLibrary
    private let time: (@Sendable () -> Int64)?
    private let troubles: ShardTroubles
    /// What begins each call, up to the operation.
    private let begin: RedisCommand
    private let beginFreeing: RedisCommand

    /// See ``RedisCore/callTimeMax``.
    private let callTimeMax: Duration
    /// For how long what frees much is called again and again.
    private static let freeingTimeMax = Duration.seconds(30)
    private var waitingForLibrary: [(ChannelError?) -> Void] = []
    static let timeKey = "laurel:time"

    /// - Parameter time: written to ``timeKey`` before each call, for a library that reads it there.
    init(
        _ keys: ShardKeys, over link: RedisLink, library: ShardLibrary, time: (@Sendable () -> Int64)? = nil,
        callTimeMax: Duration, troubles: ShardTroubles
    ) {
        self.callTimeMax = callTimeMax
        self.keys = keys
        self.link = link
        self.library = library
        self.time = time
        self.troubles = troubles
        func begin(_ function: String) -> RedisCommand {
            var command = RedisCommand("FCALL")
            command.append(function)
            command.append(Int64(keys.all.count))
            for key in keys.all { command.append(key) }
            command.append(Int64(keys.number))
            command.append(Int64(keys.count))
            return command
        }
        self.begin = begin(library.name)
        beginFreeing = begin(library.name + "_free")
    }

    /// Runs an operation in Redis, again and again while it says that more is in its way.
    ///
    /// - Parameter completion: called once, on the loop, never within this call: with what the operation answers, or with
    ///   `backendUnavailable` where nothing happened, `outcomeUnknown` where nobody can tell, `layerFull` where Redis has no
    ///   memory left.
    func call(_ operation: ShardOperation, completion: @escaping (Result<RedisReply, ChannelError>) -> Void) {
        let repeatTime = operation.freesMemory ? Self.freeingTimeMax : callTimeMax
        call(operation, started: nil, repeatedUntil: .now.advanced(by: repeatTime), completion: completion)
    }

    /// - Parameter end: when it is repeated no more.
    private func call(
        _ operation: ShardOperation, started: (String, String)?, repeatedUntil end: ContinuousClock.Instant,
        completion: @escaping (Result<RedisReply, ChannelError>) -> Void
    ) {
        // Each call has its own: that many of them take long is no sign of a Redis that stands still.
        let deadline = ContinuousClock.now.advanced(by: callTimeMax)
        var command = operation.freesMemory ? beginFreeing : begin
        command.append(operation.name)
        command.append(started?.0 ?? "")
        command.append(started?.1 ?? "")
        for argument in operation.arguments { argument.append(to: &command) }
        if let time {
            var setTime = RedisCommand("SET")
            setTime.append(Self.timeKey)
            setTime.append(time())
            link.run(setTime, until: deadline) { _ in }
        }
        link.run(command, until: deadline) { [self] result in
            switch result {
            case .failure(.notSent(let why)):
                // Else it is the connection's trouble, and known as that.
                if link.isReady { troubles.begin(.answers, why) }
                completion(.failure(.unreachable))
            case .failure(.outcomeUnknown): completion(.failure(.unanswered))
            case .success(.error(let text)) where text.contains("Function not found"):
                // Nothing was run: Redis is new, or its functions were flushed.
                loadLibrary { failure in
                    if let failure { return completion(.failure(failure)) }
                    self.call(operation, started: started, repeatedUntil: end, completion: completion)
                }
            case .success(.error(let text)): completion(.failure(refusal(text)))
            case .success(.array(let elements)) where elements.first?.text == "again" && elements.count == 3:
                guard let started = elements[1].text, let startedAt = elements[2].text else {
                    return completion(.failure(.strange(elements[0])))
                }
                guard .now < end else { return completion(.failure(.tooMuchInTheWay)) }
                self.call(operation, started: (started, startedAt), repeatedUntil: end, completion: completion)
            case .success(let reply):
                // That something can be freed says nothing of whether there is memory.
                if !operation.freesMemory { troubles.end(.answers) }
                completion(.success(reply))
            }
        }
    }

    private func refusal(_ text: String) -> ChannelError {
        troubles.begin(.answers, link.describe(text))
        return .refused(text)
    }

    /// Once for all calls that miss it at that time.
    private func loadLibrary(then: @escaping (ChannelError?) -> Void) {
        waitingForLibrary.append(then)
        guard waitingForLibrary.count == 1 else { return }
        link.run(library.loadCommand, until: .now.advanced(by: callTimeMax)) { [self] result in
            let failure: ChannelError? =
                switch result {
                case .failure: .unreachable
                case .success(.error(let text)): refusal(text)
                case .success: nil
                }
            let waiting = waitingForLibrary
            waitingForLibrary = []
            for then in waiting { then(failure) }
        }
    }
}

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
