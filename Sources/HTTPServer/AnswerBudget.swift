import HTTPCore

/// How many bytes the answers of one loop may hold while they wait for their clients to read them.
///
/// A message that was taken no longer counts in its layer, but a client that reads slowly keeps it in memory. A content that
/// several answers share, as after a group send, counts once: they are told apart by where they stand. One large answer is
/// let out whatever the limit. Belongs to its loop.
final class AnswerBudget {
    private let bytesMax: Int
    private let bytesUncounted: Int
    private var bytesHeld = 0
    private var answersByContent: [UnsafeRawPointer: Int] = [:]

    init(bytesMax: Int, bytesUncounted: Int) {
        self.bytesMax = bytesMax
        self.bytesUncounted = bytesUncounted
    }

    fileprivate func counts(_ content: [UInt8]) -> Bool { content.count > bytesUncounted }

    /// False, and nothing is taken, where it would exceed the budget.
    fileprivate func take(_ content: [UInt8]) -> Bool {
        let key = Self.key(of: content)
        if answersByContent[key] == nil {
            guard bytesHeld == 0 || bytesHeld + content.count <= bytesMax else { return false }
            bytesHeld += content.count
        }
        answersByContent[key, default: 0] += 1
        return true
    }

    fileprivate func giveBack(_ content: [UInt8]) {
        let key = Self.key(of: content)
        answersByContent[key, default: 0] -= 1
        guard answersByContent[key] == 0 else { return }
        answersByContent[key] = nil
        bytesHeld -= content.count
    }

    private static func key(of content: [UInt8]) -> UnsafeRawPointer {
        // SAFETY: only compared. The share holds the array, so that no other comes to stand there meanwhile.
        content.withUnsafeBytes { $0.baseAddress! }
    }
}

/// What one answer takes of the budget. It is given back with the share.
struct AnswerShare: ~Copyable {
    private let budget: AnswerBudget
    private var held: [[UInt8]] = []

    init(of budget: AnswerBudget) {
        self.budget = budget
    }

    deinit {
        for content in held { budget.giveBack(content) }
    }

    /// False where the budget has no room for an answer with that content.
    mutating func take(_ content: HTTPContent) -> Bool {
        switch content {
        case .none: return true
        case .bytes(let bytes): return take(bytes)
        case .pieces(let pieces):
            for piece in pieces {
                switch piece {
                case .bytes(let bytes): guard take(bytes) else { return false }
                case .encoded(let encoder): guard take(encoder.source) else { return false }
                }
            }
            return true
        }
    }

    private mutating func take(_ bytes: [UInt8]) -> Bool {
        guard budget.counts(bytes) else { return true }
        guard budget.take(bytes) else { return false }
        held.append(bytes)
        return true
    }
}
