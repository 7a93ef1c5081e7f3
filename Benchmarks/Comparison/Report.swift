import Foundation

/// The table, as text that reads well in a terminal and in Markdown.
struct Report {
    private(set) var text: String

    init(rounds: Int, versions: String) {
        text = """
            # Measured side by side

            \(versions). \(rounds) rounds, each server in turn in each of them; medians. Processor time is the server's own, user \
            and system; a ratio is Laurel's, or the first line's, to that line's, the median over the rounds: of processor time \
            and latencies below 1, of the rate above 1 where Laurel does better.

            """
    }

    mutating func add(_ row: Row, _ results: [CaseResult]) {
        var lines = ["", "## \(row.title)", ""]
        if !row.goal.isEmpty { lines += ["Goal: \(row.goal)", ""] }
        if !row.remark.isEmpty { lines += [row.remark, ""] }
        lines += [
            "| | per second | µs a \(row.unit) (user) | p50 | p99 | ratio: processor, p50, p99, rate | |",
            "|---|---|---|---|---|---|---|",
        ]
        for result in results {
            let ratios = [result.processorRatio, result.p50Ratio, result.p99Ratio, result.rateRatio].map { ratio in
                ratio.flatMap { $0.isFinite ? Self.decimal($0, places: 2) : nil } ?? "–"
            }
            let whole = result.wholeMicroseconds.map { "\(Self.decimal($0, places: 2)) µs with its Redis" } ?? ""
            let notes = [whole, result.note].filter { !$0.isEmpty }
            let cells = [
                result.name, result.operationsPerSecond.map { Self.decimal($0, places: 0) } ?? "–",
                "\(Self.decimal(result.userMicroseconds + result.systemMicroseconds, places: 2)) "
                    + "(\(Self.decimal(result.userMicroseconds, places: 2)))",
                Self.text(result.p50), Self.text(result.p99), ratios.joined(separator: ", "),
                notes.joined(separator: "; "),
            ]
            lines.append("| " + cells.joined(separator: " | ") + " |")
        }
        let block = lines.joined(separator: "\n") + "\n"
        show(block)
    }

    mutating func add(_ row: Row, failure: any Error) {
        show("\n## \(row.title)\n\nVoid: \(failure)\n")
    }

    private mutating func show(_ block: String) {
        text += block
        // At once, also where the output goes into a file: it takes a quarter of an hour.
        FileHandle.standardOutput.write(Data(block.utf8))
    }

    private static func text(_ duration: Duration?) -> String {
        guard let duration else { return "–" }
        let microseconds = duration / .microseconds(1)
        return microseconds < 10_000
            ? "\(decimal(microseconds, places: 0)) µs" : "\(decimal(microseconds / 1000, places: 1)) ms"
    }

    private static func decimal(_ value: Double, places: Int) -> String { String(format: "%.\(places)f", value) }
}
