import Glibc

/// A system call that failed: which one, and why.
package struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The value of `errno`, read at once after the call.
    package var code: Int32
    /// The name of the call, as its manual page has it: "bind".
    package var call: String

    package init(code: Int32, call: String) {
        self.code = code
        self.call = call
    }

    /// The system's text for `code`: "Address already in use".
    package var text: String { String(cString: strerror(code)) }

    /// "bind: Address already in use (98)"
    package var description: String { "\(call): \(text) (\(code))" }
}
