import ArgumentParser

/// The options of `laurel serve`, as texts: what they mean is read once for all sources, by ``ServeSettings``.
struct ServeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where to listen: IP:PORT, [IPv6]:PORT or unix:PATH; port 0 takes a free one. Repeatable. [127.0.0.1:8080]",
            valueName: "address"))
    var bind: [String] = []

    @Option(help: ArgumentHelp("The backend of the layer 'default'. [memory:]", valueName: "url"))
    var backend: String?

    @Option(
        help: ArgumentHelp("A further layer, as in 'jobs=memory:?capacity=5000'. Repeatable.", valueName: "name=url"))
    var layer: [String] = []

    @Option(help: ArgumentHelp("Event loops, each a thread. [the number of cores]", valueName: "count"))
    var loops: String?

    @Option(help: ArgumentHelp("How long a message may wait that does not say. [60]", valueName: "seconds"))
    var expiry: String?

    @Option(help: ArgumentHelp("How long a membership lasts that does not say. [86400]", valueName: "seconds"))
    var groupExpiry: String?

    @Option(help: ArgumentHelp("How many messages wait in a channel. [100]", valueName: "count"))
    var capacity: String?

    @Option(
        help: ArgumentHelp(
            "The capacity of channels whose name matches, as in 'log.*=5000'; the first match counts. Repeatable.",
            valueName: "glob=count"))
    var channelCapacity: [String] = []

    @Option(help: ArgumentHelp("The largest content of a request, from 5000000. [16MiB]", valueName: "bytes"))
    var maxMessage: String?

    @Option(help: ArgumentHelp("The longest that a receive waits. [300]", valueName: "seconds"))
    var maxWait: String?

    @Option(help: ArgumentHelp("What a layer in memory may hold, payloads and bookkeeping. [1GiB]", valueName: "bytes"))
    var memoryLimit: String?

    @Option(
        help: ArgumentHelp(
            "An origin whose pages may call, as in 'https://example.org', or '*' for all. Repeatable.",
            valueName: "origin"))
    var corsOrigin: [String] = []

    @Option(help: ArgumentHelp("Connections at once. [what the limit of open files allows]", valueName: "count"))
    var maxConnections: String?

    @Option(help: ArgumentHelp("The largest head of a request. [48KiB]", valueName: "bytes"))
    var maxHead: String?

    @Option(help: ArgumentHelp("The longest target of a request, within its head. [32KiB]", valueName: "bytes"))
    var maxTarget: String?

    @Option(help: ArgumentHelp("Contents in arrival, over all connections. [256MiB]", valueName: "bytes"))
    var contentBudget: String?

    @Option(help: ArgumentHelp("Large answers that clients have not read yet, together. [256MiB]", valueName: "bytes"))
    var answerBudget: String?

    @Option(help: ArgumentHelp("From the first byte of a head to its last. [30]", valueName: "seconds"))
    var headTimeout: String?

    @Option(help: ArgumentHelp("Between two bytes of a content. [30]", valueName: "seconds"))
    var contentTimeout: String?

    @Option(help: ArgumentHelp("Between two requests of a connection. [150]", valueName: "seconds"))
    var idleTimeout: String?

    @Option(help: ArgumentHelp("While a client does not read its answer. [30]", valueName: "seconds"))
    var writeTimeout: String?

    @Option(help: ArgumentHelp("trace, debug, info, notice, warning, error or critical. [info]", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("A JSON file of these settings by name. [$LAUREL_CONFIG]", valueName: "file"))
    var config: String?

    /// What was given, by name.
    var given: [SettingName: [String]] {
        var given: [SettingName: [String]] = [
            .bind: bind, .layer: layer, .channelCapacity: channelCapacity, .corsOrigin: corsOrigin,
        ]
        let single: [(SettingName, String?)] = [
            (.backend, backend), (.loops, loops), (.expiry, expiry), (.groupExpiry, groupExpiry), (.capacity, capacity),
            (.maxMessage, maxMessage), (.maxWait, maxWait), (.memoryLimit, memoryLimit),
            (.maxConnections, maxConnections), (.maxHead, maxHead), (.maxTarget, maxTarget),
            (.contentBudget, contentBudget), (.answerBudget, answerBudget), (.headTimeout, headTimeout),
            (.contentTimeout, contentTimeout),
            (.idleTimeout, idleTimeout), (.writeTimeout, writeTimeout), (.logLevel, logLevel),
        ]
        for (name, text) in single { given[name] = text.map { [$0] } }
        return given
    }
}
