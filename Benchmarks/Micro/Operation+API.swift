import Channels
import ChannelsHTTP
import HTTPCore

/// The endpoints, with the memory backend behind them.
extension Operation {
    static var api: [Operation] {
        [
            validateJSON, admit("API: admit a send", Workload.send), answerSend,
            admit("API: admit a receive", Workload.receive), answerReceive,
        ]
    }

    /// All that the server computes between reading and writing.
    static var wholeRequests: [Operation] { [serveSend, serveReceive] }

    private static var validateJSON: Operation {
        let content = Workload.content
        return Operation("API: validate 54 bytes of JSON") {
            .repeating {
                keep(content)
                keep(JSONValidator.firstError(in: content))
            }
        }
    }

    /// Picks the route, and makes the endpoint.
    private static func admit(_ name: String, _ request: [UInt8]) -> Operation {
        let connection = BareConnection()
        let (head, _) = connection.parse(request)
        return Operation(name) { .repeating { keep(connection.admit(head)) } }
    }

    private static var answerSend: Operation {
        Operation("API: answer a send") {
            let connection = BareConnection()
            let (head, _) = connection.parse(Workload.send)
            let call = connection.admit(head)
            var contents = Workload.messages().map(\.content)
            return .repeating { keep(connection.answer(call, to: contents.removeLast())) }
        }
    }

    private static var answerReceive: Operation {
        Operation("API: answer a receive that finds") {
            let connection = makeConnectionWithMessages()
            let (head, _) = connection.parse(Workload.receive)
            let call = connection.admit(head)
            return .repeating { keep(connection.answer(call, to: [])) }
        }
    }

    private static var serveSend: Operation {
        Operation("all of a send, from bytes to bytes") {
            let connection = BareConnection()
            let request = Workload.send
            return .repeating { connection.serve(request) }
        }
    }

    private static var serveReceive: Operation {
        Operation("all of a receive that finds") {
            let connection = makeConnectionWithMessages()
            let request = Workload.receive
            return .repeating { connection.serve(request) }
        }
    }

    private static func makeConnectionWithMessages() -> BareConnection {
        let connection = BareConnection()
        for _ in 0..<repetitions { connection.serve(Workload.send) }
        return connection
    }
}
