/// A setting that cannot be used. The text says which, and what to change. Exit code 64 (`EX_USAGE`), as for an unknown option.
struct SettingError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// `value` is not what the setting takes.
    init(_ name: SettingName, is expected: String, not value: String) {
        self.init(
            "--\(name.rawValue) (\(name.environmentVariable), \"\(name.rawValue)\" in the config file) must be \(expected), "
                + "not '\(value)'.")
    }
}
