import CHiredis

/// Reads replies out of bytes as they come: bytes in, replies out, in any portions. No I/O.
///
/// ## How it works
/// hiredis keeps the bytes of an unfinished reply, and calls back for each item that is complete, outer ones first. Its own
/// tree of replies is not made: the callbacks make ours directly, so that a large content is copied once less. An array is open
/// until it has as many elements as it said; the open ones are a stack.
final class ReplyReader {
    /// A larger reply ends the connection: as much as Redis itself allows a string to have.
    static let replyBytesMax = 512 << 20
    /// What the buffer may hold on to while nothing is in it.
    private static let idleBufferBytesMax = 1 << 20

    /// What the bytes are not: RESP2, or in bounds.
    struct ProtocolError: Error, CustomStringConvertible {
        let description: String
    }

    // SAFETY: made in `init` and in `giveBackBuffer`, freed in `deinit` and before it is replaced; nobody else has it.
    private var reader: UnsafeMutablePointer<redisReader>
    private var openArrays: [(elements: [RedisReply], count: Int)] = []
    private var finished: RedisReply?
    private var bytesSinceReply = 0
    private var bytesSinceIdle = 0

    init() {
        reader = Self.makeReader()
        // SAFETY: hiredis passes the pointer to the callbacks, within `next()` only, while this object lives.
        reader.pointee.privdata = Unmanaged.passUnretained(self).toOpaque()
    }

    deinit {
        redisReaderFree(reader)
    }

    private static func makeReader() -> UnsafeMutablePointer<redisReader> {
        // It takes some hundred bytes. A process that has not even those ends, as it does at any allocation of Swift's own.
        guard let reader = redisReaderCreateWithFunctions(functions) else { fatalError("out of memory") }
        // The default is to free the buffer whenever it is empty and larger than 16 KiB: at each read of a busy connection.
        reader.pointee.maxbuf = idleBufferBytesMax
        return reader
    }

    // MARK: Bytes in, replies out

    /// Takes the next bytes that were received; they are copied.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(ProtocolError) {
        bytesSinceReply += bytes.count
        bytesSinceIdle += bytes.count
        guard bytesSinceReply <= Self.replyBytesMax else {
            throw ProtocolError(description: "a reply of more than \(Self.replyBytesMax >> 20) MiB")
        }
        let code = redisReaderFeed(reader, bytes.assumingMemoryBound(to: CChar.self).baseAddress, bytes.count)
        if code != REDIS_OK { throw error() }
    }

    /// The next reply that is complete; nil where there is none. After an error the reader is of no more use.
    func next() throws(ProtocolError) -> RedisReply? {
        var object: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw error() }
        guard object != nil, let reply = finished.take() else {
            giveBackBuffer()
            return nil
        }
        bytesSinceReply = reader.pointee.len - reader.pointee.pos
        return reply
    }

    private func error() -> ProtocolError {
        let text = withUnsafeBytes(of: reader.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return ProtocolError(description: text)
    }

    /// After something large, the buffer stays as large until something comes next, which may be in an hour.
    private func giveBackBuffer() {
        guard reader.pointee.pos == reader.pointee.len, openArrays.isEmpty else { return }
        defer { bytesSinceIdle = 0 }
        guard bytesSinceIdle > Self.idleBufferBytesMax else { return }
        redisReaderFree(reader)
        reader = Self.makeReader()
        reader.pointee.privdata = Unmanaged.passUnretained(self).toOpaque()
    }

    // MARK: Items

    private func begin(arrayOf count: Int) {
        if count == 0 { return add(.array([])) }
        var elements: [RedisReply] = []
        // Not all that it says: that is only a number, the elements have yet to come.
        elements.reserveCapacity(min(count, 1024))
        openArrays.append((elements, count))
    }

    private func add(_ item: RedisReply) {
        var item = item
        // Taken off the stack to be appended to, so that its storage is not shared meanwhile.
        while var array = openArrays.popLast() {
            array.elements.append(item)
            if array.elements.count < array.count { return openArrays.append(array) }
            item = .array(array.elements)
        }
        finished = item
    }

    // MARK: Callbacks of hiredis

    private typealias Task = UnsafePointer<redisReadTask>

    // SAFETY: written once, before anybody reads it; hiredis only reads it.
    nonisolated(unsafe) private static let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        functions.initialize(to: redisReplyObjectFunctions())
        functions.pointee.createString = { task, bytes, count in
            let bytes = UnsafeRawBufferPointer(start: bytes, count: Int(count))
            return ReplyReader.add(task) { type in
                switch type {
                case REDIS_REPLY_ERROR: .error(String(decoding: bytes, as: UTF8.self))
                case REDIS_REPLY_STATUS: .status(String(decoding: bytes, as: UTF8.self))
                default: .bytes(Array(bytes))
                }
            }
        }
        functions.pointee.createInteger = { task, number in ReplyReader.add(task) { _ in .integer(Int64(number)) } }
        functions.pointee.createNil = { task in ReplyReader.add(task) { _ in .null } }
        functions.pointee.createArray = { task, count in
            ReplyReader.with(task) { $0.begin(arrayOf: Int(count)) }
        }
        // What was made belongs to the reader here, not to hiredis.
        functions.pointee.freeObject = { _ in }
        return functions
    }()

    private static func add(_ task: Task?, _ item: (_ type: Int32) -> RedisReply) -> UnsafeMutableRawPointer? {
        with(task) { $0.add(item(task!.pointee.type)) }
    }

    /// Returns what stands for the item in hiredis: anything but null, which would be "out of memory".
    private static func with(_ task: Task?, _ body: (ReplyReader) -> Void) -> UnsafeMutableRawPointer? {
        guard let pointer = task?.pointee.privdata else { return nil }
        // SAFETY: set beside `reader`, by the object that is in `next()` right now.
        body(Unmanaged<ReplyReader>.fromOpaque(pointer).takeUnretainedValue())
        return pointer
    }
}
