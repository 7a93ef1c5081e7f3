/// What the fields of a head say about the message and its connection, gathered line by line and judged at the end.
struct HeadFacts: Sendable {
    /// Where the value of `Host` stands.
    private(set) var host: Range<Int>?
    private(set) var expectsContinue = false
    private var contentLength: Int?
    private var transferEncoding: TransferEncoding?
    private var saysClose = false
    private var saysKeepAlive = false
    private var isEncoded = false
    private var expectsOther = false

    private enum TransferEncoding {
        case chunked
        case unknown
        case unknownThenChunked
    }

    /// Takes a line in. `value` are its bytes, without the white space around them; `range` is where they stand.
    mutating func take(
        _ name: FieldName, value: UnsafeRawBufferPointer, at range: Range<Int>
    ) throws(HTTPRejection) {
        switch name {
        case .host:
            guard host == nil else { throw .badRequest(reason: "more than one Host (RFC 9112 §3.2)") }
            guard Authority.isValid(value) else { throw .badRequest(reason: "a malformed Host (RFC 9110 §7.2)") }
            host = range
        case .contentLength:
            // A list of equal numbers could be taken for one of them; refusing it is as good (RFC 9112 §6.3, item 5).
            guard contentLength == nil else {
                throw .badRequest(reason: "more than one Content-Length (RFC 9112 §6.3)")
            }
            contentLength = try Self.length(value)
        case .transferEncoding:
            try takeTransferEncoding(value)
        case .connection:
            takeConnection(value)
        case .expect:
            if ASCII.equals(value, ignoringCase: "100-continue") { expectsContinue = true } else { expectsOther = true }
        case .contentEncoding:
            var codings = ListMembers(value)
            while let coding = codings.next() {
                if !ASCII.equals(coding, ignoringCase: "identity") { isEncoded = true }
            }
        default:
            break
        }
    }

    /// RFC 9112 §6.3.
    func framing(version: HTTPVersion) throws(HTTPRejection) -> ContentFraming {
        if transferEncoding != nil {
            // Either could be meant, which is how requests are smuggled (RFC 9112 §6.1, §11.2).
            guard contentLength == nil else {
                throw .badRequest(reason: "both Content-Length and Transfer-Encoding (RFC 9112 §6.1)")
            }
            guard version == .http11 else {
                throw .badRequest(reason: "Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)")
            }
            return .chunked
        }
        return contentLength.map { .length($0) } ?? .none
    }

    /// RFC 9112 §9.3.
    func keepsAlive(version: HTTPVersion) -> Bool {
        !saysClose && (version == .http11 || saysKeepAlive)
    }

    /// What a well-formed head asks for that this server does not do.
    func refusal(version: HTTPVersion) -> HTTPRejection? {
        if let transferEncoding, transferEncoding != .chunked { return .unknownTransferEncoding }
        if isEncoded { return .unsupportedContentEncoding }
        // HTTP/1.0 knows no expectations: they are ignored (RFC 9110 §10.1.1).
        if expectsOther, version == .http11 { return .expectationFailed }
        return nil
    }

    private static func length(_ value: UnsafeRawBufferPointer) throws(HTTPRejection) -> Int {
        guard !value.isEmpty else { throw .malformedContentLength }
        var length = 0
        for byte in value {
            guard ASCII.isDigit(byte) else { throw .malformedContentLength }
            let (tens, tensOverflow) = length.multipliedReportingOverflow(by: 10)
            let (sum, sumOverflow) = tens.addingReportingOverflow(Int(byte &- 0x30))
            length = tensOverflow || sumOverflow ? Int.max : sum
        }
        return length
    }

    /// `chunked` alone is served. It stands last and is applied once (RFC 9112 §6.1); in another order two parties would
    /// not agree on a length.
    private mutating func takeTransferEncoding(_ value: UnsafeRawBufferPointer) throws(HTTPRejection) {
        var codings = ListMembers(value)
        while let coding = codings.next() {
            let isChunked = ASCII.equals(coding, ignoringCase: "chunked")
            switch transferEncoding {
            case nil: transferEncoding = isChunked ? .chunked : .unknown
            case .unknown: transferEncoding = isChunked ? .unknownThenChunked : .unknown
            case .chunked, .unknownThenChunked:
                throw .badRequest(reason: "a transfer coding after chunked (RFC 9112 §6.1)")
            }
        }
        // A list of nothing but commas: another party may go by the field's presence.
        guard transferEncoding != nil else { throw .badRequest(reason: "an empty Transfer-Encoding (RFC 9112 §6.1)") }
    }

    private mutating func takeConnection(_ value: UnsafeRawBufferPointer) {
        var options = ListMembers(value)
        while let option = options.next() {
            if ASCII.equals(option, ignoringCase: "close") {
                saysClose = true
            } else if ASCII.equals(option, ignoringCase: "keep-alive") {
                saysKeepAlive = true
            }
        }
    }
}

extension ContentFraming {
    /// There is at least one byte of content, or a last chunk, to come.
    var promisesContent: Bool {
        switch self {
        case .none: false
        case .length(let length): length > 0
        case .chunked: true
        }
    }
}

extension HTTPRejection {
    fileprivate static var malformedContentLength: Self {
        .badRequest(reason: "a Content-Length that is not one number (RFC 9112 §6.3)")
    }
}
