package import Channels
package import HTTPCore

/// The API over a server: routes to endpoints, endpoints to backends, and every refusal to a problem.
///
/// ## How it works
/// `admit` is the one place that checks a request by its head: Origin, route and method, layer, names, parameters, content
/// type and length, in this order. What passes is an endpoint that has all it needs; `respond` lets it answer. Every answer
/// leaves through ``CrossOriginPolicy/finish``, which adds the fields of CORS, on errors too.
package struct ChannelsApplication: HTTPApplication {
    private let service: Service
    private let router: Router<Route>

    package init(registry: BackendRegistry, settings: APISettings) {
        service = Service(registry: registry, settings: settings)
        router = Router(Routes.table, scope: Routes.layerScope)
    }

    /// All methods and path templates that are served, besides HEAD and OPTIONS: what `openapi.yaml` describes.
    package static var routeTable: [(method: HTTPMethod, path: String)] {
        Routes.table.flatMap { route in
            let plain = (route.method, route.pattern)
            return route.isScoped ? [plain, (route.method, Routes.layerScope + route.pattern)] : [plain]
        }
    }

    package func admit(_ head: RequestHead) -> Admission {
        let verdict = service.crossOrigin.judge(head)
        let finish = AnswerFinish(verdict: verdict, service: service)
        do {
            guard verdict != .refused else { throw CrossOriginPolicy.refusal }
            switch router.lookup(head.method, path: head.path) {
            case .found(let route, let names):
                let call = try route.makeCall(head, names, finish)
                try checkLength(of: head)
                return .admitted(call, contentBytesMax: service.settings.messageBytesMax)
            case .options(let allowed):
                let response = service.crossOrigin.optionsResponse(head, verdict: verdict, allow: Self.list(allowed))
                return .refused(finish(response))
            case .methodNotAllowed(let allowed):
                throw Problem.methodNotAllowed(allow: Self.list(allowed))
            case .emptySegment(let parameter):
                throw Problem(
                    .invalidName, "The path has nothing where the name of a \(parameter) belongs. Is a variable unset?")
            case .notFound:
                throw Problem(.notFound, "There is no such path. GET /openapi.yaml lists those that there are.")
            }
        } catch {
            return .refused(finish(error, requestID: nil))
        }
    }

    package func respond(to rejection: HTTPRejection, head: RequestHead?) -> HTTPResponse {
        guard let head else { return Problem(rejection).response }
        let verdict = service.crossOrigin.judge(head)
        // Of a head that broke off before its Host, nobody knows whether the page is the server's own.
        let isStrange = verdict == .refused && head.authority != nil
        let problem = isStrange ? CrossOriginPolicy.refusal : Problem(rejection)
        return AnswerFinish(verdict: verdict, service: service)(problem.response)
    }

    package func respond(to rejection: HTTPRejection, insteadOf response: HTTPResponse) -> HTTPResponse {
        var refusal = Problem(rejection).response
        refusal.fields += response.fields.filter(CrossOriginPolicy.isOwnField)
        return refusal
    }

    private func checkLength(of head: RequestHead) throws(Problem) {
        let limit = service.settings.messageBytesMax
        if case .length(let byteCount) = head.framing, byteCount > limit {
            throw .messageTooLarge(limit: limit, actual: byteCount)
        }
    }

    private static func list(_ methods: [HTTPMethod]) -> String {
        methods.map(\.rawValue).joined(separator: ", ")
    }
}
