import Glibc

/// The one owner of a file descriptor.
///
/// It closes its descriptor when it is dropped, so that an error on the way of a fresh socket into its connection cannot
/// leak it. Whoever needs the moment of closing to be seen in the code consumes it with ``close()``.
package struct Descriptor: ~Copyable, Sendable {
    /// The number, for system calls while the owner lives.
    package let number: Int32

    package init(adopting number: Int32) {
        precondition(number >= 0, "Not a descriptor")
        self.number = number
    }

    deinit {
        // close(2): on Linux the number is free even after EINTR; a second close might hit the next owner's.
        _ = Glibc.close(number)
    }

    package consuming func close() {}

    /// Gives the number away without closing it, for handing it through what only takes copyable values.
    package consuming func released() -> Int32 {
        let number = self.number
        discard self
        return number
    }
}
