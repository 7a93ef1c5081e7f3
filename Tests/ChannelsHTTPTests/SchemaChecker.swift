/// Checks documents against the part of JSON Schema that `openapi.yaml` uses.
struct SchemaChecker {
    /// The document that `$ref`s point into.
    let root: Tree

    /// What is wrong with `value`, by path; empty where it conforms.
    func violations(of schema: Tree, in value: Tree, at path: String = "$") -> [String] {
        var schema = schema
        while let reference = schema["$ref"]?.string { schema = resolve(reference) }
        var found: [String] = []
        if let type = schema["type"] {
            let allowed = type.array?.compactMap(\.string) ?? [type.string ?? "?"]
            if !allowed.contains(where: { matches($0, value) }) { found.append("\(path): is not \(allowed)") }
        }
        if let constant = schema["const"], constant != value { found.append("\(path): is not \(constant)") }
        if let allowed = schema["enum"]?.array, !allowed.contains(value) {
            found.append("\(path): is none of \(allowed)")
        }
        if let alternatives = (schema["oneOf"] ?? schema["anyOf"])?.array {
            let each = alternatives.map { violations(of: $0, in: value, at: path) }
            let fitting = each.count(where: \.isEmpty)
            if fitting == 0 { found.append("\(path): fits no alternative: \(each)") }
            if schema["oneOf"] != nil, fitting > 1 { found.append("\(path): fits \(fitting) alternatives") }
        }
        if let excluded = schema["not"], violations(of: excluded, in: value, at: path).isEmpty {
            found.append("\(path): fits what it must not")
        }
        for keyword in schema.object?.keys.sorted() ?? [] where !Self.keywords.contains(keyword) {
            found.append("\(path): this checker does not know \(keyword)")
        }
        return found + inner(schema, value, path) + bounds(schema, value, path)
    }

    /// What is checked, and what only tells.
    private static let keywords: Set = [
        "type", "const", "enum", "oneOf", "anyOf", "not", "required", "properties", "additionalProperties", "items",
        "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern",
        "title", "description", "examples", "default",
    ]

    func resolve(_ reference: String) -> Tree {
        reference.dropFirst(2).split(separator: "/").reduce(root) { tree, key in
            guard let next = tree[String(key)] else { preconditionFailure("\(reference) points nowhere") }
            return next
        }
    }

    private func inner(_ schema: Tree, _ value: Tree, _ path: String) -> [String] {
        var found: [String] = []
        if let members = value.object {
            for name in schema["required"]?.array?.compactMap(\.string) ?? [] where members[name] == nil {
                found.append("\(path): has no \(name)")
            }
            for (name, member) in members {
                if let known = schema["properties"]?[name] {
                    found += violations(of: known, in: member, at: "\(path).\(name)")
                } else if schema["additionalProperties"] == .bool(false) {
                    found.append("\(path): has an undeclared \(name)")
                }
            }
        }
        if let elements = value.array, let items = schema["items"] {
            for (position, element) in elements.enumerated() {
                found += violations(of: items, in: element, at: "\(path)[\(position)]")
            }
        }
        return found
    }

    private func bounds(_ schema: Tree, _ value: Tree, _ path: String) -> [String] {
        var found: [String] = []
        func check(_ measure: Double?, _ least: String, _ most: String) {
            guard let measure else { return }
            if let limit = schema[least]?.number, measure < limit { found.append("\(path): under \(least)") }
            if let limit = schema[most]?.number, measure > limit { found.append("\(path): over \(most)") }
        }
        check(value.number, "minimum", "maximum")
        check(value.string.map { Double($0.unicodeScalars.count) }, "minLength", "maxLength")
        check(value.array.map { Double($0.count) }, "minItems", "maxItems")
        if let pattern = schema["pattern"]?.string, let text = value.string {
            if (try? Regex(pattern).firstMatch(in: text)) == nil { found.append("\(path): does not match \(pattern)") }
        }
        return found
    }

    private func matches(_ type: String, _ value: Tree) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("integer", .integer), ("number", .integer), ("number", .number),
            ("string", .string), ("array", .array), ("object", .object):
            true
        default: false
        }
    }
}
