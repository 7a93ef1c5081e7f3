import Channels

extension ChannelError {
    // None of these has an underlying error: what the log is to say is said once, and not with each request that
    // fails (`ShardTroubles`).

    /// Nothing was sent: nothing has happened.
    static let unreachable = ChannelError(
        .backendUnavailable, "The layer's Redis cannot be reached. Try again later.")

    /// Something was sent, and no answer came.
    static let unanswered = ChannelError(
        .outcomeUnknown, "The layer's Redis has not answered: it may have done what was asked, or not.")

    /// An error answer: nothing has happened.
    static func refused(_ text: String) -> ChannelError {
        let words = text.split(separator: " ")
        switch words.first {
        case "OOM":
            return ChannelError(
                .layerFull, "The layer's Redis has no memory left. Receive, or let messages expire.")
        case "TRYAGAIN":
            return ChannelError(
                .backendUnavailable, "The layer's Redis moves what this needs to another node. Try again later.")
        case "LAURELFORMAT" where words.count >= 3:
            return ChannelError(
                .backendUnavailable,
                "What is in the layer's Redis has format \(words[1]) and \(words[2]) shards, and not as many as here: "
                    + "give another prefix, or the hosts that it was made with.")
        case _ where text.contains("user_function"):
            // In the midst of the library: what it did until then stays.
            return ChannelError(.outcomeUnknown, "The layer's Redis failed in the middle of what was asked.")
        default:
            return ChannelError(.backendUnavailable, "The layer's Redis refuses to work. Try again later.")
        }
    }

    /// Slices of it were done, and there was no end of them.
    static let tooMuchInTheWay = ChannelError(
        .backendUnavailable, "So much has expired in the layer that freeing it takes longer than this may. Try again.")

    /// An answer that no release of ours gives. (Its text may be a client's: it is not told.)
    static func strange(_ reply: RedisReply) -> ChannelError {
        ChannelError(
            .outcomeUnknown, "The layer's Redis gave an answer that nobody understands.",
            underlying: RedisTrouble("an answer with \(reply.elements?.count ?? 0) elements"))
    }
}

/// What Redis or the connection said, for the log.
struct RedisTrouble: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
