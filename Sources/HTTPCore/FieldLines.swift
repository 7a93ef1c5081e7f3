/// Field lines that many answers share: checked and put together once, then copied as they are.
package final class FieldLines: Sendable {
    package let fields: [(name: String, value: String)]
    /// Each with the end of the line before it.
    let bytes: [UInt8]

    /// Values are ASCII without control characters, or these become spaces; a name that is not a token traps.
    package init(_ fields: [(name: String, value: String)]) {
        self.fields = fields
        let bytesMax = fields.reduce(0) { $0 + TextWriter.bytesOfLine($1) }
        bytes = [UInt8](unsafeUninitializedCapacity: bytesMax) { room, count in
            var text = TextWriter(room)
            for field in fields { text.writeLine(field) }
            count = text.count
        }
    }
}

extension TextWriter {
    /// A field line, with the end of the line before it.
    mutating func writeLine(_ field: (name: String, value: String)) {
        write("\r\n")
        writeFieldName(field.name)
        write(": ")
        writeFieldValue(field.value)
    }

    static func bytesOfLine(_ field: (name: String, value: String)) -> Int {
        field.name.utf8.count + field.value.utf8.count + 4
    }
}
