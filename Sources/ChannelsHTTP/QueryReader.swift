import Channels
import HTTPCore

/// The parameters of a query, checked against what the route knows.
struct QueryReader {
    private var values: [(parameter: Parameter, text: String)] = []

    /// - Throws: 400 `invalid-parameter` for one that is unknown, given twice or not percent-encoded.
    init(_ query: ArraySlice<UInt8>, known: [Parameter]) throws(Problem) {
        guard !query.isEmpty else { return }
        var parameters = QueryParameters(parsing: query)
        while let given = try Self.next(&parameters) {
            guard let parameter = try Parameter.named(given.name, among: known) else { continue }
            if !parameter.mayRepeat, values.contains(where: { $0.parameter == parameter }) {
                throw parameter.givenTwice()
            }
            values.append((parameter, given.value))
        }
    }

    private static func next(_ parameters: inout QueryParameters) throws(Problem) -> QueryParameters.Parameter? {
        do {
            return try parameters.next()
        } catch {
            throw .invalidParameter("A '%' in the query is not followed by two hexadecimal digits; write '%25' for it.")
        }
    }

    func text(_ parameter: Parameter) -> String? {
        values.first { $0.parameter == parameter }?.text
    }

    func seconds(_ parameter: Parameter) throws(Problem) -> Duration? {
        guard let text = text(parameter) else { return nil }
        return try parameter.seconds(text.utf8)
    }

    func integer(_ parameter: Parameter, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let text = text(parameter) else { return nil }
        return try parameter.integer(text.utf8, in: range)
    }

    /// `exclude=ann&exclude=bob`: each taken whole.
    func channels(_ parameter: Parameter, countMax: Int) throws(Problem) -> [ChannelName] {
        var names: [ChannelName] = []
        for value in values where value.parameter == parameter { names.append(try .checked(value.text)) }
        guard names.count <= countMax else { throw parameter.outOfCount(0...countMax, actual: names.count) }
        return names
    }

    /// `channels=a,b` split on its commas, `channel=a,b` taken whole; nil where neither is given.
    func channelsToReceiveFrom() throws(Problem) -> [ChannelName]? {
        var names: [ChannelName] = []
        var isGiven = false
        for value in values {
            switch value.parameter {
            case .channels where value.text.utf8.contains(UInt8(ascii: ",")):
                for part in value.text.split(separator: ",", omittingEmptySubsequences: false) {
                    names.append(try .checked(String(part)))
                }
            case .channels: names.append(try .checked(value.text))
            case .channel: names.append(try .checked(value.text))
            default: continue
            }
            isGiven = true
        }
        return isGiven ? names : nil
    }
}

extension ChannelName {
    /// - Throws: 400 `invalid-name`.
    static func checked(_ text: String) throws(Problem) -> ChannelName {
        do { return try ChannelName(text) } catch { throw Problem(error) }
    }
}

extension GroupName {
    /// - Throws: 400 `invalid-name`.
    static func checked(_ text: String) throws(Problem) -> GroupName {
        do { return try GroupName(text) } catch { throw Problem(error) }
    }
}
