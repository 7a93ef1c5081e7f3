@testable import ChannelsRedis

extension ShardLibrary {
    /// The same on a clock that stands in a key: ``ShardKeys/time``.
    static let onClockInKey = current.replacing(
        "local time = call('TIME')", with: "local time = {0, call('GET', string.sub(rows, 1, -5) .. 'time')}")

    /// The same, and hardly gets anywhere in one call. It takes no message for a small one.
    static let shortOfSlice = onClockInKey.replacing("SLICE_ROWS = 250", with: "SLICE_ROWS = 3")
        .replacing("SMALL_BYTES = 1024", with: "SMALL_BYTES = 0")

    /// The same, and fails in the midst of a send to `broken`, and of a receive from it.
    static let failing = onClockInKey.replacing(
        "    prepare(queue)\n    settle(queue, capacity)\n",
        with: "    if channel == 'broken' then error('broken') end\n    prepare(queue)\n    settle(queue, capacity)\n"
    ).replacing(
        "    local heads = {}\n",
        with: "    local heads = {}\n    if args[first + 4] == 'broken' then error('broken') end\n")

    private func replacing(_ text: String, with other: String) -> ShardLibrary {
        let lua = String(decoding: source, as: UTF8.self)
        precondition(lua.contains(text))
        return ShardLibrary(source: Array(lua.replacing(text, with: other).utf8))
    }
}
