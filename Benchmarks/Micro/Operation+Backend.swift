import Channels

/// The memory backend's sends and receives, nobody in wait.
extension Operation {
    static var backend: [Operation] { [sendToChannel, receiveFinding, receiveOverManyNames] }

    private static var sendToChannel: Operation {
        Operation("memory: send") {
            let backend = Workload.makeBackend()
            var messages = Workload.messages()
            return .repeating {
                keep(try! backend.sendAtOnce(messages.removeLast(), to: Workload.channel, options: SendOptions()))
            }
        }
    }

    private static var receiveFinding: Operation {
        Operation("memory: receive that finds") {
            let backend = Workload.makeBackend()
            for message in Workload.messages() {
                _ = try! backend.sendAtOnce(message, to: Workload.channel, options: SendOptions())
            }
            let names = [Workload.channel]
            return .repeating {
                let deliveries = backend.receiveManyAtOnce(names, options: Workload.receiveOptions)
                precondition(deliveries?.count == 1, "nothing was found")
                keep(deliveries)
            }
        }
    }

    private static var receiveOverManyNames: Operation {
        let backend = Workload.makeBackend()
        let names = Workload.names(100)
        return Operation("memory: receive over 100 names, nothing there") {
            .repeating { keep(backend.receiveManyAtOnce(names, options: Workload.receiveOptions)) }
        }
    }
}
