import Channels
import HTTPCore

// What is not per layer.

/// `GET /`: who is here.
struct AboutEndpoint: Endpoint {
    let service: Service

    var intent: Intent { Intent(action: .ask) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        var json = JSONWriter(byteCountExpected: 256)
        json.object { json in
            json.name("name")
            json.string("laurel")
            json.name("version")
            json.string(service.settings.version)
            json.name("layers")
            json.array(of: service.layerNames) { $0.string($1) }
            json.name("contract")
            json.string("/openapi.yaml")
        }
        return .json(json.takeBytes())
    }
}

/// `GET /openapi.yaml`: the contract.
struct ContractEndpoint: Endpoint {
    let service: Service

    var intent: Intent { Intent(action: .ask) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        HTTPResponse(
            status: 200, fields: [("Content-Type", "application/yaml")],
            content: .bytes(service.settings.openAPIDocument))
    }
}

/// `GET /health/live`: the process is up.
struct LivenessEndpoint: Endpoint {
    var intent: Intent { Intent(action: .ask) }

    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer {
        .response(Self.answer)
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse { Self.answer }

    private static let answer = HTTPResponse.json(Array(#"{"status":"live"}"#.utf8))
}

/// `GET /health/ready`: the backend of every layer could serve a send now.
struct ReadinessEndpoint: Endpoint {
    let service: Service

    var intent: Intent { Intent(action: .ask) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let unready = await withTaskGroup(of: String?.self) { checks in
            for layer in service.layers.values {
                checks.addTask {
                    do {
                        try await layer.checkReadiness()
                        return nil
                    } catch {
                        let problem = Problem(mapping: error) { service.settings.reportError($0, exchange.requestID) }
                        return "\(layer.name) (\(problem.detail))"
                    }
                }
            }
            var unready: [String] = []
            for await layer in checks { if let layer { unready.append(layer) } }
            return unready.sorted()
        }
        guard unready.isEmpty else {
            throw Problem(.backendUnavailable, "Layers that cannot serve now: \(unready.joined(separator: "; ")).")
        }
        return .json(Array(#"{"status":"ready"}"#.utf8))
    }
}
