import Foundation
import Yams

/// A document without its syntax: YAML and JSON alike.
enum Tree: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case array([Tree])
    case object([String: Tree])

    /// - Throws: Where `json` is no JSON, to a decoder that is not ours.
    init(json: [UInt8]) throws {
        self = try JSONDecoder().decode(Tree.self, from: Data(json))
    }

    init(yaml: String) throws {
        self.init(any: try Yams.load(yaml: yaml) ?? NSNull())
    }

    private init(any value: Any) {
        switch value {
        case let value as Bool: self = .bool(value)
        case let value as Int: self = .integer(value)
        case let value as Double: self = .number(value)
        case let value as String: self = .string(value)
        case let value as [Any]: self = .array(value.map(Tree.init(any:)))
        case let value as [String: Any]: self = .object(value.mapValues(Tree.init(any:)))
        default: self = .null
        }
    }

    subscript(key: String) -> Tree? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    subscript(position: Int) -> Tree? {
        if case .array(let elements) = self, elements.indices.contains(position) { elements[position] } else { nil }
    }

    var string: String? { if case .string(let text) = self { text } else { nil } }
    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var array: [Tree]? { if case .array(let elements) = self { elements } else { nil } }
    var object: [String: Tree]? { if case .object(let members) = self { members } else { nil } }
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }
}

extension Tree: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([Tree].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: Tree].self))
        }
    }
}

extension Tree: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    init(stringLiteral value: String) { self = .string(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(arrayLiteral elements: Tree...) { self = .array(elements) }
}
