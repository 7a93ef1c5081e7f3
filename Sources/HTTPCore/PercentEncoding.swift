/// Percent-encoding (RFC 3986 §2.1). Decoding is strict: a `%` without two hexadecimal digits is nil.
package enum PercentEncoding {
    /// A path segment decoded. Bytes that are not UTF-8 become U+FFFD, which is in no name.
    package static func decodeSegment(_ bytes: ArraySlice<UInt8>) -> String? {
        decode(bytes, plusIsSpace: false)
    }

    /// The name or the value of a form's parameter decoded: percent-encoding, and `+` is a space.
    package static func decodeFormComponent(_ bytes: ArraySlice<UInt8>) -> String? {
        decode(bytes, plusIsSpace: true)
    }

    /// Everything but RFC 3986's unreserved characters encoded: fit for a path segment, a query, a field value.
    package static func encode(_ text: String) -> String {
        let digits: StaticString = "0123456789ABCDEF"
        var text = text
        return text.withUTF8 { bytes in
            let encodedBytes = bytes.reduce(0) { $0 + (ASCII.unreserved.contains($1) ? 1 : 3) }
            return String(unsafeUninitializedCapacity: encodedBytes) { encoded in
                var end = 0
                for byte in bytes {
                    if ASCII.unreserved.contains(byte) {
                        encoded[end] = byte
                        end += 1
                    } else {
                        encoded[end] = UInt8(ascii: "%")
                        encoded[end + 1] = digits.utf8Start[Int(byte >> 4)]
                        encoded[end + 2] = digits.utf8Start[Int(byte & 15)]
                        end += 3
                    }
                }
                return end
            }
        }
    }

    private static func decode(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
        bytes.withUnsafeBufferPointer { bytes in
            var isMalformed = false
            // Written straight into the string: a name of up to 15 bytes needs no allocation.
            let text = String(unsafeUninitializedCapacity: bytes.count) { decoded in
                var (position, end) = (0, 0)
                while position < bytes.count {
                    var byte = bytes[position]
                    position += 1
                    if byte == UInt8(ascii: "%") {
                        guard position + 1 < bytes.count, let high = ASCII.hexValue(bytes[position]),
                            let low = ASCII.hexValue(bytes[position + 1])
                        else {
                            isMalformed = true
                            return 0
                        }
                        byte = high << 4 | low
                        position += 2
                    } else if plusIsSpace, byte == UInt8(ascii: "+") {
                        byte = ASCII.space
                    }
                    decoded[end] = byte
                    end += 1
                }
                return end
            }
            return isMalformed ? nil : text
        }
    }
}
