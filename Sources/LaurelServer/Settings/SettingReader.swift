import Channels
import Configuration

/// Reads settings as what they are: counts, bytes, seconds. Each throws ``SettingError`` with what the setting takes.
struct SettingReader {
    let sources: ConfigReader

    func text(_ name: SettingName) -> String? {
        sources.string(forKey: ConfigKey([name.rawValue]))
    }

    /// All values of a setting that repeats, of the first source that has any; empty where none has.
    func list(_ name: SettingName) -> [String] {
        sources.stringArray(forKey: ConfigKey([name.rawValue]), default: [])
    }

    /// A whole number.
    func count(_ name: SettingName, in range: ClosedRange<Int>) throws(SettingError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(digits: text), range.contains(value) else {
            throw SettingError(name, is: "a whole number from \(Self.words(range))", not: text)
        }
        return value
    }

    /// Bytes, plain or in `KiB`, `MiB`, `GiB`.
    func bytes(_ name: SettingName, in range: ClosedRange<Int>) throws(SettingError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(bytesText: text), range.contains(value) else {
            throw SettingError(
                name, is: "a number of bytes from \(Self.words(range)), as in '67108864' or '64MiB'", not: text)
        }
        return value
    }

    /// Seconds, with a fraction or without.
    func seconds(
        _ name: SettingName, from least: Duration = .zero, to most: Duration = .seconds(1_000_000_000)
    ) throws(SettingError) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let value = Duration(secondsText: text.utf8), value >= least, value <= most else {
            let range = "\(least / .seconds(1)) to \(Int(most / .seconds(1)))"
            throw SettingError(name, is: "seconds from \(range), as in '30' or '0.25'", not: text)
        }
        return value
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        range.upperBound == .max ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    }
}
