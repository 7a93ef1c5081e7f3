import Glibc
import HTTPCore
import Reactor

/// Writes one answer: head and small pieces copied together, a large piece from where it is stored, encoded pieces a window
/// at a time; in as few system calls as that takes, which is one for most answers.
///
/// ## How it works
/// What goes out next stands in `staging`, a buffer lent by the worker, and in at most one large piece between two parts of
/// it: `staging[..<split]`, `large`, `staging[split...]`. So an envelope around a large payload leaves in one call, with the
/// payload never copied. When both are full or the answer ends, they are flushed.
struct ResponseWriter: ~Copyable {
    /// Encoded at most so far ahead of what is written.
    private static let windowBytes = 65_536
    /// A piece of more than that is written from where it is stored; below, copying costs less than another vector.
    private static let copiedBytesMax = 4096
    /// Room in the window below which it is flushed before more is encoded.
    private static let encodeBytesMin = 1024

    private let socket: Socket
    private let worker: ServerWorker
    private var onOutcome: (@Sendable (ResponseOutcome) async -> Void)?
    private var staging: [UInt8]
    private var large: [UInt8] = []
    private var split = 0

    init(socket: Socket, worker: ServerWorker) {
        self.socket = socket
        self.worker = worker
        staging = worker.takeStaging()
    }

    /// Writes `response` in full, and tells its outcome exactly once.
    ///
    /// Ignores the cancellation of the task. False where the connection failed, or the client did not read for the time of
    /// `writeTimeout`.
    consuming func write(_ response: HTTPResponse, in context: ResponseSerializer.Context) async -> Bool {
        onOutcome = response.onOutcome
        let writesContent = ResponseSerializer.appendHead(of: response, in: context, to: &staging)
        let isWritten = await writesContent ? write(response.content) : flush()
        if let onOutcome = onOutcome.take() { await onOutcome(.unsent) }
        worker.giveBackStaging(staging)
        return isWritten
    }

    private mutating func write(_ content: HTTPContent) async -> Bool {
        switch content {
        case .none: break
        case .bytes(let bytes):
            guard await add(bytes) else { return false }
        case .pieces(let pieces):
            for piece in pieces {
                switch piece {
                case .bytes(let bytes):
                    guard await add(bytes) else { return false }
                case .encoded(let encoder):
                    guard await add(encoder) else { return false }
                }
            }
        }
        return await flush()
    }

    private mutating func add(_ bytes: [UInt8]) async -> Bool {
        if bytes.count <= Self.copiedBytesMax {
            if staging.count + bytes.count > Self.windowBytes {
                guard await flush() else { return false }
            }
            staging.append(contentsOf: bytes)
        } else {
            if !large.isEmpty {
                guard await flush() else { return false }
            }
            large = bytes
            split = staging.count
        }
        return true
    }

    private mutating func add(_ encoder: any ContentEncoder) async -> Bool {
        var encoder = encoder
        var bytesLeft = encoder.byteCount
        while bytesLeft > 0 {
            if Self.windowBytes - staging.count < min(Self.encodeBytesMin, bytesLeft) {
                guard await flush() else { return false }
            }
            let before = staging.count
            encoder.encode(into: &staging, bytesMax: Self.windowBytes - before)
            precondition(staging.count > before, "An encoder made less than it announced")
            bytesLeft -= staging.count - before
            precondition(bytesLeft >= 0, "An encoder made more than it announced")
        }
        return true
    }

    /// Writes what is staged, waiting for room as often as that takes.
    private mutating func flush() async -> Bool {
        if large.isEmpty { split = staging.count }
        let byteCount = staging.count + large.count
        var bytesWritten = 0
        while bytesWritten < byteCount {
            guard let count = attempt(skipping: bytesWritten) else { return false }
            bytesWritten += count
            if count > 0 {
                if let onOutcome = onOutcome.take() { await onOutcome(.begun) }
            } else {
                let deadline = worker.loop.now + worker.settings.writeTimeout
                guard await socket.wait(for: .writable, until: deadline) == .ready else { return false }
            }
        }
        staging.removeAll(keepingCapacity: true)
        large = []
        return true
    }

    /// One system call for what is left behind the first `bytesWritten` bytes. 0: no room. Nil: the connection failed.
    private borrowing func attempt(skipping bytesWritten: Int) -> Int? {
        if large.isEmpty {
            return staging.withUnsafeBytes { bytes in
                try? socket.write(UnsafeRawBufferPointer(rebasing: bytes[bytesWritten...]))
            }
        }
        return staging.withUnsafeBytes { staging in
            large.withUnsafeBytes { large in
                var toSkip = bytesWritten
                var vectors = (
                    Self.vector(of: staging[..<split], skipping: &toSkip),
                    Self.vector(of: large[...], skipping: &toSkip),
                    Self.vector(of: staging[split...], skipping: &toSkip)
                )
                return withUnsafeMutableBytes(of: &vectors) { bytes in
                    // SAFETY: a tuple of one type is laid out, and bound, as an array of it.
                    try? socket.write(gathering: bytes.assumingMemoryBound(to: iovec.self))
                }
            }
        }
    }

    private static func vector(of part: Slice<UnsafeRawBufferPointer>, skipping bytes: inout Int) -> iovec {
        let skipped = min(bytes, part.count)
        bytes -= skipped
        let rest = UnsafeRawBufferPointer(rebasing: part.dropFirst(skipped))
        return iovec(iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
    }
}
