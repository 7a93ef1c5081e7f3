import CLinux
import Glibc

/// What a socket is ready for, as far as its loop knows.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let readable = Readiness(rawValue: 1)
    package static let writable = Readiness(rawValue: 2)
    /// The peer has closed its sending side, or the connection has failed.
    package static let hungUp = Readiness(rawValue: 4)

    /// Registered once for a descriptor's life: edge-triggered, each change is told once.
    static let epollInterest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue

    init(epoll events: UInt32) {
        var readiness: Readiness = []
        if events & EPOLLIN.rawValue != 0 { readiness.insert(.readable) }
        if events & EPOLLOUT.rawValue != 0 { readiness.insert(.writable) }
        if events & EPOLLRDHUP.rawValue != 0 { readiness.formUnion([.readable, .hungUp]) }
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 {
            // Whoever waits shall try, and meet the error or the end.
            readiness.formUnion([.readable, .writable, .hungUp])
        }
        self = readiness
    }
}
