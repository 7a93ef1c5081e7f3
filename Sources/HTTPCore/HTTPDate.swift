/// A moment as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate, RFC 9110 §5.6.7).
package enum HTTPDate {
    private static let byteCount = 29
    private static let weekdays: [StaticString] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The 29 bytes for that many seconds since 1970-01-01T00:00:00Z. What lies before 1970 is written as its first second,
    /// what lies after the year 9999 as its last.
    package static func bytes(secondsSince1970: Int) -> [UInt8] {
        let lastSecond = 253_402_300_799
        let seconds = min(max(secondsSince1970, 0), lastSecond)
        let (day, secondOfDay) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let date = civilDate(daysSince1970: day)

        return [UInt8](unsafeUninitializedCapacity: byteCount) { room, count in
            var text = TextWriter(room)
            text.write(weekdays[day % 7])
            text.write(", ")
            text.writeDecimal(date.day, digits: 2)
            text.write(" ")
            text.write(months[date.month - 1])
            text.write(" ")
            text.writeDecimal(date.year, digits: 4)
            text.write(" ")
            text.writeDecimal(secondOfDay / 3600, digits: 2)
            text.write(":")
            text.writeDecimal(secondOfDay / 60 % 60, digits: 2)
            text.write(":")
            text.writeDecimal(secondOfDay % 60, digits: 2)
            text.write(" GMT")
            count = text.count
        }
    }

    /// The Gregorian date of a day.
    ///
    /// Years are counted from 1 March of the year 0: then the leap day is a year's last, and 400 years always have 146,097
    /// days.
    private static func civilDate(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
        let daysFromYear0 = daysSince1970 + 719_468
        let (era, dayOfEra) = daysFromYear0.quotientAndRemainder(dividingBy: 146_097)
        // Taking the leap days out (each 1,460th day is one, but for each 36,524th, but for the 146,096th) leaves years of
        // 365 days.
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // From March on, months have 153 days in each five.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
    }
}
