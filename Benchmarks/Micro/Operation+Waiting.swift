import Channels

/// Receivers that wait, each on a channel of its own.
extension Operation {
    static var waiting: [Operation] { [sendToParked, wakeAndPark] }

    private static var sendToParked: Operation {
        Operation("memory: send to a parked receiver") {
            let receivers = Receivers(messagesEach: 1)
            let messages = Workload.messages()
            return Batch(work: { receivers.send(messages) }, end: { receivers.end() })
        }
    }

    /// What that send has left to the receiver's task: it takes the message and comes back for the next one.
    private static var wakeAndPark: Operation {
        Operation("memory: that receiver wakes, and parks again") {
            let receivers = Receivers(messagesEach: 2)
            receivers.send(Workload.messages())
            return Batch(
                work: { receivers.goOn() },
                end: {
                    receivers.send(Workload.messages())
                    receivers.end()
                })
        }
    }
}

/// As many receivers as there are repetitions; the task of each goes on from wait to wait, as a connection's does.
private final class Receivers {
    private let backend = Workload.makeBackend()
    private let executor = ManualExecutor()
    private let names = Workload.names()

    /// All of them parked.
    init(messagesEach: Int) {
        for name in names {
            executor.start { [backend] in
                let channels = [name]
                for _ in 0..<messagesEach {
                    keep(
                        try await backend.receiveManyBlocking(
                            channels, options: Workload.receiveOptions, until: .now + .seconds(300)))
                }
            }
        }
        executor.runTurn()
    }

    /// One message to each.
    func send(_ messages: [Message]) {
        for (name, message) in zip(names, messages) {
            let receipt = try! backend.sendAtOnce(message, to: name, options: SendOptions())
            precondition(receipt?.pending == 0, "nobody waits")
            keep(receipt)
        }
    }

    /// Lets all that were sent to have their message.
    func goOn() { executor.runTurn() }

    func end() {
        executor.runTurn()
        precondition(executor.tasksCount == 0, "somebody still waits")
    }
}
