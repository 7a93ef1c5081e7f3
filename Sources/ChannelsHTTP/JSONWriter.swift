import Channels
import HTTPCore

/// Writes JSON into an array of bytes: members and elements in the order of the calls, commas by itself.
///
/// The caller keeps objects and arrays balanced.
struct JSONWriter {
    private(set) var bytes: [UInt8] = []
    private var needsComma = false

    init(byteCountExpected: Int = 128) {
        bytes.reserveCapacity(byteCountExpected)
    }

    /// Takes out what was written so far; what follows continues it.
    mutating func takeBytes() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    // MARK: Structure

    mutating func object(_ writeMembers: (inout JSONWriter) -> Void) {
        beginObject()
        writeMembers(&self)
        endObject()
    }

    mutating func array<Element>(of elements: [Element], _ writeElement: (inout JSONWriter, Element) -> Void) {
        beginArray()
        for element in elements { writeElement(&self, element) }
        endArray()
    }

    mutating func beginObject() { open(UInt8(ascii: "{")) }
    mutating func endObject() { close(UInt8(ascii: "}")) }
    mutating func beginArray() { open(UInt8(ascii: "[")) }
    mutating func endArray() { close(UInt8(ascii: "]")) }

    /// The name of a member; its value is written next. `name` needs no escapes.
    mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        append(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values

    mutating func string(_ text: String) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { characters in
            // Names and ids rarely hold anything to escape.
            if characters.allSatisfy({ JSONEscapes.escape(of: $0) == nil }) {
                bytes.append(contentsOf: characters)
                return
            }
            for byte in characters {
                if let escape = JSONEscapes.escape(of: byte) { append(escape) } else { bytes.append(byte) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func id(_ id: MessageID) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        id.append(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func integer(_ value: Int) {
        separate()
        appendDigits(of: value)
    }

    mutating func integer(_ value: Int?) {
        if let value { integer(value) } else { null() }
    }

    /// Seconds with up to six decimals, as many as it takes: `12`, `0.25`. Negative durations are written as 0.
    mutating func seconds(_ duration: Duration) {
        separate()
        let (seconds, attoseconds) = max(duration, .zero).components
        appendDigits(of: Int(seconds))
        var microseconds = Int(attoseconds / 1_000_000_000_000)
        guard microseconds > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        var worth = 100_000
        while microseconds > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(microseconds / worth))
            microseconds %= worth
            worth /= 10
        }
    }

    mutating func seconds(_ duration: Duration?) {
        if let duration { seconds(duration) } else { null() }
    }

    mutating func null() {
        separate()
        append("null")
    }

    /// A value that is JSON already, in place.
    mutating func json(_ text: [UInt8]) {
        separate()
        bytes.append(contentsOf: text)
    }

    // MARK: Values written by other means

    /// Begins a value of which `opening` is written here and the rest elsewhere.
    mutating func beginValue(_ opening: StaticString = "") {
        separate()
        append(opening)
    }

    /// Lets `write` append bytes of the value that was begun.
    mutating func append(_ write: (inout [UInt8]) -> Void) {
        write(&bytes)
    }

    mutating func endValue(_ closing: StaticString) {
        append(closing)
    }

    /// Appends members in one go: as names and values one by one, but with one check of the room for all of them.
    ///
    /// - Parameter bytesMax: At least as many bytes as `write` writes, commas included.
    mutating func members(bytesMax: Int, _ write: (inout TextWriter) -> Void) {
        separate()
        bytes.append(addingCapacity: bytesMax) { span in
            span.withUnsafeMutableBufferPointer { room, count in
                // SAFETY: the span's room behind `count` is ours to initialize; `count` then says how much was.
                var text = TextWriter(UnsafeMutableBufferPointer(rebasing: room[count...]))
                write(&text)
                count += text.count
            }
        }
    }

    // MARK: Bytes

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func append(_ text: StaticString) {
        // SAFETY: a StaticString of more than one scalar is a pointer to constant memory of just that many bytes; the
        // empty one is, too.
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func appendDigits(of value: Int) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        bytes[start...].reverse()
    }
}
