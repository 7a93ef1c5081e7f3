/// One request, as ``HTTPClient`` sends it.
package struct HTTPClientRequest: Sendable {
    /// The request line's protocol version.
    package enum Version: Sendable {
        case http10
        case http11
    }

    package var method: String
    /// `http://host:port/path?query`, percent-encoded; the path is sent as it stands, `..` included.
    package var url: String
    /// In the order given. A field with an empty value is sent empty.
    package var fields: [(name: String, value: String)] = []
    /// Sent with its `Content-Length`, and no `Content-Type` but one of `fields`; nil sends none.
    package var content: [UInt8]?
    /// For connecting, sending and the whole response; nil waits without end.
    package var timeout: Duration?
    /// Connects to this path instead of the URL's host.
    package var unixSocketPath: String?
    package var version = Version.http11
    /// False opens a connection for this request and closes it afterwards.
    package var reusesConnection = true

    package init(_ method: String, _ url: String) {
        self.method = method
        self.url = url
    }
}
