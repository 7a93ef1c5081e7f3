/// An HTTP client on libcurl: any number of requests at once, on one thread of its own.
///
/// How it works: `send` hands a ``Transfer`` to the ``TransferLoop``, whose thread drives all transfers through one
/// `curl_multi`, and waits for its answer in a continuation. No thread of Swift's cooperative pool ever waits inside
/// libcurl. Connections are kept and used again, as libcurl does it. Proxies of the environment are not used.
package final class HTTPClient: Sendable {
    private let loop: TransferLoop

    package init() {
        loop = TransferLoop()
    }

    deinit {
        loop.stop()
    }

    /// Sends `request` and returns the whole response, whatever its status.
    ///
    /// Cancelling the task ends the transfer: its connection is closed at once, which is how a client hangs up.
    /// - Throws: ``HTTPClientError`` where there was no response; `CancellationError` after a cancellation.
    package func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        let transfer = try Transfer(request)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.start(transfer, continuation)
            }
        } onCancel: {
            loop.cancel(transfer)
        }
    }
}
