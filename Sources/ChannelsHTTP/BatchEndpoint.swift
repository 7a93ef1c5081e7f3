import Channels
import HTTPCore

/// `POST /batch`: many sends in one request, done in order, each on its own.
struct BatchEndpoint: LayerEndpoint {
    static let entriesMax = 1000

    private let layer: ServedLayer
    private let service: Service
    private let form: JSONContent

    init(_ request: borrowing RouteRequest) throws(Problem) {
        layer = request.layer
        service = request.service
        _ = try request.query()
        form = try JSONContent(request.head, allowsLines: true)
    }

    var intent: Intent { Intent(action: .send, layer: layer.name) }

    func respond(to content: [UInt8], exchange: any HTTPExchange) async throws -> HTTPResponse {
        // All entries are found before the first is done, so that a batch refused as a whole has done nothing.
        let sources = try form == .lines ? Self.lines(of: content) : Self.elements(of: content)
        var json = JSONWriter(byteCountExpected: 32 + 96 * sources.count)
        json.beginObject()
        json.name("results")
        json.beginArray()
        // All of them together are answered in time, as a single send is.
        let deadline = layer.sendDeadline
        for source in sources {
            json.beginObject()
            do {
                try await perform(source, by: deadline, answeringTo: &json)
            } catch {
                Problem(mapping: error) { service.settings.reportError($0, exchange.requestID) }.writeMembers(to: &json)
            }
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return HTTPResponse(status: 200, commonFields: HTTPResponse.jsonFields, content: .bytes(json.takeBytes()))
    }

    private func perform(
        _ source: Source, by deadline: ContinuousClock.Instant?, answeringTo json: inout JSONWriter
    ) async throws {
        let entry = try Entry(source)
        switch entry.target {
        case .channel(let channel):
            let receipt = try await layer.send(
                entry.message, to: channel, options: SendOptions(expiry: entry.expiry), by: deadline)
            json.name("status")
            json.integer(202)
            json.members(of: receipt)
        case .group(let group, let excluded):
            let receipt = try await layer.sendGroup(
                entry.message, to: group, options: GroupSendOptions(expiry: entry.expiry, excluded: excluded),
                by: deadline)
            json.name("status")
            json.integer(202)
            json.members(of: receipt)
        }
    }
}

extension BatchEndpoint {
    /// Where an entry stands.
    private enum Source {
        /// An element of an array that is JSON as a whole.
        case element(JSONValue, of: JSONReader)
        /// A line that may not be JSON.
        case line(Range<Int>, of: [UInt8])
    }

    /// A send, as an entry asks for it.
    private struct Entry {
        enum Target {
            case channel(ChannelName)
            case group(GroupName, excluded: [ChannelName])
        }

        var target: Target
        /// The value of `message`, byte for byte.
        var message: Message
        var expiry: Duration?

        init(_ source: Source) throws(Problem) {
            let (value, json): (JSONValue, JSONReader)
            switch source {
            case .element(let element, let reader):
                (value, json) = (element, reader)
            case .line(let range, let content):
                json = try JSONReader.checked(content, range: range, outerLevels: 1)
                value = json.root
            }
            let members = try MemberReader(value, in: json, known: [.channel, .group, .message, .expiry, .exclude])
            switch (try members.text(.channel), try members.text(.group)) {
            case (let channel?, nil):
                target = .channel(try .checked(channel))
                guard !members.gives(.exclude) else {
                    throw .invalidParameter("'exclude' goes with 'group', not with 'channel'.")
                }
            case (nil, let group?):
                let excluded = try members.channels(.exclude, countRange: 0...GroupSendEndpoint.excludedMax)
                target = .group(try .checked(group), excluded: excluded ?? [])
            default:
                throw .invalidParameter("An entry has either 'channel' or 'group'.")
            }
            expiry = try members.seconds(.expiry)
            guard let content = members.json(.message) else {
                throw .invalidParameter("An entry has a 'message': any JSON value.")
            }
            message = Message(content: content)
        }
    }

    /// The elements of a content that is one array.
    private static func elements(of content: [UInt8]) throws(Problem) -> [Source] {
        let json = try JSONReader.checked(content, outerLevels: 2)
        guard json.root.kind == .array else {
            throw .invalidParameter("The content must be a JSON array of entries, or application/x-ndjson.")
        }
        var sources: [Source] = []
        for element in json.elements(of: json.root) { try append(.element(element, of: json), to: &sources) }
        return sources
    }

    /// The lines of a content that hold anything but white space.
    private static func lines(of content: [UInt8]) throws(Problem) -> [Source] {
        var sources: [Source] = []
        var start = 0
        while start < content.count {
            let end = content[start...].firstIndex(of: 0x0A) ?? content.count
            if !content[start..<end].allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                try append(.line(start..<end, of: content), to: &sources)
            }
            start = end + 1
        }
        return sources
    }

    private static func append(_ source: Source, to sources: inout [Source]) throws(Problem) {
        guard sources.count < entriesMax else {
            throw .invalidParameter(
                "A batch has up to \(entriesMax) entries; nothing of this one was done. Send several.",
                limit: entriesMax)
        }
        sources.append(source)
    }
}
