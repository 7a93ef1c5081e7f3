extension Int {
    /// Reads digits and nothing else: `Int.init` would take a sign. Nil for anything else, and beyond the range.
    package init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        self.init(text)
    }

    /// Reads a number of bytes, plain or in `KiB`, `MiB`, `GiB`: `67108864`, `64MiB`. Nil for anything else.
    package init?(bytesText text: String) {
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)]
        let (suffix, factor) = units.first { text.hasSuffix($0.0) } ?? ("", 1)
        guard let count = Int(digits: text.dropLast(suffix.count)) else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self = bytes
    }
}
