import Foundation
import Synchronization

/// A program that a test starts, with what it writes gathered as it comes.
///
/// How it works: one thread a process reads its output and its errors, another reaps it. Whoever waits for a line
/// or for the end does so in a continuation, and not for ever: a test that waits in vain fails, and says for what.
final class ChildProcess: Sendable {
    let pid: pid_t
    private let state = Mutex(State())

    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        /// Set when the process is reaped; from then on its number may belong to another.
        var reapedStatus: Int32?
        /// The same, once all that it wrote has been read.
        var exitStatus: Int32?
        var exitWaiters: [CheckedContinuation<Int32, Never>] = []
        var lineWaiters: [LineWaiter] = []
    }

    private struct LineWaiter {
        let id = UUID()
        let matches: @Sendable (Substring) -> Bool
        let earlierCount: Int
        let continuation: CheckedContinuation<String, any Error>
    }

    /// Far beyond what any test needs.
    private static let patience = DispatchTimeInterval.seconds(120)

    /// It could not be started, or did not write the line that was waited for.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Starts `executable`, a path or a name in `PATH`. Of variables `LAUREL_…` only those of `environment` reach it.
    init(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], input: [UInt8] = []
    ) throws {
        let (stdin, stdout, stderr, end) = (try Pipe(), try Pipe(), try Pipe(), try Pipe())
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, stdin.readEnd, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout.writeEnd, 1)
        posix_spawn_file_actions_adddup2(&actions, stderr.writeEnd, 2)
        let variables = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("LAUREL_") }.merging(environment) { $1 }
        let argumentList = CStrings([executable] + arguments)
        let environmentList = CStrings(variables.map { "\($0.key)=\($0.value)" })
        var pid = pid_t()
        let failure = posix_spawnp(&pid, executable, &actions, nil, argumentList.pointers, environmentList.pointers)
        for end in [stdin.readEnd, stdout.writeEnd, stderr.writeEnd] { close(end) }
        guard failure == 0 else {
            for end in [stdin.writeEnd, stdout.readEnd, stderr.readEnd, end.readEnd, end.writeEnd] { close(end) }
            throw Failure(description: "\(executable) cannot be started: \(String(cString: strerror(failure)))")
        }
        self.pid = pid
        Thread.detachNewThread { [self] in
            watch(output: stdout.readEnd, errors: stderr.readEnd, end: end.readEnd)
        }
        Thread.detachNewThread { [self] in reap(end: end.writeEnd) }
        Thread.detachNewThread {
            // A program that reads no input may be gone by now: then there is nobody to tell.
            input.withUnsafeBytes { _ = send(stdin.writeEnd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            close(stdin.writeEnd)
        }
    }

    /// Runs a program to its end.
    static func run(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) async throws -> (exitStatus: Int32, output: String, errors: String) {
        let child = try ChildProcess(
            executable, arguments, environment: environment, input: Array(input.utf8))
        let status = await child.exitStatus()
        return (status, child.outputText, child.errorText)
    }

    var output: [UInt8] { state.withLock { $0.output } }
    var outputText: String { String(decoding: output, as: UTF8.self) }
    var errorText: String { state.withLock { String(decoding: $0.errors, as: UTF8.self) } }

    /// The exit status, when all that it wrote has been read: 128 and the signal's number where a signal ended it. A process
    /// that does not end is killed in the end.
    func exitStatus() async -> Int32 {
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { [weak self] in self?.kill() }
        return await withCheckedContinuation { continuation in
            let status = state.withLock { state in
                if state.exitStatus == nil { state.exitWaiters.append(continuation) }
                return state.exitStatus
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    /// The first line of standard error that matches, or the one after `earlierCount` others, now or later.
    ///
    /// - Throws: ``Failure`` with all of its errors, where it ends without one or takes too long.
    func errorLine(
        after earlierCount: Int = 0, _ matches: @escaping @Sendable (Substring) -> Bool
    ) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            let waiter = LineWaiter(matches: matches, earlierCount: earlierCount, continuation: continuation)
            state.withLock { $0.lineWaiters.append(waiter) }
            tellLineWaiters()
            DispatchQueue.global().asyncAfter(deadline: .now() + Self.patience) { [weak self] in
                self?.giveUp(waiter.id)
            }
        }
    }

    private func giveUp(_ id: UUID) {
        let (waiter, text) = state.withLock { state in
            let index = state.lineWaiters.firstIndex { $0.id == id }
            return (index.map { state.lineWaiters.remove(at: $0) }, String(decoding: state.errors, as: UTF8.self))
        }
        waiter?.continuation.resume(throwing: Failure(description: "no such line came: \(text)"))
    }

    /// Sends a signal, unless the process is over.
    func signal(_ number: Int32) {
        state.withLock { state in
            if state.reapedStatus == nil { _ = Foundation.kill(pid, number) }
        }
    }

    func kill() { signal(SIGKILL) }

    // MARK: The threads

    /// Reads until both ends are closed, or until the process has ended and nothing more is there: what it has started itself
    /// may live on, and hold them open.
    private func watch(output: Int32, errors: Int32, end: Int32) {
        var files = [output, errors, end].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var hasEnded = false
        while !hasEnded || files[..<2].contains(where: { $0.fd >= 0 }) {
            let count = poll(&files, nfds_t(files.count), hasEnded ? 0 : -1)
            guard count >= 0 || errno == EINTR else { break }
            if hasEnded, count == 0 { break }
            if files[2].fd >= 0, files[2].revents != 0 {
                hasEnded = true
                close(end)
                files[2].fd = -1
            }
            for index in 0..<2 where files[index].fd >= 0 && files[index].revents != 0 {
                let count = read(files[index].fd, &buffer, buffer.count)
                if count <= 0 {
                    close(files[index].fd)
                    files[index].fd = -1
                    continue
                }
                state.withLock { state in
                    if index == 0 {
                        state.output += buffer[..<count]
                    } else {
                        state.errors += buffer[..<count]
                    }
                }
                tellLineWaiters()
            }
        }
        for file in files where file.fd >= 0 { close(file.fd) }
        let waiters = state.withLock { state in
            state.exitStatus = state.reapedStatus
            defer { state.exitWaiters.removeAll() }
            return state.exitWaiters
        }
        let status = state.withLock { $0.exitStatus } ?? 0
        for waiter in waiters { waiter.resume(returning: status) }
        tellLineWaiters()
    }

    /// Waits for the process itself, and says so to the other thread by closing `end`.
    private func reap(end: Int32) {
        // First only look: the number must not be free for another process before nobody can signal it any more.
        var information = siginfo_t()
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        state.withLock { state in
            var status: Int32 = 0
            waitpid(pid, &status, 0)
            let isExit = status & 0x7f == 0
            state.reapedStatus = isExit ? (status >> 8) & 0xff : 128 + (status & 0x7f)
        }
        close(end)
    }

    private func tellLineWaiters() {
        let (found, disappointed) = state.withLock { state in
            let text = String(decoding: state.errors, as: UTF8.self)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            var found: [(LineWaiter, String)] = []
            state.lineWaiters.removeAll { waiter in
                guard let line = lines.filter(waiter.matches).dropFirst(waiter.earlierCount).first else { return false }
                found.append((waiter, String(line)))
                return true
            }
            guard let exitStatus = state.exitStatus else { return (found, [(LineWaiter, Failure)]()) }
            let failure = Failure(description: "it ended with \(exitStatus): \(text)")
            defer { state.lineWaiters.removeAll() }
            return (found, state.lineWaiters.map { ($0, failure) })
        }
        for (waiter, line) in found { waiter.continuation.resume(returning: line) }
        for (waiter, failure) in disappointed { waiter.continuation.resume(throwing: failure) }
    }
}

/// A pipe whose ends other children do not inherit: a pair of sockets, as these can be made so in one step.
private struct Pipe {
    let readEnd: Int32
    let writeEnd: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, type, 0, &ends) == 0 else {
            throw ChildProcess.Failure(description: "no pipe: \(String(cString: strerror(errno)))")
        }
        (readEnd, writeEnd) = (ends[0], ends[1])
    }
}

/// A list of C strings that ends in a null pointer, as `posix_spawn` takes it.
private final class CStrings {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointers = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointers[index] = strdup(string) }
        pointers[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointers[index]) }
        pointers.deallocate()
    }
}
