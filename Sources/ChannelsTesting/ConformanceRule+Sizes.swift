import Channels

extension ConformanceRule {
    static let sizes = [fiveMegabytes, sixteenMebibytes, anyBytes]

    static let fiveMegabytes = ConformanceRule(
        "sizes.5-megabytes", "A message of 5,000,000 bytes is delivered bit for bit", [.specification(9)]
    ) { trial in
        let content = distinctBytes(5_000_000)
        try await trial.send(Message(content: content, contentType: "image/png", isJSON: false), to: "a")
        try requireSame(try await trial.take("a"), content)
    }

    static let sixteenMebibytes = ConformanceRule(
        "sizes.16-mebibytes", "A message of 16 MiB, as many as clients may send by default, is delivered bit for bit",
        [.specification(9), .semantics(.bounded)]
    ) { trial in
        let content = distinctBytes(16 << 20)
        do {
            try await trial.send(Message(content: content, contentType: "image/png", isJSON: false), to: "a")
        } catch let error as ChannelError where error.code == .messageTooLarge {
            throw Absence(reason: "the backend takes no message of 16 MiB: \(error.message)")
        }
        try requireSame(try await trial.take("a"), content)
    }

    static let anyBytes = ConformanceRule(
        "sizes.any-bytes", "Contents may be empty, and may hold every byte", [.specification(1)]
    ) { trial in
        let contents: [[UInt8]] = [[], [0], Array(0...255), [0xFF, 0xFE, 0x00, 0x0D, 0x0A, 0x80]]
        for content in contents {
            try await trial.send(
                Message(content: content, contentType: "application/octet-stream", isJSON: false), to: "a")
        }
        let taken = try await trial.take("a", max: 10)
        try trial.requireEqual(taken.map(\.message.content), contents, "the contents")
    }

    /// Bytes of which no block is like another, so that neither a swap nor a repetition goes unseen.
    private static func distinctBytes(_ count: Int) -> [UInt8] {
        let block = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + block.count)
        while bytes.count < count {
            withUnsafeBytes(of: bytes.count.bigEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: block)
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    private static func requireSame(_ deliveries: [Delivery], _ content: [UInt8]) throws {
        guard let received = deliveries.first?.message.content else {
            throw Breach(expected: "a message of \(content.count) bytes", seen: "none")
        }
        guard received != content else { return }
        let difference = zip(received, content).enumerated().first { $0.element.0 != $0.element.1 }?.offset
        throw Breach(
            expected: "the \(content.count) bytes that were sent",
            seen: "\(received.count) bytes, different from byte \(difference ?? min(received.count, content.count))")
    }
}
