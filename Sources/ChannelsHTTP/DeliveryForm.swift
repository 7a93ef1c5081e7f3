import Channels
import HTTPCore

/// How a receiver wants its messages: as a list or as one, as JSON or as they were sent.
struct DeliveryForm {
    let backend: any WaitingChannelBackend
    let isList: Bool
    let prefersBytes: Bool
    /// What to say of the wait (RFC 7240 §3); nil for nothing.
    let preferenceApplied: String?

    func answer(with deliveries: [Delivery]) -> HTTPResponse {
        var response = response(with: deliveries)
        if let preferenceApplied { response.fields.append(("Preference-Applied", preferenceApplied)) }
        return response
    }

    private func response(with deliveries: [Delivery]) -> HTTPResponse {
        guard let first = deliveries.first else { return HTTPResponse(status: 204, commonFields: Self.noStore) }
        var response: HTTPResponse
        if isList {
            response = .json([])
            response.content = DeliveryEncoder.content(of: deliveries)
        } else if prefersBytes {
            response = .bareBytes(of: first)
        } else {
            response = .json([])
            response.content = DeliveryEncoder.content(of: first)
        }
        if backend.traits.givesBack {
            response.onUnsent = { [backend] in _ = await backend.giveBack(deliveries) }
        }
        return response
    }

    private static let noStore = FieldLines([("Cache-Control", "no-store")])
}

extension HTTPResponse {
    /// One message as it was sent, under its own type: the very array in which it waited.
    fileprivate static func bareBytes(of delivery: Delivery) -> HTTPResponse {
        let message = delivery.message
        var fields: [(name: String, value: String)] = [
            ("Content-Type", message.contentType ?? (message.isJSON ? "application/json" : "application/octet-stream")),
            ("Cache-Control", "no-store"),
            ("Laurel-Channel", PercentEncoding.encode(delivery.channel.rawValue)),
            ("Laurel-Id", delivery.id.description),
        ]
        if let group = delivery.group { fields.append(("Laurel-Group", PercentEncoding.encode(group.rawValue))) }
        return HTTPResponse(status: 200, fields: fields, content: .bytes(message.content))
    }
}
