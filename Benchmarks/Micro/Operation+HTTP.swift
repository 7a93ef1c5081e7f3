import ChannelsHTTP
import HTTPCore

/// The rooms that know HTTP, and no channels.
extension Operation {
    static var http: [Operation] { [parseHead, pickRoute, serializeHead] }

    private static var parseHead: Operation {
        let request = Workload.send
        var parser = RequestParser()
        return Operation("HTTP: parse the head of a send") {
            .repeating { keep(request.withUnsafeBytes { parser.parse($0) }) }
        }
    }

    /// In a tree of the API's paths, with a closure behind each, as there.
    private static var pickRoute: Operation {
        let router = Router(
            ChannelsApplication.routeTable.map { method, path in
                Router<@Sendable () -> Void>.Route(method, path, {})
            })
        let (head, _) = BareConnection().parse(Workload.send)
        return Operation("HTTP: pick its route") {
            .repeating { keep(router.lookup(head.method, path: head.path)) }
        }
    }

    private static var serializeHead: Operation {
        let connection = BareConnection()
        let (head, _) = connection.parse(Workload.send)
        let response = connection.answer(connection.admit(head), to: Workload.content)
        return Operation("HTTP: serialize the head of its answer") {
            .repeating { connection.serialize(response, to: head) }
        }
    }
}
