import Glibc
import Testing

@testable import HTTPCore

@Suite("A date is written as HTTP has it")
struct HTTPDateTests {
    @Test(
        "Known moments",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (2_147_483_648, "Tue, 19 Jan 2038 03:14:08 GMT"),
            (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"), (Int.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (-1, "Thu, 01 Jan 1970 00:00:00 GMT"), (Int.min, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ])
    func known(seconds: Int, text: String) {
        #expect(String(decoding: HTTPDate.bytes(secondsSince1970: seconds), as: UTF8.self) == text)
    }

    @Test("Every day of 500 years is the one that the C library says")
    func everyDay() {
        for day in 0..<(500 * 366) {
            let seconds = day * 86_400 + day % 86_400
            var (moment, date) = (time_t(seconds), tm())
            gmtime_r(&moment, &date)
            var expected = [CChar](repeating: 0, count: 30)
            strftime(&expected, 30, "%a, %d %b %Y %H:%M:%S GMT", &date)
            guard HTTPDate.bytes(secondsSince1970: seconds) == expected.prefix(29).map(UInt8.init(bitPattern:)) else {
                Issue.record("day \(day)")
                return
            }
        }
    }
}
