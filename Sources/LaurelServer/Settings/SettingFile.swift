import ChannelsHTTP
import Foundation

/// The config file: a JSON object of settings by name, `{"bind": ["[::1]:8080"], "capacity": 500, "max-wait": "60"}`.
enum SettingFile {
    /// - Throws: ``SettingError`` where the file cannot be read, is no JSON object, or names an unknown setting.
    static func read(_ path: String) throws -> [SettingName: [String]] {
        guard let content = FileManager.default.contents(atPath: path) else {
            throw SettingError("The config file '\(path)' cannot be read: \(reasonOfNoContents(at: path)).")
        }
        if let offset = JSONValidator.firstError(in: Array(content)) {
            let line = 1 + content.prefix(offset).count { $0 == UInt8(ascii: "\n") }
            throw SettingError(
                "The config file '\(path)' must be one JSON object of settings: in line \(line) it is no JSON.")
        }
        let entries: [String: Entry]
        do {
            entries = try JSONDecoder().decode([String: Entry].self, from: content)
        } catch {
            throw SettingError("The config file '\(path)' must be one JSON object of settings: \(reason(error)).")
        }
        var settings: [SettingName: [String]] = [:]
        for (key, entry) in entries.sorted(by: { $0.key < $1.key }) {
            guard let name = SettingName(rawValue: key) else {
                let nearest = NearestName.of(key, among: SettingName.allCases.map(\.rawValue))!
                throw SettingError(
                    "The config file '\(path)' has an unknown key \"\(key)\". Did you mean \"\(nearest)\"?")
            }
            guard name.repeats || !entry.isList else {
                throw SettingError("In the config file '\(path)', \"\(key)\" must be one value, not a list.")
            }
            settings[name] = entry.texts
        }
        return settings
    }

    /// A value, or a list of them. A number is taken as the text that the command line would give.
    private struct Entry: Decodable {
        let texts: [String]
        let isList: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let list = try? container.decode([Scalar].self) {
                texts = list.map(\.text)
                isList = true
            } else {
                texts = [try container.decode(Scalar.self).text]
                isList = false
            }
        }
    }

    private struct Scalar: Decodable {
        let text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let string = try? container.decode(String.self) {
                text = string
            } else if let number = try? container.decode(Int.self) {
                text = String(number)
            } else if let number = try? container.decode(Decimal.self) {
                text = "\(number)"  // in full: 0.00001, never 1e-05
            } else {
                throw DecodingError.dataCorruptedError(
                    in: container, debugDescription: "a setting is a string, a number, or a list of strings")
            }
        }
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context),
            .keyNotFound(_, let context):
            let place = context.codingPath.first.map { " (\"\($0.stringValue)\")" } ?? ""
            return place.isEmpty ? "it is another kind of JSON" : "a setting is a string, a number or a list\(place)"
        @unknown default:
            return "\(error)"
        }
    }

    /// `FileManager` does not tell.
    private static func reasonOfNoContents(at path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return String(cString: strerror(errno)) }
        if status.st_mode & S_IFMT == S_IFDIR { return "it is a directory" }
        return access(path, R_OK) == 0 ? "it is no readable file" : String(cString: strerror(errno))
    }
}
