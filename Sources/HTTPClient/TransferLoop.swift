import CCurl
import Glibc
import Synchronization

/// The thread that drives all transfers of one ``HTTPClient``, and the mailbox by which others reach it.
///
// SAFETY: `multi` is used by the loop's thread alone, but for `curl_multi_wakeup`, which libcurl allows from any thread;
// `running` by the loop's thread alone; `mailbox` is locked. Nobody posts after `stop`, the last call of the owner, and the
// wake-up is given under the lock, so that the thread cannot end, and free `multi`, in the middle of it.
final class TransferLoop: @unchecked Sendable {
    typealias Continuation = CheckedContinuation<HTTPClientResponse, any Error>

    private enum Order {
        case start(Transfer, Continuation)
        case cancel(Transfer)
        case stop
    }

    private let multi: UnsafeMutableRawPointer
    private let mailbox = Mutex<[Order]>([])
    private var running: [ObjectIdentifier: (transfer: Transfer, continuation: Continuation)] = [:]

    /// The longest sleep without an event; an order ends it at once.
    private static let pollMillisecondsMax: Int32 = 60_000

    /// Starts the thread, which holds the loop until `stop`.
    init() {
        LibCurl.initializeOnce()
        guard let multi = curl_multi_init() else { preconditionFailure("libcurl cannot make a multi handle") }
        self.multi = multi
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { this in
                if let this { Unmanaged<TransferLoop>.fromOpaque(this).takeRetainedValue().run() }
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(failure == 0, "no thread for the HTTP client: errno \(failure)")
        pthread_detach(thread)
    }

    deinit {
        curl_multi_cleanup(multi)
    }

    /// Any thread. `continuation` is resumed once, by the loop's thread.
    func start(_ transfer: Transfer, _ continuation: Continuation) {
        post(.start(transfer, continuation))
    }

    /// Any thread, also before `start`. Does nothing to a transfer that has ended.
    func cancel(_ transfer: Transfer) {
        transfer.isCancelled.store(true, ordering: .releasing)
        post(.cancel(transfer))
    }

    /// Ends the thread. The last call.
    func stop() {
        post(.stop)
    }

    private func post(_ order: Order) {
        mailbox.withLock { orders in
            orders.append(order)
            curl_multi_wakeup(multi)
        }
    }

    // MARK: The loop's thread

    private func run() {
        while followOrders() {
            var stillRunning: Int32 = 0
            curl_multi_perform(multi, &stillRunning)
            finishTransfers()
            curl_multi_poll(multi, nil, 0, Self.pollMillisecondsMax, nil)
        }
        for entry in running.values {
            end(entry.transfer, .failure(CancellationError()))
        }
    }

    /// False once the loop shall end.
    private func followOrders() -> Bool {
        var goesOn = true
        let orders = mailbox.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
        for order in orders {
            switch order {
            case .start(let transfer, let continuation):
                running[ObjectIdentifier(transfer)] = (transfer, continuation)
                if transfer.isCancelled.load(ordering: .acquiring) {
                    end(transfer, .failure(CancellationError()))
                } else if curl_multi_add_handle(multi, transfer.handle) != CURLM_OK {
                    end(transfer, .failure(HTTPClientError(CURLE_OUT_OF_MEMORY)))
                }
            case .cancel(let transfer):
                end(transfer, .failure(CancellationError()))
            case .stop:
                goesOn = false
            }
        }
        return goesOn
    }

    private func finishTransfers() {
        var leftInQueue: Int32 = 0
        while let message = curl_multi_info_read(multi, &leftInQueue) {
            guard message.pointee.msg == CURLMSG_DONE, let transfer = Transfer.of(message.pointee.easy_handle) else {
                continue
            }
            end(transfer, transfer.result(laurel_curl_message_result(message)))
        }
    }

    /// Takes the transfer out of libcurl, which closes the connection of one that is not complete, and answers for it.
    private func end(_ transfer: Transfer, _ result: Result<HTTPClientResponse, any Error>) {
        guard let entry = running.removeValue(forKey: ObjectIdentifier(transfer)) else { return }
        curl_multi_remove_handle(multi, transfer.handle)
        entry.continuation.resume(with: result)
    }
}
