/// Tells whether a content is one JSON text: what a send checks before a message is stored as it came.
package enum JSONValidator {
    /// Nil for a JSON text. Otherwise the offset of the first byte with which no JSON text can go on; the number of bytes
    /// where the text breaks off.
    ///
    /// RFC 8259, UTF-8 without BOM, up to 512 levels deep, white space around it allowed. One pass, O(n), no allocation.
    package static func firstError(in content: [UInt8]) -> Int? {
        content.withUnsafeBytes { bytes in
            var scanner = JSONScanner(bytes)
            scanner.skipWhiteSpace()
            guard scanner.skipValue() else { return scanner.position }
            scanner.skipWhiteSpace()
            return scanner.position == bytes.count ? nil : scanner.position
        }
    }
}
