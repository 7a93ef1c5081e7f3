import Channels
import GRDB

/// What a failure of the store means to a client.
enum StoreError {
    /// True where the store itself failed, not one operation: no sense in trying the others of the batch.
    static func isOfStore(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_CORRUPT, .SQLITE_NOTADB,
            .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_PERM, .SQLITE_NOLFS, .SQLITE_PROTOCOL:
            return true
        default: return false
        }
    }

    /// - Parameter isCommit: whether it was the commit that failed.
    static func channelError(for error: any Error, isCommit: Bool = false) -> any Error {
        if error is ChannelError { return error }
        if let error = error as? DatabaseError {
            switch (error.resultCode, error.extendedResultCode) {
            case (.SQLITE_TOOBIG, _):
                return ChannelError(
                    .messageTooLarge, "The message is larger than this layer's store can hold.", underlying: error)
            case (_, .SQLITE_IOERR_FSYNC) where isCommit:
                return ChannelError(
                    .outcomeUnknown, "The disk failed while storing: it may or may not have been.", underlying: error)
            case (.SQLITE_FULL, _):
                return unavailable("The layer's disk is full; make room, and try again.", error)
            case (.SQLITE_READONLY, _):
                return unavailable("The layer's file cannot be written; see to its permissions.", error)
            case (.SQLITE_CORRUPT, _), (.SQLITE_NOTADB, _):
                return unavailable("The layer's file is damaged; restore it, or start with a new one.", error)
            default: return unavailable("The layer's store failed; nothing was stored. Try again.", error)
            }
        }
        return error is DamagedFile
            ? unavailable("The layer's file is damaged; restore it, or start with a new one.", error) : error
    }

    static func unavailable(_ message: String, _ underlying: (any Error)? = nil) -> ChannelError {
        ChannelError(.backendUnavailable, message, underlying: underlying)
    }
}
