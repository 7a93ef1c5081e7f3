/// Finds what somebody meant who mistyped a name.
enum NearestName {
    /// The candidate with the fewest edits from `name`; of equally near ones the first.
    static func of(_ name: String, among candidates: [String]) -> String? {
        candidates.map { (candidate: $0, edits: edits(from: name, to: $0)) }.min { $0.edits < $1.edits }?.candidate
    }

    /// The Levenshtein distance: insertions, deletions and replacements of one byte. O(left × right).
    private static func edits(from left: String, to right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (index, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
