import Channels

/// The members of a JSON object that a route reads, checked against what it knows. A member that is null is not given.
struct MemberReader {
    private let json: JSONReader
    private var values: [(parameter: Parameter, value: JSONValue)] = []

    /// - Throws: 400 `invalid-parameter` where `object` is none, or has a member that is unknown or given twice.
    init(_ object: JSONValue, in json: JSONReader, known: [Parameter]) throws(Problem) {
        self.json = json
        guard object.kind == .object else {
            let names = known.map(\.rawValue).joined(separator: ", ")
            throw .invalidParameter("The content must be a JSON object, with members out of: \(names).")
        }
        for member in json.members(of: object) {
            guard let parameter = try Parameter.named(member.name, among: known) else { continue }
            if values.contains(where: { $0.parameter == parameter }) { throw parameter.givenTwice() }
            values.append((parameter, member.value))
        }
    }

    /// The bytes of a member of any kind, null included, as they were sent.
    func json(_ parameter: Parameter) -> [UInt8]? {
        values.first { $0.parameter == parameter }.map { Array(json.bytes(of: $0.value)) }
    }

    func gives(_ parameter: Parameter) -> Bool {
        given(parameter) != nil
    }

    func text(_ parameter: Parameter) throws(Problem) -> String? {
        guard let value = given(parameter) else { return nil }
        guard let text = json.text(of: value) else { throw .invalidParameter("'\(parameter.rawValue)' is a string.") }
        return text
    }

    func seconds(_ parameter: Parameter) throws(Problem) -> Duration? {
        guard let value = given(parameter) else { return nil }
        return try parameter.seconds(json.bytes(of: value))
    }

    func integer(_ parameter: Parameter, in range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = given(parameter) else { return nil }
        return try parameter.integer(json.bytes(of: value), in: range)
    }

    /// An array of names, `countRange` of them.
    func channels(_ parameter: Parameter, countRange: ClosedRange<Int>) throws(Problem) -> [ChannelName]? {
        guard let value = given(parameter) else { return nil }
        guard value.kind == .array else {
            throw .invalidParameter("'\(parameter.rawValue)' is an array of strings.")
        }
        var names: [ChannelName] = []
        for element in json.elements(of: value) {
            // Not counted to the end, which may be millions away.
            guard names.count < countRange.upperBound else { throw parameter.outOfCount(countRange, actual: nil) }
            guard let text = json.text(of: element) else {
                throw .invalidParameter("'\(parameter.rawValue)' is an array of strings.")
            }
            names.append(try .checked(text))
        }
        guard countRange.contains(names.count) else { throw parameter.outOfCount(countRange, actual: names.count) }
        return names
    }

    private func given(_ parameter: Parameter) -> JSONValue? {
        guard let value = values.first(where: { $0.parameter == parameter })?.value, value.kind != .null else {
            return nil
        }
        return value
    }
}
