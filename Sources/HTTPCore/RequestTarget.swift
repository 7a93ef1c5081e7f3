/// A request target, taken apart (RFC 9112 §3.2): ranges in the bytes of its head.
struct RequestTarget: Sendable {
    private(set) var path: Range<Int>
    let query: Range<Int>
    let authority: Range<Int>?
    let isAbsoluteForm: Bool
    /// The path, where the target has none of its own.
    private let impliedPath: UInt8?

    /// Of no bytes at all.
    static let nothing = RequestTarget(
        path: 0..<0, query: 0..<0, authority: nil, isAbsoluteForm: false, impliedPath: nil)

    private init(path: Range<Int>, query: Range<Int>, authority: Range<Int>?, isAbsoluteForm: Bool, impliedPath: UInt8?)
    {
        self.path = path
        self.query = query
        self.authority = authority
        self.isAbsoluteForm = isAbsoluteForm
        self.impliedPath = impliedPath
    }

    /// Whether a target can begin so, to refuse at once what never becomes one.
    static func mayBegin(with byte: UInt8, method: HTTPMethod) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "h"), UInt8(ascii: "H"): true
        case UInt8(ascii: "*"): method == .options || method == .unknown
        default: method == .connect
        }
    }

    /// - Parameters:
    ///   - range: Where the target stands; visible characters other than `#`.
    ///   - questionMark: Where its first `?` stands.
    init(
        in bytes: UnsafeRawBufferPointer, at range: Range<Int>, questionMark: Int?, method: HTTPMethod
    ) throws(HTTPRejection) {
        let beforeQuery = range.lowerBound..<(questionMark ?? range.upperBound)
        query = questionMark.map { $0 + 1..<range.upperBound } ?? range.upperBound..<range.upperBound
        switch bytes[range.lowerBound] {
        case _ where method == .connect:
            // Authority-form, which no other method has (§3.2.3). It names no resource of this server: `*`.
            guard questionMark == nil, Authority.isValid(UnsafeRawBufferPointer(rebasing: bytes[range])), !range.isEmpty
            else { throw .malformedTarget }
            (path, authority, isAbsoluteForm, impliedPath) = (range, range, false, UInt8(ascii: "*"))
        case UInt8(ascii: "/"):
            (path, authority, isAbsoluteForm, impliedPath) = (beforeQuery, nil, false, nil)
        case UInt8(ascii: "*"):
            // A method that HTTP does not know is refused as such, and `PRI *`, HTTP/2's preface, by its version.
            guard range.count == 1, method == .options || method == .unknown else { throw .malformedTarget }
            (path, authority, isAbsoluteForm, impliedPath) = (range, nil, false, nil)
        default:
            let start = try Self.endOfScheme(UnsafeRawBufferPointer(rebasing: bytes[beforeQuery]))
            let rest = bytes[(range.lowerBound + start)..<beforeQuery.upperBound]
            let pathStart = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let authority = rest.startIndex..<pathStart
            // An http URI has a host (RFC 9110 §4.2.1).
            guard !authority.isEmpty, Authority.isValid(UnsafeRawBufferPointer(rebasing: bytes[authority])) else {
                throw .malformedTarget
            }
            (path, self.authority, isAbsoluteForm) = (pathStart..<rest.endIndex, authority, true)
            // Without a path, `/` is meant, or `*` where the whole server is asked (RFC 9112 §3.2.1, §3.2.4).
            let isWholeServer = method == .options && questionMark == nil
            impliedPath = path.isEmpty ? UInt8(ascii: isWholeServer ? "*" : "/") : nil
        }
    }

    /// Puts the path at the end of the head's bytes where the target has none, so that it is a range in them as always.
    mutating func supplyPath(in bytes: inout [UInt8]) {
        guard let impliedPath else { return }
        path = bytes.count..<bytes.count + 1
        bytes.append(impliedPath)
    }

    /// The length of `http://` or `https://`, in any case (RFC 3986 §3.1).
    private static func endOfScheme(_ bytes: UnsafeRawBufferPointer) throws(HTTPRejection) -> Int {
        for scheme: StaticString in ["http://", "https://"] {
            let length = scheme.utf8CodeUnitCount
            guard bytes.count >= length else { continue }
            let start = UnsafeRawBufferPointer(rebasing: bytes[..<length])
            if zip(start, UnsafeBufferPointer(start: scheme.utf8Start, count: length))
                .allSatisfy({ ASCII.lowercased($0) == $1 })
            {
                return length
            }
        }
        throw .malformedTarget
    }
}

extension HTTPRejection {
    static var malformedTarget: Self {
        .badRequest(reason: "a malformed request target (RFC 9112 §3.2)")
    }
}
