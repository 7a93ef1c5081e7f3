import CLinux
package import Glibc

/// One wrapper per system call. EINTR is retried and `errno` read here and nowhere else; "would block" is nil, not an error.
package enum SystemCall {
    // MARK: Reading and writing

    /// recv(2). Nil: nothing there yet. 0: the peer has closed its sending side.
    package static func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(SystemError)
        -> Int?
    {
        try unlessBlocked("recv") { clinux_receive(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// send(2) without SIGPIPE. Nil: no room in the socket.
    package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try unlessBlocked("send") { clinux_send(descriptor, bytes.baseAddress, bytes.count) }
    }

    /// sendmsg(2), which is writev(2) without SIGPIPE. Nil: no room in the socket.
    package static func send(
        _ descriptor: Int32, gathering vectors: UnsafeMutableBufferPointer<iovec>
    ) throws(SystemError) -> Int? {
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = vectors.count
        return try unlessBlocked("sendmsg") { sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL)) }
    }

    // MARK: Sockets

    /// socket(2): a non-blocking stream socket that closes on exec.
    package static func socket(family: Int32) throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        return Descriptor(adopting: try retried("socket") { Glibc.socket(family, type, 0) })
    }

    package static func bind(_ descriptor: Int32, to address: SocketAddress) throws(SystemError) {
        try address.withSocketAddress { (address, length) throws(SystemError) in
            _ = try retried("bind") { Glibc.bind(descriptor, address, length) }
        }
    }

    package static func listen(_ descriptor: Int32, backlogConnections: Int) throws(SystemError) {
        _ = try retried("listen") { Glibc.listen(descriptor, Int32(clamping: backlogConnections)) }
    }

    /// connect(2). Throws EINPROGRESS where the connection is under way and EAGAIN where a unix socket's backlog is full.
    package static func connect(_ descriptor: Int32, to address: SocketAddress) throws(SystemError) {
        try address.withSocketAddress { (address, length) throws(SystemError) in
            _ = try retried("connect") { Glibc.connect(descriptor, address, length) }
        }
    }

    /// accept4(2): non-blocking, closes on exec. Nil: nobody waits.
    package static func accept(_ listener: Int32) throws(SystemError) -> Descriptor? {
        while true {
            do {
                guard let descriptor = try unlessBlocked("accept", { Int(clinux_accept(listener)) }) else { return nil }
                return Descriptor(adopting: Int32(descriptor))
            } catch  where error.code == ECONNABORTED || error.code == EPROTO {
                // That client gave up between its SYN and now; the next in line may be well (accept(2), "Error handling").
                continue
            }
        }
    }

    package static func localAddress(of descriptor: Int32) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = try retried("getsockname") {
            withUnsafeMutablePointer(to: &storage) { storage in
                storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
            }
        }
        return SocketAddress(storage)
    }

    package static func setOption(
        _ descriptor: Int32, level: Int32, _ option: Int32, to value: Int32
    ) throws(SystemError) {
        _ = try retried("setsockopt") {
            withUnsafeBytes(of: value) {
                setsockopt(descriptor, level, option, $0.baseAddress, socklen_t($0.count))
            }
        }
    }

    /// shutdown(2) of the sending side: a FIN, while reading goes on. A peer that is gone already is no error.
    package static func shutdownSending(_ descriptor: Int32) {
        _ = Glibc.shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Whether the peer has closed its sending side or the connection has failed, even with unread bytes before the FIN.
    package static func isPeerGone(_ descriptor: Int32) -> Bool {
        // A socket that cannot be asked has nobody behind it.
        (try? retried("poll") { clinux_is_peer_gone(descriptor) }) != 0
    }

    // MARK: Events

    static func makeEpoll() throws(SystemError) -> Descriptor {
        Descriptor(adopting: try retried("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) })
    }

    static func makeEventDescriptor() throws(SystemError) -> Descriptor {
        let flags = Int32(EFD_NONBLOCK | EFD_CLOEXEC)
        return Descriptor(adopting: try retried("eventfd") { eventfd(0, flags) })
    }

    /// epoll_ctl(2), EPOLL_CTL_ADD.
    static func epollAdd(
        _ epoll: Int32, _ descriptor: Int32, events: UInt32, token: UInt64
    ) throws(SystemError) {
        var event = epoll_event()
        event.events = events
        event.data.u64 = token
        _ = try retried("epoll_ctl") { epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
    }

    /// epoll_wait(2). `milliseconds` 0 only looks, -1 waits without limit. A signal ends the wait with no events.
    static func epollWait(
        _ epoll: Int32, into events: UnsafeMutableBufferPointer<epoll_event>, milliseconds: Int32
    ) throws(SystemError) -> Int {
        let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), milliseconds)
        if count >= 0 { return Int(count) }
        let code = errno
        guard code == EINTR else { throw SystemError(code: code, call: "epoll_wait") }
        return 0
    }

    /// Adds one to an eventfd, which wakes the loop that polls it. It cannot fail but by a full counter, and then the loop
    /// is awake as it is.
    static func signal(_ eventDescriptor: Int32) {
        _ = eventfd_write(eventDescriptor, 1)
    }

    // MARK: Errno and EINTR

    private static func retried(_ call: String, _ body: () -> Int32) throws(SystemError) -> Int32 {
        while true {
            let result = body()
            if result != -1 { return result }
            let code = errno
            if code != EINTR { throw SystemError(code: code, call: call) }
        }
    }

    private static func unlessBlocked(_ call: String, _ body: () -> Int) throws(SystemError) -> Int? {
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = errno
            switch code {
            case EINTR: continue
            case EAGAIN: return nil  // EWOULDBLOCK is the same number on Linux
            default: throw SystemError(code: code, call: call)
            }
        }
    }
}
