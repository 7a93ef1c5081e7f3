extension Duration {
    /// Reads seconds as the API writes them: digits with an optional fraction, at most 1,000,000,000. No sign, no exponent.
    ///
    /// Digits beyond a nanosecond are cut off. Nil for anything else.
    public init?(secondsText text: some Sequence<UInt8>) {
        var whole: Int64 = 0
        var nanoseconds: Int64 = 0
        var digitWorth: Int64 = 0  // nanoseconds of the next digit after the point; 0 before it
        var sawPoint = false
        var digitsSinceStartOrPoint = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = Int64(byte - UInt8(ascii: "0"))
                digitsSinceStartOrPoint += 1
                if sawPoint {
                    nanoseconds += digit * digitWorth
                    digitWorth /= 10
                } else {
                    whole = whole * 10 + digit
                    guard whole <= 1_000_000_000 else { return nil }
                }
            case UInt8(ascii: ".") where !sawPoint && digitsSinceStartOrPoint > 0:
                sawPoint = true
                digitWorth = 100_000_000
                digitsSinceStartOrPoint = 0
            default:
                return nil
            }
        }
        guard digitsSinceStartOrPoint > 0, whole < 1_000_000_000 || nanoseconds == 0 else { return nil }
        self = .seconds(whole) + .nanoseconds(nanoseconds)
    }
}
