import Glibc
import Reactor
import Synchronization

/// A socket that listens, until its acceptor takes it to a loop; and the file of a unix socket, to clean up.
final class Listener: Sendable {
    /// With the port that was taken.
    let address: ListenAddress
    /// Nil once it was taken. Closed with the listener else.
    private let descriptor: Mutex<Descriptor?>
    /// The file of a unix socket as it was made, to recognise it before it is removed.
    private let file: FileIdentity?

    private struct FileIdentity: Sendable, Equatable {
        var device: dev_t
        var inode: ino_t
    }

    /// Opens `address`.
    ///
    /// A unix socket's file whose owner died is replaced; one that somebody answers is an error.
    init(_ address: ListenAddress, backlogConnections: Int) throws(ListenError) {
        if let path = address.unixPath { try Self.removeStaleFile(at: path, of: address) }
        do {
            let descriptor = try ListeningSocket.open(address.socketAddress, backlogConnections: backlogConnections)
            self.address = address.bound(to: try SystemCall.localAddress(of: descriptor.number))
            self.descriptor = Mutex(consume descriptor)
        } catch {
            throw ListenError(address, cause: error)
        }
        file = Self.identity(of: address.unixPath)
    }

    /// Gives the socket away, once.
    func takeDescriptor() -> Descriptor {
        guard let descriptor = descriptor.withLock({ $0.take() }) else { preconditionFailure("Taken already") }
        return descriptor
    }

    /// Removes the file of a unix socket, unless it belongs to a server that has taken the path over meanwhile.
    func removeFile() {
        guard let path = address.unixPath, let file, Self.identity(of: path) == file else { return }
        unlink(path)
    }

    private static func removeStaleFile(at path: String, of address: ListenAddress) throws(ListenError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ListenError(address, "cannot be made: the file exists and is no socket")
        }
        let isAnswered: Bool
        do {
            isAnswered = try ListeningSocket.isAnswered(address.socketAddress)
        } catch {
            throw ListenError(address, cause: error)
        }
        if isAnswered { throw ListenError(address, "is taken by another process; choose another with --bind") }
        unlink(path)
    }

    private static func identity(of path: String?) -> FileIdentity? {
        var status = stat()
        guard let path, lstat(path, &status) == 0 else { return nil }
        return FileIdentity(device: status.st_dev, inode: status.st_ino)
    }
}
