import Foundation
import Synchronization

@testable import ChannelsReference

/// What all clients of a soak share.
final class Soak: Sendable {
    /// Channels are numbers: those whose receivers stay, those whose receivers hang up in their wait, and those that join and leave
    /// the group.
    static let steadyChannels = 0..<24
    static let restlessChannels = 24..<32
    static let memberChannels = 32..<48

    let ports: [UInt16]
    let messagesCount: Int
    /// How receivers go away in their wait.
    let hangUps: [SoakSocket.HangUp]
    private let begunCount = Atomic(0)
    private let isOverFlag = Atomic(false)

    init(ports: [UInt16], messagesCount: Int, hangUps: [SoakSocket.HangUp]) {
        self.ports = ports
        self.messagesCount = messagesCount
        self.hangUps = hangUps
    }

    /// Messages that were sent, or are about to be.
    var progress: Int { begunCount.load(ordering: .relaxed) }

    /// False where there have been enough.
    func beginMessage() -> Bool { begunCount.add(1, ordering: .relaxed).oldValue < messagesCount }

    /// Nothing more will be sent.
    var isOver: Bool { isOverFlag.load(ordering: .acquiring) }
    func end() { isOverFlag.store(true, ordering: .releasing) }
}

/// A client of a soak, on a thread of its own: asks one server after the other, at random, and notes what it is told.
struct SoakClient {
    enum Role: Sendable {
        case sender(Int)
        case receiver([Int])
        /// Closes its connection in every third wait.
        case leaver([Int])
        /// The only one that has these channels join the group, and leave it.
        case joiner([Int])
    }

    let soak: Soak
    private let sockets: [SoakSocket]
    private var random: SplitMix
    private var history = SoakHistory()

    private init(_ soak: Soak, seed: UInt64) {
        self.soak = soak
        sockets = soak.ports.map { SoakSocket(port: $0) }
        random = SplitMix(state: seed)
    }

    /// Runs to its end.
    static func run(_ role: Role, in soak: Soak, seed: UInt64) async -> SoakHistory {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var client = SoakClient(soak, seed: seed)
                switch role {
                case .sender(let number): client.send(as: number)
                case .receiver(let channels): client.receive(channels, hangsUp: false)
                case .leaver(let channels): client.receive(channels, hangsUp: true)
                case .joiner(let channels): client.joinAndLeave(channels)
                }
                continuation.resume(returning: client.history)
            }
        }
    }

    private mutating func one<Elements: RandomAccessCollection>(of elements: Elements) -> Elements.Element {
        elements[elements.index(elements.startIndex, offsetBy: random.below(elements.count))]
    }

    private mutating func note(_ what: String, _ answer: SoakSocket.Answer) {
        history.surprises.append("\(what): \(answer.status) \(String(decoding: answer.content, as: UTF8.self))")
    }

    // MARK: Senders

    private mutating func send(as sender: Int) {
        var number = 0
        while soak.beginMessage() {
            number += 1
            let target: SoakHistory.Target =
                random.chance(1, in: 16) ? .group : .channel(random.below(Soak.memberChannels.upperBound))
            let path =
                switch target {
                case .group: "/groups/g"
                case .channel(let channel): "/channels/c\(channel)"
                }
            let name = SoakHistory.Name(sender, number)
            let began = ContinuousClock.now
            let answer = try? one(of: sockets).ask("POST", path, "\"\(name)\"")
            history.sends.append(
                .init(name: name, target: target, began: began, over: .now, outcome: outcome(of: path, answer)))
            // Pacing, by what waits: as much is sent as is taken, so that queues stay below their capacity and receivers wait now
            // and then. The checker holds for any pace.
            if let answer, let receipt = try? JSONDecoder().decode(SendAnswer.self, from: Data(answer.content)),
                let pending = receipt.pending, pending > 20
            {
                usleep(UInt32(min(pending, 1000)) * 100)
            }
        }
    }

    private mutating func outcome(of path: String, _ answer: SoakSocket.Answer?) -> SoakHistory.Outcome {
        guard let answer else {
            history.surprises.append("\(path): no answer")
            return .open
        }
        if answer.status == 202 { return .accepted }
        if answer.status == 503, answer.contains("outcome-unknown") { return .open }
        if answer.status != 503 || !answer.contains("backend-unavailable") { note(path, answer) }
        return .refused
    }

    // MARK: Receivers

    private mutating func receive(_ channels: [Int], hangsUp: Bool) {
        let names = channels.map { "c\($0)" }.joined(separator: ",")
        while true {
            let isLast = soak.isOver
            let socket = one(of: sockets)
            let began = ContinuousClock.now
            do {
                try socket.send("GET", "/receive?channels=\(names)&timeout=\(isLast ? 1 : 3)")
                if hangsUp, random.chance(1, in: 3), !socket.hasInput(within: Int32(random.below(20))) {
                    let kind = one(of: soak.hangUps)
                    if let answer = try socket.hangUp(kind) {
                        _ = take(answer, from: channels, since: began)
                    } else if kind == .finish {
                        history.finishes.append(channels)
                    } else {
                        history.openReceives.append(.init(channels: channels, began: began, isHangUp: true))
                    }
                    continue
                }
                let isEmpty = take(try socket.answer(), from: channels, since: began)
                if isLast, isEmpty { return }
            } catch {
                history.surprises.append("a receive had no answer")
                return
            }
        }
    }

    /// True where nothing was there.
    private mutating func take(
        _ answer: SoakSocket.Answer, from channels: [Int], since began: ContinuousClock.Instant
    ) -> Bool {
        switch answer.status {
        case 204:
            history.emptyCount += 1
            return true
        case 200:
            guard let delivery = try? JSONDecoder().decode(Delivery.self, from: Data(answer.content)),
                let name = SoakHistory.Name(delivery.message.description),
                let channel = Int(delivery.channel.dropFirst()), channels.contains(channel)
            else {
                note("receive", answer)
                return false
            }
            history.takes.append(.init(name: name, channel: channel, began: began, over: .now))
        case 503 where answer.contains("outcome-unknown"):
            history.openReceives.append(.init(channels: channels, began: began, isHangUp: false))
        case 503 where answer.contains("backend-unavailable"): break
        default: note("receive", answer)
        }
        return false
    }

    // MARK: Members

    private mutating func joinAndLeave(_ channels: [Int]) {
        var current: [Int: SoakHistory.Membership] = [:]
        while !soak.isOver {
            let channel = one(of: channels)
            let path = "/groups/g/c\(channel)"
            let began = ContinuousClock.now
            if var membership = current[channel] {
                membership.leaveBegan = membership.leaveBegan ?? began
                let isDone = change("DELETE", path)
                if isDone { membership.left = .now }
                current[channel] = isDone ? nil : membership
                if isDone { history.memberships.append(membership) }
            } else {
                var membership = SoakHistory.Membership(channel: channel, joinBegan: began)
                if change("PUT", path) { membership.joined = .now }
                current[channel] = membership
            }
            // Memberships of different lengths, so that sends fall into them and between them. The checker holds for any.
            usleep(UInt32(random.below(5000)))
        }
        history.memberships += current.values
    }

    private mutating func change(_ method: String, _ path: String) -> Bool {
        guard let answer = try? one(of: sockets).ask(method, path) else {
            history.surprises.append("\(method) \(path): no answer")
            return false
        }
        if answer.status != 204, answer.status != 503 { note(method + " " + path, answer) }
        return answer.status == 204
    }
}
