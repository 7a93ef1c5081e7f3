/// The patterns of a router as a tree: each edge is a segment. Names, edges and nodes refer to each other by index.
struct RouteTree: Sendable {
    enum Walk {
        case end(resource: Int, RouteParameters)
        case emptySegment(parameter: String)
        case nothing
    }

    private struct Node {
        var edges: [Edge] = []
        /// The node behind the parameter that may follow here, and the parameter's name.
        var parameter: (name: String, node: Int)?
        var resource: Int?
        var isScoped = false
    }

    private struct Edge {
        var literal: [UInt8]
        var node: Int
    }

    private var nodes = [Node()]

    /// The resource at the end of that very pattern.
    func resource(at pattern: String) -> Int? {
        var node = 0
        for segment in Self.segments(of: pattern) {
            guard let next = child(of: node, for: segment) else { return nil }
            node = next
        }
        return nodes[node].resource
    }

    /// - Precondition: The pattern begins with `/` and names at most ``RouteParameters/countMax`` parameters; no other
    ///   pattern has a literal where it has a parameter, or the other way round.
    mutating func insert(_ pattern: String, resource: Int, isScoped: Bool) {
        var node = 0
        var parameterCount = 0
        for segment in Self.segments(of: pattern) {
            if Self.parameterName(segment) != nil { parameterCount += 1 }
            node = child(of: node, for: segment) ?? addChild(of: node, for: segment)
        }
        precondition(parameterCount <= RouteParameters.countMax, "too many parameters in \(pattern)")
        nodes[node].resource = resource
        nodes[node].isScoped = isScoped
    }

    /// - Parameter path: It begins with `/`.
    func walk(_ path: ArraySlice<UInt8>) -> Walk {
        var parameters = RouteParameters(path: path)
        var node = 0
        var start = path.startIndex + 1
        while true {
            let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.endIndex
            if let parameter = nodes[node].parameter {
                guard start < end else { return .emptySegment(parameter: parameter.name) }
                parameters.append(start..<end)
                node = parameter.node
            } else {
                guard let edge = nodes[node].edges.first(where: { $0.literal.elementsEqual(path[start..<end]) }) else {
                    return .nothing
                }
                node = edge.node
            }
            guard end < path.endIndex else { break }
            start = end + 1
        }
        guard let resource = nodes[node].resource else { return .nothing }
        parameters.isScoped = nodes[node].isScoped
        return .end(resource: resource, parameters)
    }

    private func child(of node: Int, for segment: Substring.UTF8View) -> Int? {
        if Self.parameterName(segment) != nil { return nodes[node].parameter?.node }
        return nodes[node].edges.first { $0.literal.elementsEqual(segment) }?.node
    }

    private mutating func addChild(of node: Int, for segment: Substring.UTF8View) -> Int {
        nodes.append(Node())
        let child = nodes.count - 1
        if let name = Self.parameterName(segment) {
            nodes[node].parameter = (name, child)
        } else {
            nodes[node].edges.append(Edge(literal: Array(segment), node: child))
        }
        precondition(nodes[node].parameter == nil || nodes[node].edges.isEmpty, "a literal beside a parameter")
        return child
    }

    private static func segments(of pattern: String) -> [Substring.UTF8View] {
        precondition(pattern.utf8.first == UInt8(ascii: "/"), "a pattern begins with a slash")
        return pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(\.utf8)
    }

    private static func parameterName(_ segment: Substring.UTF8View) -> String? {
        guard segment.first == UInt8(ascii: "{"), segment.last == UInt8(ascii: "}") else { return nil }
        return String(segment.dropFirst().dropLast())
    }
}
