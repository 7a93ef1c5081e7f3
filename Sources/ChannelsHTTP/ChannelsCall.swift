import HTTPCore

/// A request that was let in: its endpoint, and what every answer to it is finished with.
struct ChannelsCall<Asked: Endpoint>: HTTPCall {
    let endpoint: Asked
    let finish: AnswerFinish

    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) -> PromptAnswer {
        do {
            switch try endpoint.answerAtOnce(to: content, exchange: exchange) {
            case .response(let response): return .response(finish(response))
            case .waits(let wait): return .waits(ChannelsWait(wait: wait, exchange: exchange, finish: finish))
            case .needsTask: return .needsTask
            }
        } catch {
            return .response(finish(error, requestID: exchange.requestID))
        }
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async -> HTTPResponse {
        do {
            return finish(try await endpoint.respond(to: content, exchange: exchange))
        } catch {
            return finish(error, requestID: exchange.requestID)
        }
    }
}

/// A call that says what it wants to do.
protocol IntentCall: HTTPCall {
    var intent: Intent { get }
}

extension ChannelsCall: IntentCall {
    var intent: Intent { endpoint.intent }
}

/// A wait that was begun, and what its answer is finished with.
private struct ChannelsWait: HTTPWait {
    let wait: any EndpointWait
    /// The exchange holds this wait, and lets go of it when it asks for the response.
    unowned let exchange: any HTTPExchange
    let finish: AnswerFinish

    var deadline: ContinuousClock.Instant { wait.deadline }
    var endsWithClient: Bool { wait.endsWithClient }

    func end(_ cause: WaitEndCause) {
        wait.end(cause)
    }

    func response() -> HTTPResponse {
        do {
            return finish(try wait.response())
        } catch {
            return finish(error, requestID: exchange.requestID)
        }
    }
}

/// Makes a problem of an error, and adds what belongs on every answer to a request of some origin.
struct AnswerFinish: Sendable {
    let verdict: CrossOriginPolicy.Verdict
    let service: Service

    func callAsFunction(_ response: consuming HTTPResponse) -> HTTPResponse {
        service.crossOrigin.finish(response, for: verdict)
    }

    func callAsFunction(_ error: any Error, requestID: String?) -> HTTPResponse {
        self(service.problem(for: error, requestID: requestID).response)
    }
}
