import Glibc
import HTTPCore
import Reactor

/// Writes one answer: head and small pieces copied together, a large piece from where it is stored, encoded pieces a window
/// at a time; in as few system calls as that takes, which is one for most answers. Suspends nowhere: it says when it is
/// blocked.
///
/// ## How it works
/// What goes out next stands in `staging`, a buffer lent by the worker, and in at most one large piece between two parts of
/// it: `staging[..<split]`, `large`, `staging[split...]`. So an envelope around a large payload leaves in one call, with the
/// payload never copied. When both are full or the answer ends, they are flushed.
struct ResponseWriter: ~Copyable {
    enum Step {
        /// The whole answer is with the kernel.
        case done
        /// Wait until the socket is writable, then write on.
        case blocked
        /// The connection is over.
        case failed
    }

    /// Encoded at most so far ahead of what is written.
    private static let windowBytes = 65_536
    /// A piece of more than that is written from where it is stored; below, copying costs less than another vector.
    private static let copiedBytesMax = 4096
    /// Room in the window below which it is flushed before more is encoded.
    private static let encodeBytesMin = 1024

    /// Of the whole answer, what is with the kernel.
    private(set) var bytesWrittenInAll = 0
    var hasBegun: Bool { bytesWrittenInAll > 0 }

    private let socket: Socket
    private let worker: ServerWorker
    private var staging: [UInt8]
    private var split = 0
    private var large: [UInt8] = []
    /// Of what is staged, what is with the kernel already.
    private var bytesWritten = 0
    /// What is to be staged after it: all of `content`, or its pieces from `nextPiece` on.
    private var content: HTTPContent
    private var nextPiece = 0
    /// The piece before `nextPiece`, while it is not encoded to its end.
    private var encoder: (any ContentEncoder)?
    private var bytesToEncode = 0

    init(
        _ response: borrowing HTTPResponse, in context: ResponseSerializer.Context, to socket: Socket,
        worker: ServerWorker
    ) {
        self.socket = socket
        self.worker = worker
        staging = worker.takeStaging()
        let writesContent = ResponseSerializer.appendHead(of: response, in: context, to: &staging)
        content = writesContent ? response.content : .none
    }

    /// Gives the buffer back, written or not.
    mutating func finish() {
        worker.giveBackStaging(&staging)
    }

    /// Writes as much as there is room for.
    mutating func write() -> Step {
        while true {
            let isLast = stage()
            let step = flush()
            if isLast || step != .done { return step }
        }
    }

    // MARK: Staging

    /// Stages what fits. True: that is all there is.
    private mutating func stage() -> Bool {
        // What is half written must leave first.
        guard bytesWritten == 0 else { return false }
        switch content {
        case .none: break
        case .bytes(let bytes):
            guard add(bytes) else { return false }
            content = .none
        case .pieces(let pieces):
            guard addEncoded() else { return false }
            while nextPiece < pieces.count {
                switch pieces[nextPiece] {
                case .bytes(let bytes):
                    guard add(bytes) else { return false }
                    nextPiece += 1
                case .encoded(let encoder):
                    nextPiece += 1
                    self.encoder = encoder
                    bytesToEncode = encoder.byteCount
                    guard addEncoded() else { return false }
                }
            }
        }
        return true
    }

    /// False: it did not fit, and waits.
    private mutating func add(_ bytes: [UInt8]) -> Bool {
        if bytes.count <= Self.copiedBytesMax {
            guard staging.count + bytes.count <= Self.windowBytes else { return false }
            staging.append(contentsOf: bytes)
        } else {
            guard large.isEmpty else { return false }
            large = bytes
            split = staging.count
        }
        return true
    }

    /// False: there is more to encode than fits.
    private mutating func addEncoded() -> Bool {
        while bytesToEncode > 0 {
            let room = Self.windowBytes - staging.count
            guard room >= min(Self.encodeBytesMin, bytesToEncode) else { return false }
            let before = staging.count
            encoder!.encode(into: &staging, bytesMax: room)
            let count = staging.count - before
            precondition(count > 0 && count <= bytesToEncode, "An encoder makes what it announced, and goes on")
            bytesToEncode -= count
        }
        encoder = nil
        return true
    }

    // MARK: Writing

    private mutating func flush() -> Step {
        if large.isEmpty { split = staging.count }
        let byteCount = staging.count + large.count
        while bytesWritten < byteCount {
            guard let count = try? writeOnce() else { return .failed }
            if count == 0 { return .blocked }
            bytesWrittenInAll += count
            bytesWritten += count
        }
        staging.removeAll(keepingCapacity: true)
        large = []
        bytesWritten = 0
        return .done
    }

    /// One system call for what is left of what is staged. 0: no room.
    private borrowing func writeOnce() throws -> Int {
        if large.isEmpty {
            return try staging.withUnsafeBytes { bytes in
                try socket.write(UnsafeRawBufferPointer(rebasing: bytes[bytesWritten...]))
            }
        }
        return try staging.withUnsafeBytes { staging in
            try large.withUnsafeBytes { large in
                var toSkip = bytesWritten
                var vectors = (
                    Self.vector(of: staging[..<split], skipping: &toSkip),
                    Self.vector(of: large[...], skipping: &toSkip),
                    Self.vector(of: staging[split...], skipping: &toSkip)
                )
                return try withUnsafeMutableBytes(of: &vectors) { bytes in
                    // SAFETY: a tuple of one type is laid out, and bound, as an array of it.
                    try socket.write(gathering: bytes.assumingMemoryBound(to: iovec.self))
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
