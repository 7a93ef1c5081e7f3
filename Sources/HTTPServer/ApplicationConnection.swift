import HTTPCore
import Reactor
import Synchronization

/// A connection that is served by an application of some type.
final class ApplicationConnection<Application: HTTPApplication>: Connection, @unchecked Sendable {
    // SAFETY: as for `Connection`: it belongs to its loop.

    private let application: Application
    /// The request that was admitted, until it is answered.
    private var call: Application.Call?

    /// Starts to serve a socket that was accepted. On the worker's loop.
    static func start(
        _ descriptor: consuming Descriptor, application: Application, worker: ServerWorker, isWelcome: Bool
    ) {
        guard let socket = try? Socket(adopting: descriptor, on: worker.loop) else {
            worker.connectionCount.subtract(1, ordering: .relaxed)
            return
        }
        ApplicationConnection(application, socket: socket, worker: worker).start(isWelcome: isWelcome)
    }

    private init(_ application: Application, socket: Socket, worker: ServerWorker) {
        self.application = application
        super.init(socket: socket, worker: worker)
    }

    override func admit(_ head: RequestHead) -> Verdict {
        switch application.admit(head) {
        case .admitted(let call, let contentBytesMax):
            self.call = call
            return .admitted(contentBytesMax: contentBytesMax)
        case .refused(let response):
            return .refused(response)
        }
    }

    override nonisolated(nonsending) func respond(to content: [UInt8]) async -> HTTPResponse {
        guard let call = call.take() else { preconditionFailure("Nothing was admitted") }
        return await application.respond(to: call, content: content, exchange: self)
    }

    override func respondAtOnce(to content: [UInt8]) -> HTTPResponse? {
        guard let call else { preconditionFailure("Nothing was admitted") }
        guard let response = application.respondAtOnce(to: call, content: content, requestID: requestID) else {
            return nil
        }
        self.call = nil
        return response
    }

    override func respond(to rejection: HTTPRejection, head: RequestHead?) -> HTTPResponse {
        application.respond(to: rejection, head: head)
    }

    override func respond(to rejection: HTTPRejection, insteadOf response: HTTPResponse) -> HTTPResponse {
        application.respond(to: rejection, insteadOf: response)
    }
}
