import Foundation

/// Lines in columns: the first to the left, numbers to the right.
struct Table {
    private var lines: [[String]]

    init(header: [String]) {
        lines = [header]
    }

    mutating func add(_ line: [String]) {
        precondition(line.count == lines[0].count)
        lines.append(line)
    }

    var text: String {
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max()! }
        return lines.map { line in
            line.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    static func decimal(_ value: Double, places: Int) -> String { String(format: "%.\(places)f", value) }
}
