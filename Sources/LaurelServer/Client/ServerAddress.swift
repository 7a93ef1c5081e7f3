import ArgumentParser

/// Where a client command finds the server: `http://host:port`, with a path before it where a proxy adds one, or `unix:PATH`.
struct ServerAddress: Sendable, ExpressibleByArgument {
    /// What stands before each path, without a slash at its end.
    let baseURL: String
    let unixSocketPath: String?

    static let preset = ServerAddress(baseURL: "http://127.0.0.1:8080", unixSocketPath: nil)

    private init(baseURL: String, unixSocketPath: String?) {
        self.baseURL = baseURL
        self.unixSocketPath = unixSocketPath
    }

    init?(argument text: String) {
        if let path = text.wholeMatch(of: /unix:(.+)/)?.1 {
            self.init(baseURL: "http://localhost", unixSocketPath: String(path))
        } else if let url = text.wholeMatch(of: /(https?:\/\/[^?#\s]*[^?#\s\/])\/*/)?.1 {
            self.init(baseURL: String(url), unixSocketPath: nil)
        } else {
            return nil
        }
    }
}
