import Channels
import GRDB

/// Why a transaction was rolled back.
struct TransactionFailure: Error {
    let reason: any Error
    /// Whether what it did may be found in the file after a crash: all of it was in the log, but the disk could not be made
    /// to keep it. (A commit that cannot be written as a whole is none.)
    var isOutcomeUnknown: Bool

    init(_ reason: any Error, isCommit: Bool) {
        self.reason = reason
        isOutcomeUnknown = isCommit && (reason as? DatabaseError)?.extendedResultCode == .SQLITE_IOERR_FSYNC
    }

    /// True where the store failed, and not the operation.
    var isOfStore: Bool {
        guard let error = reason as? DatabaseError else { return false }
        return switch error.resultCode {
        case .SQLITE_TOOBIG, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_RANGE, .SQLITE_MISUSE: false
        default: true
        }
    }
}

/// What a failure of the store means to a client.
enum StoreError {
    static func channelError(for failure: TransactionFailure) -> any Error {
        switch failure.reason {
        case let error as ChannelError: return error
        case let error as DatabaseError: return channelError(for: error, failure.isOutcomeUnknown)
        case let error as DamagedFile: return unavailable(damaged, error)
        default: return failure.reason
        }
    }

    private static func channelError(for error: DatabaseError, _ isOutcomeUnknown: Bool) -> ChannelError {
        switch error.resultCode {
        case .SQLITE_TOOBIG:
            ChannelError(
                .messageTooLarge, "The message is larger than this layer's store can hold.", underlying: error)
        case _ where isOutcomeUnknown:
            ChannelError(
                .outcomeUnknown, "The disk failed while storing: it may or may not have been.", underlying: error)
        case .SQLITE_FULL: unavailable("The layer's disk is full; make room, and try again.", error)
        case .SQLITE_READONLY: unavailable("The layer's file cannot be written; see to its permissions.", error)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: unavailable(damaged, error)
        default: unavailable("The layer's store failed; nothing was stored. Try again.", error)
        }
    }

    static func unavailable(_ message: String, _ underlying: (any Error)? = nil) -> ChannelError {
        ChannelError(.backendUnavailable, message, underlying: underlying)
    }

    private static let damaged = "The layer's file is damaged; restore it, or start with a new one."
}

/// The file says two things that cannot both be.
struct DamagedFile: Error {
    let what: String
}
