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
        let sends = sources.map { source in Result { () throws(Problem) in try Self.send(source) } }
        var results = await layer.sendEach(sends.compactMap { try? $0.get() }).makeIterator()
        var json = JSONWriter(byteCountExpected: 32 + 96 * sources.count)
        json.object { json in
            json.name("results")
            json.array(of: sends) { json, send in
                json.object { json in
                    do {
                        _ = try send.get()
                        guard let result = results.next() else { preconditionFailure("each send has a result") }
                        json.members(of: try result.get())
                    } catch {
                        Problem(mapping: error) { service.settings.reportError($0, exchange.requestID) }
                            .writeMembers(to: &json)
                    }
                }
            }
        }
        return HTTPResponse(status: 200, commonFields: HTTPResponse.jsonFields, content: .bytes(json.takeBytes()))
    }
}

extension JSONWriter {
    fileprivate mutating func members(of receipt: BatchedReceipt) {
        name("status")
        integer(202)
        switch receipt {
        case .channel(let receipt): members(of: receipt)
        case .group(let receipt): members(of: receipt)
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

    /// The send that an entry asks for; its message is the value of `message`, byte for byte.
    private static func send(_ source: Source) throws(Problem) -> BatchedSend {
        let (value, json): (JSONValue, JSONReader)
        switch source {
        case .element(let element, let reader):
            (value, json) = (element, reader)
        case .line(let range, let content):
            json = try JSONReader.checked(content, range: range, outerLevels: 1)
            value = json.root
        }
        let members = try MemberReader(value, in: json, known: [.channel, .group, .message, .expiry, .exclude])
        let (channel, group) = (try members.text(.channel), try members.text(.group))
        guard (channel == nil) != (group == nil) else {
            throw .invalidParameter("An entry has either 'channel' or 'group'.")
        }
        guard group != nil || !members.gives(.exclude) else {
            throw .invalidParameter("'exclude' goes with 'group', not with 'channel'.")
        }
        let excluded = try members.channels(.exclude, countRange: 0...GroupSendEndpoint.excludedMax) ?? []
        let expiry = try members.seconds(.expiry)
        guard let content = members.json(.message) else {
            throw .invalidParameter("An entry has a 'message': any JSON value.")
        }
        let message = Message(content: content)
        if let channel { return .channel(try .checked(channel), message, SendOptions(expiry: expiry)) }
        return .group(try .checked(group ?? ""), message, GroupSendOptions(expiry: expiry, excluded: excluded))
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
