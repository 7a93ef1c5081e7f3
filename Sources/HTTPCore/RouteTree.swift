/// The patterns of a router as a tree: each edge is a segment. Nodes, edges and literals stand in flat arrays and refer to
/// each other by index, so that a walk touches no reference count.
struct RouteTree: Sendable {
    enum Walk {
        case end(resource: Int, RouteParameters)
        case emptySegment(parameter: String)
        case nothing
    }

    private struct Node {
        /// The first of the literals that may follow here, as an index into `edges`.
        var firstEdge: Int?
        /// The node behind the parameter that may follow here.
        var parameterNode: Int?
        /// Index into `parameterNames`.
        var parameterName = 0
        var resource: Int?
        var isScoped = false
    }

    private struct Edge {
        /// Where its bytes stand in `literals`.
        var literalStart: Int
        var literalBytes: Int
        var node: Int
        var nextEdge: Int?
    }

    private var nodes = [Node()]
    private var edges: [Edge] = []
    private var literals: [UInt8] = []
    private var parameterNames: [String] = []

    /// The resource at the end of that very pattern.
    func resource(at pattern: String) -> Int? {
        var node = 0
        for segment in Self.segments(of: pattern) {
            guard let next = child(of: node, for: segment) else { return nil }
            node = next
        }
        return nodes[node].resource
    }

    /// - Precondition: The pattern begins with `/` and has at most ``RouteParameters/countMax`` parameters; no other
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
        let end = path.withUnsafeBytes { walk($0, from: path.startIndex, &parameters) }
        switch end {
        case .node(let node):
            guard let resource = nodes[node].resource else { return .nothing }
            parameters.isScoped = nodes[node].isScoped
            return .end(resource: resource, parameters)
        case .emptySegment(let name): return .emptySegment(parameter: parameterNames[name])
        case .nothing: return .nothing
        }
    }

    private enum End {
        case node(Int)
        case emptySegment(name: Int)
        case nothing
    }

    /// - Parameter base: The index of the path's first byte in the array of which it is a slice.
    private func walk(_ path: UnsafeRawBufferPointer, from base: Int, _ parameters: inout RouteParameters) -> End {
        var node = 0
        var start = 1
        while true {
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
            if let next = nodes[node].parameterNode {
                guard start < end else { return .emptySegment(name: nodes[node].parameterName) }
                parameters.append(base + start..<base + end)
                node = next
            } else {
                guard let next = literal(UnsafeRawBufferPointer(rebasing: path[start..<end]), after: node) else {
                    return .nothing
                }
                node = next
            }
            guard end < path.count else { return .node(node) }
            start = end + 1
        }
    }

    private func literal(_ segment: UnsafeRawBufferPointer, after node: Int) -> Int? {
        var next = nodes[node].firstEdge
        while let index = next {
            let edge = edges[index]
            if edge.literalBytes == segment.count, isLiteral(segment, at: edge.literalStart) { return edge.node }
            next = edge.nextEdge
        }
        return nil
    }

    private func isLiteral(_ segment: UnsafeRawBufferPointer, at start: Int) -> Bool {
        for position in 0..<segment.count where literals[start + position] != segment[position] { return false }
        return true
    }

    private func child(of node: Int, for segment: Substring.UTF8View) -> Int? {
        if Self.parameterName(segment) != nil { return nodes[node].parameterNode }
        return Array(segment).withUnsafeBytes { literal($0, after: node) }
    }

    private mutating func addChild(of node: Int, for segment: Substring.UTF8View) -> Int {
        let child = nodes.count
        nodes.append(Node())
        if let name = Self.parameterName(segment) {
            nodes[node].parameterNode = child
            nodes[node].parameterName = parameterNames.count
            parameterNames.append(name)
        } else {
            edges.append(
                Edge(
                    literalStart: literals.count, literalBytes: segment.count, node: child,
                    nextEdge: nodes[node].firstEdge))
            nodes[node].firstEdge = edges.count - 1
            literals.append(contentsOf: segment)
        }
        precondition(
            nodes[node].parameterNode == nil || nodes[node].firstEdge == nil, "a literal beside a parameter")
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
