import HTTPCore

/// A request that was let in: its endpoint, and what every answer to it is finished with.
struct ChannelsCall: HTTPCall {
    let endpoint: any Endpoint
    let verdict: CrossOriginPolicy.Verdict
    let service: Service

    func respondAtOnce(to content: [UInt8], requestID: String) -> HTTPResponse? {
        do {
            return try endpoint.respondAtOnce(to: content).map { service.crossOrigin.finish($0, for: verdict) }
        } catch {
            return refusal(for: error, requestID: requestID)
        }
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async -> HTTPResponse {
        do {
            let response = try await endpoint.respond(to: content, exchange: exchange)
            return service.crossOrigin.finish(response, for: verdict)
        } catch {
            return refusal(for: error, requestID: exchange.requestID)
        }
    }

    private func refusal(for error: any Error, requestID: String) -> HTTPResponse {
        service.crossOrigin.finish(service.problem(for: error, requestID: requestID).response, for: verdict)
    }
}
