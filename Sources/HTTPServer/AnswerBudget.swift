import HTTPCore

/// How many bytes the answers of one loop may hold while they wait for their clients to read them.
///
/// A message that was taken no longer counts in its layer, but a client that reads slowly keeps it in memory. A content that
/// several answers share, as after a group send, counts once: they are told apart by where they stand. Where nothing is held,
/// one answer is let out whatever its size. Belongs to its loop.
final class AnswerBudget {
    private let bytesMax: Int
    /// An answer of up to so many bytes is not counted.
    private let bytesUncounted: Int
    private var bytesHeld = 0
    private var answersByContent: [UnsafeRawPointer: Int] = [:]

    /// Of a larger answer, a piece of up to so many bytes is not counted.
    private static let pieceBytesUncounted = 4096

    init(bytesMax: Int, bytesUncounted: Int) {
        self.bytesMax = bytesMax
        self.bytesUncounted = bytesUncounted
    }

    /// What an answer with that content would hold.
    fileprivate func contents(of content: HTTPContent) -> [[UInt8]] {
        guard content.byteCount > bytesUncounted else { return [] }
        switch content {
        case .none: return []
        case .bytes(let bytes): return [bytes]
        case .pieces(let pieces):
            return pieces.compactMap { piece in
                let bytes = if case .encoded(let encoder) = piece { encoder.source } else { piece.bytes }
                return bytes.count > Self.pieceBytesUncounted ? bytes : nil
            }
        }
    }

    /// False, and nothing is taken, where they would exceed the budget, unless that is to be.
    fileprivate func take(_ contents: [[UInt8]], mayExceed: Bool) -> Bool {
        let new = contents.reduce(0) { $0 + (answersByContent[Self.key(of: $1)] == nil ? $1.count : 0) }
        guard mayExceed || bytesHeld == 0 || bytesHeld + new <= bytesMax else { return false }
        for content in contents {
            let answers = answersByContent[Self.key(of: content), default: 0]
            if answers == 0 { bytesHeld += content.count }
            answersByContent[Self.key(of: content)] = answers + 1
        }
        return true
    }

    fileprivate func giveBack(_ contents: [[UInt8]]) {
        for content in contents {
            let answers = answersByContent[Self.key(of: content), default: 1] - 1
            answersByContent[Self.key(of: content)] = answers == 0 ? nil : answers
            if answers == 0 { bytesHeld -= content.count }
        }
    }

    private static func key(of content: [UInt8]) -> UnsafeRawPointer {
        // SAFETY: only compared. The share holds the array, so that no other comes to stand there meanwhile.
        content.withUnsafeBytes { $0.baseAddress! }
    }
}

/// What one answer takes of the budget. It is given back with the share.
struct AnswerShare: ~Copyable {
    private let budget: AnswerBudget
    private let held: [[UInt8]]

    /// Nil where the budget has no room for the answer. One that cannot be undone is let out all the same.
    init?(of budget: AnswerBudget, for response: borrowing HTTPResponse) {
        let contents = budget.contents(of: response.content)
        guard contents.isEmpty || budget.take(contents, mayExceed: response.onUnsent == nil) else { return nil }
        self.budget = budget
        held = contents
    }

    deinit {
        if !held.isEmpty { budget.giveBack(held) }
    }
}

extension ContentPiece {
    fileprivate var bytes: [UInt8] {
        if case .bytes(let bytes) = self { bytes } else { [] }
    }
}
