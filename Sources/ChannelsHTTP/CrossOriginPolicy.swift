import HTTPCore

/// Which pages of browsers may call (`--cors-origin`), and the fields of CORS on answers to them.
///
/// A page of any origin can make a browser send requests, also to localhost; what it cannot do is forge `Origin`. So one
/// that is neither the server's own host nor listed is refused before anything happens. Some requests bear no `Origin`, that
/// of an `<img>` for one; browsers tell of these by `Sec-Fetch-Site` from where they come (Fetch Metadata §2.3).
struct CrossOriginPolicy: Sendable {
    private let allowsAll: Bool
    private let origins: Set<String>

    init(origins: [String]) {
        allowsAll = origins.contains("*")
        self.origins = Set(origins)
    }

    /// What a request's `Origin` comes to.
    enum Verdict: Sendable, Equatable {
        /// No `Origin`, or the server's own.
        case own
        /// A listed one; answers name it.
        case listed(String)
        case refused
    }

    func judge(_ head: RequestHead) -> Verdict {
        guard head.value(of: .origin) != nil, let origin = head[.origin] else {
            return allowsAll || !comesFromStrangePage(head) ? .own : .refused
        }
        if isOwnHost(origin, of: head) { return .own }
        return allowsAll || origins.contains(origin) ? .listed(origin) : .refused
    }

    /// Adds what browsers need to let the page read the answer, whatever its status (Fetch §3.3).
    func finish(_ response: consuming HTTPResponse, for verdict: Verdict) -> HTTPResponse {
        if verdict == .own, origins.isEmpty { return response }
        if case .listed(let origin) = verdict {
            response.fields.append(("Access-Control-Allow-Origin", origin))
            response.fields.append(("Access-Control-Expose-Headers", Self.exposedFields))
        }
        // Where origins are listed, a cache must keep the answers apart (RFC 9110 §12.5.5).
        response.fields.append(("Vary", "Origin"))
        return response
    }

    /// True for what `finish` adds.
    static func isOwnField(_ field: (name: String, value: String)) -> Bool {
        field.name == "Vary" || field.name.hasPrefix("Access-Control-")
    }

    /// The answer to OPTIONS; to a preflight (Fetch §3.3.2) of a listed origin with what it may send.
    func optionsResponse(_ head: RequestHead, verdict: Verdict, allow: String) -> HTTPResponse {
        var response = HTTPResponse(status: 204, fields: [("Allow", allow), ("Cache-Control", "no-store")])
        if case .listed = verdict, head.value(of: .accessControlRequestMethod) != nil {
            response.fields.append(("Access-Control-Allow-Methods", allow))
            response.fields.append(("Access-Control-Allow-Headers", Self.allowedFields))
            // In the browser's own cache of preflights; two hours is as long as any of them keeps one.
            response.fields.append(("Access-Control-Max-Age", "7200"))
        }
        return response
    }

    static let refusal = Problem(
        .originNotAllowed, "Pages of this origin may not call. List it by --cors-origin to let them.")

    private static let exposedFields =
        "Accept-Encoding, Allow, Date, Laurel-Channel, Laurel-Group, Laurel-Id, Location, Preference-Applied, "
        + "Retry-After, Server, WWW-Authenticate, X-Request-Id"

    private static let allowedFields = "Accept, Authorization, Cache-Control, Content-Type, Prefer, X-Request-Id"

    /// `same-site` is another port of this host, as strange as any; `none` is a person who typed the address.
    private func comesFromStrangePage(_ head: RequestHead) -> Bool {
        guard let site = head.value(of: .secFetchSite) else { return false }
        return site.elementsEqual("cross-site".utf8) || site.elementsEqual("same-site".utf8)
    }

    /// The scheme is left out of it: behind a proxy that speaks TLS, the page's is https and ours http.
    private func isOwnHost(_ origin: String, of head: RequestHead) -> Bool {
        guard let authority = head.authority, let colon = origin.firstRange(of: "://") else { return false }
        let scheme = origin[..<colon.lowerBound].lowercased()
        let defaultPort = scheme == "https" ? ":443" : ":80"
        func host(_ text: String) -> String {
            text.hasSuffix(defaultPort) ? String(text.dropLast(defaultPort.count)) : text
        }
        return host(origin[colon.upperBound...].lowercased())
            == host(String(decoding: authority, as: UTF8.self).lowercased())
    }
}
