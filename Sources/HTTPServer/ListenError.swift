import Glibc
package import Reactor

/// Why an address cannot be listened on, in words for the operator.
package struct ListenError: Error, Sendable, CustomStringConvertible {
    package var address: ListenAddress
    /// "127.0.0.1:8080 is taken by another process; choose another with --bind"
    package var description: String
    /// What the system said, where it said something.
    package var cause: SystemError?

    init(_ address: ListenAddress, _ text: String, cause: SystemError? = nil) {
        self.address = address
        self.cause = cause
        description = "\(address) \(text)"
    }

    init(_ address: ListenAddress, cause: SystemError) {
        let text =
            switch cause.code {
            case EADDRINUSE: "is taken by another process; choose another with --bind"
            case EADDRNOTAVAIL: "is no address of this machine"
            case EACCES where address.unixPath != nil: "cannot be made: permission denied"
            case EACCES: "may not be used by this user (ports below 1024 need a privilege)"
            case ENOENT: "cannot be made: the directory does not exist"
            case EAFNOSUPPORT: "is of a kind that this machine does not support"
            default: "cannot be listened on: \(cause)"
            }
        self.init(address, text, cause: cause)
    }
}
