import Foundation

/// `openapi.yaml`, as the tests hold the server to it.
struct Contract: Sendable {
    static let shared = Contract()

    let root: Tree
    let text: String

    private init() {
        let file = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("openapi.yaml")
        do {
            text = try String(contentsOf: file, encoding: .utf8)
            root = try Tree(yaml: text)
        } catch {
            preconditionFailure("openapi.yaml cannot be read: \(error)")
        }
    }

    var paths: [String: Tree] { root["paths"]?.object ?? [:] }

    /// All operations as `POST /channels/{channel}`.
    var operations: [String: Tree] {
        var all: [String: Tree] = [:]
        for (path, item) in paths {
            for (method, operation) in item.object ?? [:] where method != "parameters" {
                all["\(method.uppercased()) \(path)"] = operation
            }
        }
        return all
    }

    /// What an answer has that the contract does not declare; empty where it keeps to it.
    ///
    /// - Parameter checksContent: false for content that JSON decoders but ours may refuse, as lone surrogates.
    func violations(method: String, path: String, answer: Answer, checksContent: Bool = true) -> [String] {
        guard method != "OPTIONS" else { return answer["Allow"] == nil && answer.status == 204 ? ["no Allow"] : [] }
        let template = template(of: path)
        let item = template.flatMap { paths[$0] }
        let operation = item?[method == "HEAD" ? "get" : method.lowercased()]
        let fallback: Tree? = answer.status >= 400 ? .string("ClientError") : nil
        let declared =
            operation?["responses"]?["\(answer.status)"] ?? operation?["responses"]?["\(answer.status / 100)XX"]
            ?? fallback.flatMap { root["components"]?["responses"]?[$0.string ?? ""] }
        guard var response = declared else {
            return ["\(method) \(template ?? path): \(answer.status) is not declared"]
        }
        let checker = SchemaChecker(root: root)
        if let reference = response["$ref"]?.string { response = checker.resolve(reference) }
        var found = undeclaredFields(of: answer, in: response)
        let isEmpty = method == "HEAD" || answer.body.isEmpty
        guard let type = answer["Content-Type"], !(isEmpty && method == "HEAD") else {
            return found + (isEmpty ? [] : ["a content without Content-Type"])
        }
        guard let content = response["content"], let media = content[type] ?? content["*/*"] else {
            return found + ["\(type) is not declared for \(answer.status)"]
        }
        guard checksContent, type.hasSuffix("json"), content[type] != nil, let schema = media["schema"] else {
            return found
        }
        guard !(type == "application/json" && answer["Laurel-Id"] != nil) else { return found }
        do {
            found += checker.violations(of: schema, in: try Tree(json: answer.body))
        } catch {
            found.append("no JSON: \(error)")
        }
        return found.map { "\(method) \(template ?? path) \(answer.status): \($0)" }
    }

    private func undeclaredFields(of answer: Answer, in response: Tree) -> [String] {
        // Fields of HTTP itself, and those of CORS, which stand on any answer.
        let general: Set = ["content-type", "vary"]
        return answer.fields.map { $0.name.lowercased() }.filter { name in
            !general.contains(name) && !name.hasPrefix("access-control-")
                && !(response["headers"]?.object?.keys.contains { $0.lowercased() == name } ?? false)
        }.map { "the field \($0) is not declared" }
    }

    /// The path template that `path` fits; literal segments before parameters.
    private func template(of path: String) -> String? {
        let segments = path.split(separator: "/", omittingEmptySubsequences: false)
        return paths.keys.filter { template in
            let parts = template.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == segments.count
                && zip(parts, segments).allSatisfy { $0 == $1 || ($0.hasPrefix("{") && !$1.isEmpty) }
        }.min { $0.count(where: { $0 == "{" }) < $1.count(where: { $0 == "{" }) }
    }
}
