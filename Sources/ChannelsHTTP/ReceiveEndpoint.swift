import Channels
import HTTPCore

/// `GET /receive` and `POST /receive`: takes messages, at once or by long-poll.
struct ReceiveEndpoint: LayerEndpoint {
    static let channelsMax = 1000
    static let messagesMax = 1000

    private let layer: ServedLayer
    private let service: Service
    /// What the query says; by POST, the content may say otherwise.
    private let query: Wanted
    private let mayHaveContent: Bool
    /// What is wrong with the type of a chunked content, should there be one: that shows only at its end.
    private let typeProblem: Problem?
    private let preferredWait: Duration?
    private let prefersBytes: Bool
    private let acceptsJSON: Bool

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        service = request.service
        query = try Wanted(try request.query(.channels, .channel, .timeout, .max))
        let head = request.head
        preferredWait =
            head.value(of: .prefer) == nil
            ? nil : Preferences.waitSeconds(in: head.values(of: .prefer)).map { .seconds(min($0, 1_000_000_000)) }
        if !Self.takesAnything(head) {
            let accepted = AcceptedTypes(parsing: head.values(of: .accept))
            prefersBytes = accepted.prefersOctetStreamToJSON
            acceptsJSON = accepted.quality(of: "application", "json").thousandths > 0
        } else {
            prefersBytes = false
            acceptsJSON = true
        }
        typeProblem = head.method == .post ? try Self.typeProblem(head) : nil
        mayHaveContent = head.method == .post && !head.hasNoContent
        // All is known by now unless a content comes.
        if !mayHaveContent { try check(query) }
    }

    var intent: Intent { Intent(action: .receive, layer: layer.name, channels: query.channels ?? []) }

    func answerAtOnce(to content: [UInt8], exchange: any HTTPExchange) throws -> EndpointAnswer {
        guard let backend = layer.immediate else { return .needsTask }
        let wanted = try wanted(in: content)
        let wait = wait(for: wanted)
        let form = form(of: wanted, after: wait)
        let (channels, options) = (wanted.channels ?? [], options(of: wanted))
        guard wait.duration > .zero else {
            return backend.receiveManyAtOnce(channels, options: options).map { .response(form.answer(with: $0)) }
                ?? .needsTask
        }
        let parked = ParkedReceive(form, until: layer.clock.now + wait.duration, exchange: exchange)
        switch try backend.receiveManyAtOnce(channels, options: options, orWait: parked) {
        case .deliveries(let deliveries): return .response(form.answer(with: deliveries))
        case .waits(let wait):
            parked.wait = wait
            return .waits(parked)
        case nil: return .needsTask
        }
    }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        let wanted = try wanted(in: content)
        let wait = wait(for: wanted)
        let deliveries = try await take(wanted, wait: wait.duration, exchange: exchange)
        return form(of: wanted, after: wait).answer(with: deliveries)
    }

    private func form(of wanted: Wanted, after wait: Wait) -> DeliveryForm {
        DeliveryForm(
            backend: layer.backend, isList: wanted.messagesMax != nil, prefersBytes: prefersBytes,
            preferenceApplied: wait.preferenceApplied)
    }

    /// As most clients do, without or with a word.
    private static func takesAnything(_ head: RequestHead) -> Bool {
        head.fields.lines.allSatisfy { $0.known != .accept || head.bytes[$0.value].elementsEqual("*/*".utf8) }
    }

    private func wanted(in content: [UInt8]) throws(Problem) -> Wanted {
        guard mayHaveContent else { return query }
        var wanted = query
        if !content.isEmpty {
            if let typeProblem { throw typeProblem }
            try wanted.override(with: content)
        }
        try check(wanted)
        return wanted
    }

    private func wait(for wanted: Wanted) -> Wait {
        Wait(timeout: wanted.timeout, preferred: preferredWait, limit: service.settings.waitMax)
    }

    private func options(of wanted: Wanted) -> ReceiveOptions {
        ReceiveOptions(messagesMax: wanted.messagesMax ?? 1, contentBytesMax: service.settings.messageBytesMax)
    }

    /// - Throws: 415 where it is certain that a content of a wrong type comes.
    private static func typeProblem(_ head: RequestHead) throws(Problem) -> Problem? {
        do {
            _ = try JSONContent(head, isOptional: true)
            return nil
        } catch {
            guard head.framing == .chunked else { throw error }
            return error
        }
    }

    private func check(_ wanted: Wanted) throws(Problem) {
        guard let channels = wanted.channels else {
            throw .invalidParameter("'channels' is missing: name 1 to \(Self.channelsMax) channels to receive from.")
        }
        guard (1...Self.channelsMax).contains(channels.count) else {
            throw Parameter.channels.outOfCount(1...Self.channelsMax, actual: channels.count)
        }
        if prefersBytes, wanted.messagesMax != nil, !acceptsJSON {
            throw Problem(
                .notAcceptable, "Several messages come as JSON only. Leave out 'max', or accept application/json.")
        }
    }

    private func take(_ wanted: Wanted, wait: Duration, exchange: any HTTPExchange) async throws -> [Delivery] {
        let channels = wanted.channels ?? []
        let options = options(of: wanted)
        let deadline = layer.clock.now + wait
        // A client that has closed its sending side counts as gone only where it may wait.
        guard wait > .zero else { return try await layer.backend.receiveMany(channels, options: options) }
        defer { exchange.isWaiting = false }
        if !layer.storeWaits {
            // Not cancelled: a store that knows of no waiting may know of no cancellation.
            let present = try await layer.backend.receiveMany(channels, options: options)
            if !present.isEmpty {
                // Where it can go back it does, should the client have left meanwhile.
                if layer.backend.traits.givesBack { exchange.isWaiting = true }
                return present
            }
        }
        exchange.isWaiting = true
        return try await layer.backend.receiveManyBlocking(channels, options: options, until: deadline)
    }
}

extension ReceiveEndpoint {
    /// What a receiver asks for.
    private struct Wanted: Sendable {
        var channels: [ChannelName]?
        var timeout: Duration?
        /// Nil: one delivery, not a list.
        var messagesMax: Int?

        init(_ query: QueryReader) throws(Problem) {
            channels = try query.channelsToReceiveFrom()
            timeout = try query.seconds(.timeout)
            messagesMax = try query.integer(.max, in: 1...ReceiveEndpoint.messagesMax)
        }

        /// Where the content says something, it wins.
        mutating func override(with content: [UInt8]) throws(Problem) {
            let json = try JSONReader.checked(content)
            let members = try MemberReader(json.root, in: json, known: [.channels, .timeout, .max])
            if let named = try members.channels(.channels, countRange: 1...ReceiveEndpoint.channelsMax) {
                channels = named
            }
            timeout = try members.seconds(.timeout) ?? timeout
            messagesMax = try members.integer(.max, in: 1...ReceiveEndpoint.messagesMax) ?? messagesMax
        }
    }

    /// How long to wait, and what to say of it (RFC 7240 §3).
    private struct Wait {
        var duration: Duration
        /// Where the header asked for it, or the limit cut it.
        var preferenceApplied: String?

        init(timeout: Duration?, preferred: Duration?, limit: Duration) {
            let asked = timeout ?? preferred ?? .zero
            duration = min(asked, limit)
            if asked > limit || (timeout == nil && preferred != nil) {
                var text = JSONWriter(byteCountExpected: 16)
                text.seconds(duration)
                preferenceApplied = "wait=" + String(decoding: text.takeBytes(), as: UTF8.self)
            }
        }
    }
}
