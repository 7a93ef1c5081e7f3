import Channels
import Testing

@testable import ChannelsRedis

/// Against a Redis that answers and rings when the test says so; what comes in which order is all that matters here.
@Suite("Receivers in wait, and bells", .timeLimit(.minutes(1)))
struct WaitsTests {
    // MARK: The first look

    @Test("A receiver asks once: what is there it gets, and Redis is not asked to forget its channels")
    func present() async throws {
        try await CannedShard.with { shard in
            let receiver = try shard.begin("x", "z")
            let call = try await shard.next("receive")
            #expect(call.waits && call.channels == ["x", "z"])
            try shard.answerTaken("1", from: "x")
            // There may be more: for others that wait here, or elsewhere.
            #expect(try await shard.next("pass").arguments.last == "x")
            shard.answer("+OK\r\n")
            #expect(receiver.texts == ["1"])
            #expect(shard.core.waits.takeIdle(in: 0) == [])
            let other = try await shard.wait(on: "y")
            shard.core.waits.end(other.waiter)
            #expect(shard.core.waits.takeIdle(in: 0).map(\.rawValue) == ["y"])
        }
    }

    @Test("Where the first question fails the receiver is told so, and those behind it too; who has looked waits on")
    func firstFails() async throws {
        try await CannedShard.with { shard in
            let waiting = try await shard.wait(on: "x")
            let names = try (0..<1000).map { try ChannelName("n\($0)") }
            let first = shard.begin(names)
            try await shard.next("receive")
            let behind = try shard.begin("y")
            try await shard.ring("mx")
            shard.answer("-LOADING later\r\n")
            #expect(try await shard.next("receive").channels == ["x"], "nothing is asked for who was refused")
            #expect(first.failure == .backendUnavailable && behind.failure == .backendUnavailable)
            shard.answer("-LOADING later\r\n")
            #expect(try await shard.next("receive").channels == ["x"], "it asks again after a moment")
            #expect(waiting.result == nil)
            try shard.answerTaken("1", from: "x")
            try await shard.next("pass")
            #expect(waiting.texts == ["1"])
        }
    }

    @Test(
        "A time limit does not end a receive that has not looked, be it that this server has no lease",
        arguments: [nil, "1"])
    func late(text: String?) async throws {
        try await CannedShard.with { shard in
            let receiver = try shard.begin("x")
            #expect(try await shard.next("receive").waits)
            shard.answerUnknown()
            try await shard.next("tick")
            shard.core.waits.timeIsUp(receiver.waiter)
            #expect(try await shard.next("receive").waits == false, "it is not to be rung for")
            shard.answerTick()
            #expect(receiver.result == nil)
            if let text { try shard.answerTaken(text, from: "x") } else { shard.answer("*1\r\n$4\r\nnone\r\n") }
            if text != nil { try await shard.next("pass") }
            #expect(try await shard.isQuiet())
            #expect(receiver.texts == (text.map { [$0] } ?? []))
        }
    }

    @Test("One that is cancelled before the answer gets what is in it, or nothing", arguments: [nil, "1"])
    func cancelled(text: String?) async throws {
        try await CannedShard.with { shard in
            let receiver = try shard.begin("x")
            try await shard.next("receive")
            shard.core.waits.end(receiver.waiter)
            #expect(receiver.result == nil)
            if let text { try shard.answerTaken(text, from: "x") } else { shard.answerNothing() }
            if text != nil { try await shard.next("pass") }
            #expect(try await shard.isQuiet())
            #expect(receiver.texts == (text.map { [$0] } ?? []))
        }
    }

    // MARK: Bells

    @Test("A bell that overtakes the answer to the question before it has that asked again")
    func overtaking() async throws {
        try await CannedShard.with { shard in
            let receiver = try shard.begin("x")
            try await shard.next("receive")
            try await shard.ring("mx")
            shard.answerNothing()
            try await shard.next("receive")
            #expect(receiver.result == nil)
            try shard.answerTaken("1", from: "x")
            #expect(try await shard.next("pass").arguments.last == "x")
            #expect(receiver.texts == ["1"])
        }
    }

