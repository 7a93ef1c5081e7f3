import HTTPCore

/// What a parser made of a run of bytes, in a form that can be compared.
enum ParseOutcome: Hashable, CustomStringConvertible {
    case needsMore
    /// `consumed` counts from the first byte fed.
    case head(ParsedHead, consumed: Int)
    case rejected(HTTPRejection, head: ParsedHead?)

    var description: String {
        switch self {
        case .needsMore: "needs more"
        case .head(let head, let consumed): "head of \(consumed) bytes: \(head)"
        case .rejected(let rejection, let head): "\(rejection), \(head.map(String.init(describing:)) ?? "no head")"
        }
    }
}

/// Everything that a head says, as values.
struct ParsedHead: Hashable {
    var method: HTTPMethod
    var version: HTTPVersion
    var path: String
    var query: String
    var fields: [String]
    var framing: ContentFraming
    var authority: String?
    var isAbsoluteForm: Bool
    var expectsContinue: Bool
    var keepsAlive: Bool

    init(_ head: RequestHead) {
        method = head.method
        version = head.version
        path = String(decoding: head.path, as: UTF8.self)
        query = String(decoding: head.query, as: UTF8.self)
        fields = head.fields.lines.map {
            "\(String(decoding: head.bytes[$0.name], as: UTF8.self)): \(String(decoding: head.bytes[$0.value], as: UTF8.self))"
        }
        framing = head.framing
        authority = head.authority.map { String(decoding: $0, as: UTF8.self) }
        isAbsoluteForm = head.isAbsoluteForm
        expectsContinue = head.expectsContinue
        keepsAlive = head.keepsAlive
    }
}

/// Feeds the bytes in pieces that end at `cuts` (ascending offsets), and stops at the first answer.
func parse(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()) -> ParseOutcome {
    var parser = RequestParser(limits: limits)
    var fed = 0
    for end in cuts + [bytes.count] {
        // Each piece stands in memory of its own, so that a look beyond its end is a look outside.
        switch Array(bytes[fed..<end]).withUnsafeBytes({ parser.parse($0) }) {
        case .needsMore: fed = end
        case .head(let head, let consumed): return .head(ParsedHead(head), consumed: fed + consumed)
        case .rejected(let rejection, let head): return .rejected(rejection, head: head.map(ParsedHead.init))
        }
    }
    return .needsMore
}

func parse(_ text: String, limits: HTTPLimits = HTTPLimits()) -> ParseOutcome {
    parse(Array(text.utf8), limits: limits)
}

/// The head of a request that must be one.
func parsedHead(_ text: String) -> RequestHead? {
    var parser = RequestParser()
    guard case .head(let head, _) = Array(text.utf8).withUnsafeBytes({ parser.parse($0) }) else { return nil }
    return head
}

/// What a decoder made of chunks fed in pieces that end at `cuts`.
struct DecodeOutcome: Hashable {
    var progress: ContentDecoder.Progress
    var content: [UInt8]
}

/// - Returns: `done` counts from the first byte fed; the content as far as it came.
func decode(
    _ bytes: [UInt8], cuts: [Int] = [], contentBytesMax: Int = 1_000, limits: HTTPLimits = HTTPLimits()
) -> DecodeOutcome {
    var decoder = ContentDecoder(contentBytesMax: contentBytesMax, limits: limits)
    var content: [UInt8] = []
    var fed = 0
    for end in cuts + [bytes.count] {
        let progress = Array(bytes[fed..<end]).withUnsafeBytes { decoder.decode($0, into: &content) }
        switch progress {
        case .needsMore: fed = end
        case .done(let consumed): return DecodeOutcome(progress: .done(consumed: fed + consumed), content: content)
        case .rejected: return DecodeOutcome(progress: progress, content: content)
        }
    }
    return DecodeOutcome(progress: .needsMore, content: content)
}

/// All ways to cut `count` bytes that a parser must not notice: into single bytes, and in two at every place.
func everyCut(of count: Int) -> [[Int]] {
    [Array(1..<max(count, 1))] + (1..<max(count, 1)).map { [$0] }
}

/// A generator whose numbers a seed repeats: xorshift64*.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed | 1
    }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// Up to `limit` ascending places in `count` bytes.
    mutating func cuts(of count: Int, limit: Int) -> [Int] {
        guard count > 1 else { return [] }
        let places = (0..<Int.random(in: 0...limit, using: &self)).map { _ in Int.random(in: 1..<count, using: &self) }
        return Set(places).sorted()
    }
}
