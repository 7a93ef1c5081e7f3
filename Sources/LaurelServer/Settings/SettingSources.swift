import Configuration
import Foundation

/// Where settings come from: the command line wins over the environment, the environment over the config file.
///
/// Each source holds texts only, a list of them for a setting that repeats; what they mean is read in one place,
/// ``SettingReader``. Names that no setting has are refused here, so that a typo never goes unseen.
enum SettingSources {
    /// - Parameters:
    ///   - commandLine: What was given; an empty list is nothing.
    ///   - environment: All variables of the process. An empty one counts as not set.
    ///   - configPath: The config file, where the command line names one; else `LAUREL_CONFIG` may.
    /// - Throws: ``SettingError``
    static func reader(
        commandLine: [SettingName: [String]], environment: [String: String], configPath: String?
    ) throws -> ConfigReader {
        try checkEnvironment(environment)
        let variables = environment.filter { $0.key.hasPrefix(SettingName.environmentPrefix) && !$0.value.isEmpty }
        var providers: [any ConfigProvider] = [
            InMemoryProvider(name: "command line", values: values(of: commandLine)),
            EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "laurel"),
        ]
        if let path = configPath ?? variables["LAUREL_CONFIG"] {
            providers.append(InMemoryProvider(name: path, values: values(of: try SettingFile.read(path))))
        }
        return ConfigReader(providers: providers)
    }

    /// - Throws: ``SettingError`` for a variable `LAUREL_…` that nothing reads, and that Kubernetes does not set for a Service
    ///   named `laurel`.
    static func checkEnvironment(_ environment: [String: String]) throws(SettingError) {
        let known = SettingName.allCases.map(\.environmentVariable) + SettingName.otherEnvironmentVariables
        for name in environment.keys.sorted() where name.hasPrefix(SettingName.environmentPrefix) {
            if known.contains(name) || name.contains(/^LAUREL_(SERVICE_.*|PORT|PORT_.*)$/) { continue }
            throw SettingError(
                "The environment variable \(name) is not known. Did you mean \(NearestName.of(name, among: known)!)?")
        }
    }

    private static func values(of settings: [SettingName: [String]]) -> [AbsoluteConfigKey: ConfigValue] {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        for (name, texts) in settings where !texts.isEmpty {
            let content: ConfigContent = name.repeats ? .stringArray(texts) : .string(texts[0])
            values[AbsoluteConfigKey([name.rawValue])] = ConfigValue(content, isSecret: false)
        }
        return values
    }
}