    @Test("So does a group's, that overtakes the answer that tells of the group; another group's does not")
    func groupOvertaking() async throws {
        try await CannedShard.with { shard in
            let receiver = try shard.begin("x")
            let stranger = try shard.begin("y")
            for _ in 0..<2 { try await shard.next("receive") }
            try await shard.ring("ggroup--1")
            shard.answerNothing(groups: ["group--1", "group--2"])
            shard.answerNothing(groups: ["group--3"])
            #expect(try await shard.next("receive").channels == ["x"])
            try shard.answerTaken("1", from: "x")
            #expect(try await shard.next("pass").arguments.last == "x")
            #expect(receiver.texts == ["1"])
            #expect(try await shard.isQuiet())
            #expect(stranger.result == nil)
        }
    }

    @Test("A bell for a receiver that has just ended is passed on, with its mailbox")
    func passedOn() async throws {
        try await CannedShard.with { shard in
            let receiver = try await shard.wait(on: "inbox!")
            shard.core.waits.end(receiver.waiter)
            #expect(receiver.texts == [])
            try await shard.ring("minbox!ann")
            #expect(try await shard.next("pass").arguments.dropFirst() == ["inbox!ann", "inbox!"])
        }
    }

    @Test("So is one whose receiver ended while it asked, if that failed; the answer is enough if there is one")
    func endedWhileAsking() async throws {
        try await CannedShard.with { shard in
            for isAnswered in [true, false] {
                let receiver = try await shard.wait(on: "x")
                try await shard.ring("mx")
                try await shard.next("receive")
                shard.core.waits.end(receiver.waiter)
                if isAnswered { shard.answerNothing() } else { shard.answer("-LOADING later\r\n") }
                if !isAnswered {
                    #expect(try await shard.next("pass").arguments.last == "x")
                    shard.answer("+OK\r\n")
                }
                #expect(try await shard.isQuiet())
                #expect(receiver.texts == [])
            }
        }
    }

    @Test("Of several bells each has one receiver ask, the first first; what is left over is passed on")
    func severalBells() async throws {
        try await CannedShard.with { shard in
            let receivers = [try await shard.wait(on: "x"), try await shard.wait(on: "x")]
            for _ in 0..<3 { try await shard.ring("mx") }
            for _ in 0..<2 { try await shard.next("receive") }
            #expect(try await shard.isQuiet(), "two can ask")
            try shard.answerTaken("1", from: "x")
            #expect(try await shard.isQuiet())
            #expect(receivers.map(\.texts) == [["1"], nil])
            try shard.answerTaken("2", from: "x")
            #expect(try await shard.next("pass").arguments.last == "x", "the third bell")
            #expect(receivers.map(\.texts) == [["1"], ["2"]])
        }
    }

    @Test("While a receiver that is about to end asks, the next bell is the second one's")
    func endingIsPassedOver() async throws {
        try await CannedShard.with { shard in
            let first = try await shard.wait(on: "x")
            let second = try await shard.wait(on: "x")
            try await shard.ring("mx")
            try await shard.next("receive")
            shard.core.waits.end(first.waiter)
            try await shard.ring("mx")
            #expect(try await shard.next("receive").channels == ["x"], "the second asks")
            shard.answerNothing()
            try shard.answerTaken("1", from: "x")
            #expect(try await shard.next("pass").arguments.last == "x")
            #expect(first.texts == [] && second.texts == ["1"])
        }
    }

    @Test("A group's bell has the first receiver of each of its channels ask, also of one that joined later")
    func groupBell() async throws {
        try await CannedShard.with { shard in
            let member = try await shard.wait(on: "x", groups: ["group--1"])
            let next = try await shard.wait(on: "x", groups: ["group--1"])
            let joined = try await shard.wait(on: "y")
            let stranger = try await shard.wait(on: "z", groups: ["group--2"])
            try await shard.ring("jgroup--1y")
            #expect(try await shard.isQuiet(), "to join brings nothing")
            try await shard.ring("ggroup--1")
            let asked = [try await shard.next("receive"), try await shard.next("receive")].flatMap(\.channels)
            #expect(asked.sorted() == ["x", "y"])
            for channel in asked { try shard.answerTaken("1", from: channel) }
            // There may be more in x, for the next one.
            let after = [try await shard.next(), try await shard.next()].map(\.operation)
            #expect(after.sorted() == ["pass", "receive"])
            #expect(member.texts == ["1"] && joined.texts == ["1"])
            #expect(next.result == nil && stranger.result == nil)
        }
    }
}
