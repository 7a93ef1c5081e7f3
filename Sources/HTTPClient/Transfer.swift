import CCurl
import Synchronization

/// One request on its way: a `curl_easy` handle, what it points at, and the response so far.
///
// SAFETY: used by one thread at a time. `init` prepares it on the caller's, the mailbox of the `TransferLoop` hands it over,
// and from then on only the loop's thread touches it, but for the atomic `isCancelled`.
final class Transfer: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
    /// Set by whoever cancels, as the cancellation may overtake the start.
    let isCancelled = Atomic(false)
    private var fieldList: UnsafeMutablePointer<curl_slist>?
    private let errorText: UnsafeMutablePointer<CChar>
    private var response = HTTPClientResponse()

    init(_ request: HTTPClientRequest) throws(HTTPClientError) {
        LibCurl.initializeOnce()
        guard let handle = curl_easy_init() else { throw HTTPClientError(CURLE_OUT_OF_MEMORY) }
        self.handle = handle
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setTarget(request)
        try setMethod(request)
        try setFields(request)
        try setCallbacks()
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(fieldList)
        errorText.deallocate()
    }

    /// The transfer behind a handle that libcurl names.
    static func of(_ handle: UnsafeMutableRawPointer) -> Transfer? {
        var pointer: UnsafeMutableRawPointer?
        guard laurel_curl_get_pointer(handle, CURLINFO_PRIVATE, &pointer) == CURLE_OK, let pointer else { return nil }
        return Unmanaged<Transfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// What came of it, once libcurl says that it is done.
    func result(_ code: CURLcode) -> Result<HTTPClientResponse, any Error> {
        guard code == CURLE_OK else {
            return .failure(HTTPClientError(code, detail: String(cString: errorText)))
        }
        response.status = Int(long(CURLINFO_RESPONSE_CODE))
        response.newConnectionsCount = Int(long(CURLINFO_NUM_CONNECTS))
        response.duration = microseconds(CURLINFO_TOTAL_TIME_T)
        response.durationToFirstByte = microseconds(CURLINFO_STARTTRANSFER_TIME_T)
        return .success(response)
    }

    // MARK: Preparing the handle

    private func setTarget(_ request: HTTPClientRequest) throws(HTTPClientError) {
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_PATH_AS_IS, 1)
        // An empty name switches off what `http_proxy` would say.
        try set(CURLOPT_PROXY, "")
        // Signals belong to the process, not to a library's time-out.
        try set(CURLOPT_NOSIGNAL, 1)
        try set(
            CURLOPT_HTTP_VERSION,
            Int(request.version == .http10 ? CURL_HTTP_VERSION_1_0 : CURL_HTTP_VERSION_1_1))
        if let path = request.unixSocketPath { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
        if let timeout = request.timeout {
            let (seconds, attoseconds) = timeout.components
            try set(CURLOPT_TIMEOUT_MS, max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)))
        }
        if !request.reusesConnection {
            try set(CURLOPT_FRESH_CONNECT, 1)
            try set(CURLOPT_FORBID_REUSE, 1)
        }
    }

    private func setMethod(_ request: HTTPClientRequest) throws(HTTPClientError) {
        if let content = request.content {
            try set(CURLOPT_POST, 1)
            try check(laurel_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(content.count)))
            // Copied by libcurl, so that no pointer into the array is kept.
            try check(
                content.withUnsafeBytes { bytes in
                    let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                    return start.map { laurel_curl_set_text(handle, CURLOPT_COPYPOSTFIELDS, $0) }
                        ?? laurel_curl_set_text(handle, CURLOPT_COPYPOSTFIELDS, "")
                })
        } else if request.method == "HEAD" {
            try set(CURLOPT_NOBODY, 1)
        }
        try set(CURLOPT_CUSTOMREQUEST, request.method)
    }

    private func setFields(_ request: HTTPClientRequest) throws(HTTPClientError) {
        // To libcurl `Name:` removes its own field, and `Name;` sends an empty one.
        var lines = request.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        if !request.fields.contains(where: { $0.name.lowercased() == "content-type" }) { lines.append("Content-Type:") }
        for line in lines {
            guard let list = curl_slist_append(fieldList, line) else { throw HTTPClientError(CURLE_OUT_OF_MEMORY) }
            fieldList = list
        }
        try check(laurel_curl_set_list(handle, CURLOPT_HTTPHEADER, fieldList))
    }

    private func setCallbacks() throws(HTTPClientError) {
        // SAFETY: the loop holds the transfer until its handle has left the multi, and only a handle in it calls back.
        let this = Unmanaged.passUnretained(self).toOpaque()
        for option in [CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA] {
            try check(laurel_curl_set_pointer(handle, option, this))
        }
        try check(laurel_curl_set_pointer(handle, CURLOPT_ERRORBUFFER, errorText))
        try check(
            laurel_curl_set_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, _, count, this in
                guard let bytes, let this else { return 0 }
                let transfer = Unmanaged<Transfer>.fromOpaque(this).takeUnretainedValue()
                transfer.response.content.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: count))
                return count
            })
        try check(
            laurel_curl_set_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, _, count, this in
                guard let bytes, let this else { return 0 }
                let transfer = Unmanaged<Transfer>.fromOpaque(this).takeUnretainedValue()
                transfer.take(line: String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self))
                return count
            })
    }

    /// One line of the head, with its line end.
    private func take(line: String) {
        if line.hasPrefix("HTTP/") {
            // A new head begins: what came before belonged to an interim response.
            response.fields.removeAll()
        } else if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...]
            response.fields.append((String(line[..<colon]), Self.trimmed(value)))
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let kept = text.drop(while: \.isWhitespace)
        let end = kept.lastIndex { !$0.isWhitespace }.map(kept.index(after:)) ?? kept.startIndex
        return String(kept[..<end])
    }

    // MARK: libcurl's typed calls

    private func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
        try check(laurel_curl_set_long(handle, option, value))
    }

    private func set(_ option: CURLoption, _ text: String) throws(HTTPClientError) {
        try check(laurel_curl_set_text(handle, option, text))
    }

    private func check(_ code: CURLcode) throws(HTTPClientError) {
        guard code == CURLE_OK else { throw HTTPClientError(code) }
    }

    private func long(_ field: CURLINFO) -> Int {
        var value = 0
        laurel_curl_get_long(handle, field, &value)
        return value
    }

    private func microseconds(_ field: CURLINFO) -> Duration {
        var value: curl_off_t = 0
        laurel_curl_get_offset(handle, field, &value)
        return .microseconds(value)
    }
}

enum LibCurl {
    /// `curl_global_init` must run once, before any other thread uses libcurl; a lazy constant is just that.
    private static let initialized: CURLcode = curl_global_init(Int(CURL_GLOBAL_ALL))

    static func initializeOnce() {
        precondition(initialized == CURLE_OK, "libcurl cannot be initialized")
    }
}
