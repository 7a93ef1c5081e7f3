import Channels

/// A group of a thousand members, none of which waits.
extension Operation {
    static var groups: [Operation] { [add, sendToGroup, receiveCopy] }

    private static var add: Operation {
        Operation("memory: groupAdd") {
            let (backend, executor, names) = (Workload.makeBackend(), ManualExecutor(), Workload.names())
            return Batch(work: { join(names, backend, executor) })
        }
    }

    private static var sendToGroup: Operation {
        Operation("memory: sendGroup to 1,000 members") {
            let backend = makeBackendWithMembers()
            var messages = Workload.messages()
            return .repeating { send(messages.removeLast(), backend) }
        }
    }

    /// What a group send has left to each member.
    private static var receiveCopy: Operation {
        Operation("memory: receive of a member's copy") {
            let backend = makeBackendWithMembers()
            send(Message(content: Workload.content), backend)
            var names = Workload.names().map { [$0] }
            return .repeating {
                let deliveries = backend.receiveManyAtOnce(names.removeLast(), options: Workload.receiveOptions)
                precondition(deliveries?.count == 1, "nothing was found")
                keep(deliveries)
            }
        }
    }

    private static func makeBackendWithMembers() -> any ImmediateChannelBackend {
        let backend = Workload.makeBackend()
        join(Workload.names(), backend, ManualExecutor())
        return backend
    }

    /// In one task for all of them, as a connection has one for all its requests.
    private static func join(
        _ names: [ChannelName], _ backend: any ImmediateChannelBackend, _ executor: ManualExecutor
    ) {
        executor.run {
            for name in names { try await backend.groupAdd(name, to: Workload.group, options: GroupAddOptions()) }
        }
    }

    private static func send(_ message: Message, _ backend: any ImmediateChannelBackend) {
        let receipt = try! backend.sendGroupAtOnce(message, to: Workload.group, options: GroupSendOptions())
        precondition(receipt?.members == repetitions, "somebody is missing")
        keep(receipt)
    }
}
