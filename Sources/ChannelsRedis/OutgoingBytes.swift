import Glibc
import Reactor

/// Bytes on their way out: small pieces copied together, a large piece referred to where it is stored, until it is written.
struct OutgoingBytes: Sendable {
    /// A piece of more than that is not copied; below, copying costs less than another vector.
    static let copiedBytesMax = 4096
    /// Of one write. What has more pieces takes several.
    private static let vectorsMax = 64

    private struct Large: Sendable {
        /// Its place: before this index of `copied`.
        var position: Int
        var bytes: [UInt8]
    }

    private var copied: [UInt8] = []
    private var large: [Large] = []
    /// Of all pieces.
    private(set) var count = 0

    /// Of what was copied.
    var copiedCount: Int { copied.count }
    var largeCount: Int { large.count }

    mutating func reserveCopied(_ byteCount: Int) {
        copied.reserveCapacity(byteCount)
    }

    mutating func removeAll() {
        copied.removeAll(keepingCapacity: true)
        large.removeAll(keepingCapacity: true)
        count = 0
    }

    // MARK: Appending

    mutating func append(copying bytes: UnsafeRawBufferPointer) {
        copied.append(contentsOf: bytes)
        count += bytes.count
    }

    mutating func append(_ byte: UInt8) {
        copied.append(byte)
        count += 1
    }

    /// Copied where it is small.
    mutating func append(_ bytes: [UInt8]) {
        if bytes.count > Self.copiedBytesMax {
            large.append(Large(position: copied.count, bytes: bytes))
        } else {
            copied.append(contentsOf: bytes)
        }
        count += bytes.count
    }

    mutating func append(_ other: OutgoingBytes) {
        for piece in other.large {
            large.append(Large(position: copied.count + piece.position, bytes: piece.bytes))
        }
        copied.append(contentsOf: other.copied)
        count += other.count
    }

    mutating func appendLineEnd() {
        append(0x0D)
        append(0x0A)
    }

    mutating func append(decimal number: Int64) {
        if number < 0 { append(UInt8(ascii: "-")) }
        let digitCount = Self.digitCount(number.magnitude)
        let start = copied.count
        copied.append(contentsOf: repeatElement(0, count: digitCount))
        count += digitCount
        var rest = number.magnitude
        for index in stride(from: start + digitCount - 1, through: start, by: -1) {
            copied[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    static func digitCount(_ number: UInt64) -> Int {
        var count = 1
        var rest = number / 10
        while rest > 0 {
            count += 1
            rest /= 10
        }
        return count
    }

    // MARK: Writing

    /// Writes what there is room for, from `offset` on, which is before the end; 0: none at all.
    ///
    /// - Throws: `SystemError`: the connection is over.
    func write(from offset: Int, to socket: Socket) throws -> Int {
        try copied.withUnsafeBytes { copied in
            if large.isEmpty { return try socket.write(UnsafeRawBufferPointer(rebasing: copied[offset...])) }
            return try withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.vectorsMax) { storage in
                var vectors = VectorList(storage, dropping: offset)
                return try write(&vectors, copied, fromPiece: 0, to: socket)
            }
        }
    }

    /// Adds the pieces from number `piece` on, then writes: recursive, so that each is pinned until all are written.
    private func write(
        _ vectors: inout VectorList, _ copied: UnsafeRawBufferPointer, fromPiece piece: Int, to socket: Socket
    ) throws -> Int {
        let start = piece == 0 ? 0 : large[piece - 1].position
        let end = piece == large.count ? copied.count : large[piece].position
        vectors.add(UnsafeRawBufferPointer(rebasing: copied[start..<end]))
        if piece == large.count || vectors.isFull { return try socket.write(gathering: vectors.filled) }
        return try large[piece].bytes.withUnsafeBytes { bytes in
            vectors.add(bytes)
            return try write(&vectors, copied, fromPiece: piece + 1, to: socket)
        }
    }
}

/// Vectors for one write, in borrowed storage.
private struct VectorList {
    private let storage: UnsafeMutableBufferPointer<iovec>
    private var count = 0
    /// Of what is added next, so many bytes are left out.
    private var bytesToDrop: Int

    init(_ storage: UnsafeMutableBufferPointer<iovec>, dropping byteCount: Int) {
        self.storage = storage
        bytesToDrop = byteCount
    }

    /// There is no room for two more.
    var isFull: Bool { count + 2 > storage.count }
    var filled: UnsafeMutableBufferPointer<iovec> { UnsafeMutableBufferPointer(rebasing: storage[..<count]) }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let dropped = min(bytesToDrop, bytes.count)
        bytesToDrop -= dropped
        guard dropped < bytes.count, let base = bytes.baseAddress else { return }
        // The kernel only reads through it; the type has no constant form.
        storage[count] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: base + dropped), iov_len: bytes.count - dropped)
        count += 1
    }
}
