/// The server's settings. The raw value is the option `--group-expiry` without its dashes and the key in the config file;
/// the environment variable is `LAUREL_GROUP_EXPIRY`.
enum SettingName: String, CaseIterable {
    case bind
    case backend
    case layer
    case loops
    case expiry
    case groupExpiry = "group-expiry"
    case capacity
    case channelCapacity = "channel-capacity"
    case maxMessage = "max-message"
    case maxWait = "max-wait"
    case memoryLimit = "memory-limit"
    case corsOrigin = "cors-origin"
    case maxConnections = "max-connections"
    case maxHead = "max-head"
    case maxTarget = "max-target"
    case contentBudget = "content-budget"
    case answerBudget = "answer-budget"
    case headTimeout = "head-timeout"
    case contentTimeout = "content-timeout"
    case idleTimeout = "idle-timeout"
    case writeTimeout = "write-timeout"
    case logLevel = "log-level"

    /// May be given several times: a list in the config file, parted by commas in the environment.
    var repeats: Bool {
        switch self {
        case .bind, .layer, .channelCapacity, .corsOrigin: true
        default: false
        }
    }

    var environmentVariable: String { Self.environmentPrefix + environmentSuffix }

    private var environmentSuffix: String { rawValue.uppercased().replacing("-", with: "_") }

    static let environmentPrefix = "LAUREL_"
    /// Variables that are no settings of the server: where its config file is, and the clients' server.
    static let otherEnvironmentVariables = ["LAUREL_CONFIG", "LAUREL_URL"]
}
