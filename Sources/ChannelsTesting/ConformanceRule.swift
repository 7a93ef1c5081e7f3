import Channels

/// One thing that a backend must do, should do or may do, and how to find out whether it does.
///
/// From an author's own Swift Testing target, all of them:
///
/// ```swift
/// @Suite struct FolderBackendConformance {
///     @Test(arguments: ConformanceRule.all) func conforms(_ rule: ConformanceRule) async throws {
///         try await rule.check(BackendUnderTest(time: .real) { settings, clock in
///             try FolderBackend(in: temporaryFolder(), settings: settings, clock: clock)
///         })
///     }
/// }
/// ```
public struct ConformanceRule: Sendable, Identifiable, CustomStringConvertible {
    /// Subject and name, as in `delivery.once`. Never changes its meaning.
    public let id: String
    /// The behaviour, as a sentence.
    public let sentence: String
    /// What demands it.
    public let sources: [Source]
    private let adjustSettings: @Sendable (inout LayerSettings, _ span: Duration) -> Void
    private let body: @Sendable (Trial) async throws -> Void

    /// Why a rule is one.
    public enum Source: Sendable, Hashable, CustomStringConvertible {
        /// A point of the specification, from 1 to 15: to 11 they are MUSTs, then SHOULDs.
        case specification(Int)
        /// A part of what the points mean exactly.
        case semantics(Semantics)

        public var description: String {
            switch self {
            case .specification(let point): "point \(point) of the specification"
            case .semantics(let part): "semantics: \(part.rawValue)"
            }
        }
    }

    /// What the points of the specification mean exactly, by subject.
    public enum Semantics: String, Sendable, CaseIterable {
        /// Ids and order come from the backend, never from a sender's clock.
        case sequence
        /// Each message has a deadline: never dropped for age before it, never delivered after it.
        case expiry
        /// What waits unexpired in one queue is bounded; a send to a full one is refused.
        case capacity
        /// Whom a group send is meant for, and that what was sent stays sent.
        case groups
        /// Group copies are judged when somebody looks: while there is room they join the queue, the rest is dropped.
        case settling
        /// The cost of a group send does not grow with the members.
        case constantTimeGroupSend = "constant-time group send"
        /// A wait ends once: either the receiver has the message, or it never took one.
        case waiting
        /// What was taken, but reached nobody, goes back to the head.
        case handOver = "hand-over"
        /// The channels `inbox!…` share the queue of the mailbox `inbox!`.
        case mailboxes
        /// Every buffer, queue, count and wait has a limit.
        case bounded
        /// What can be seen of channels and of the layer, and how it is dropped.
        case inspection
    }

    /// - Parameters:
    ///   - settings: Changes the layer's settings, which are the defaults otherwise; `span` is what the rule works with as expiry.
    ///   - body: Returns where the rule holds; throws `Breach` or `Absence` otherwise.
    init(
        _ id: String, _ sentence: String, _ sources: [Source],
        settings adjustSettings: @escaping @Sendable (inout LayerSettings, _ span: Duration) -> Void = { _, _ in },
        body: @escaping @Sendable (Trial) async throws -> Void
    ) {
        self.id = id
        self.sentence = sentence
        self.sources = sources
        self.adjustSettings = adjustSettings
        self.body = body
    }

    public var description: String { sentence }

    /// Every rule, by subject.
    public static let all: [ConformanceRule] =
        delivery + ordering + expiry + capacity + sizes + names + groups + groupSends + settling + mailboxes + waiting
        + cancellation + givingBack + batches + inspection

    /// Puts a new backend through the rule, and shuts it down.
    ///
    /// Suspends; takes milliseconds where time is moved by hand, else up to some seconds, and at most the subject's
    /// `timeLimit` and five seconds more.
    ///
    /// - Returns: Whether the rule holds, or that it does not apply since the backend lacks an optional capability (which
    ///   the subject's `tellAbsent` hears, too).
    /// - Throws: ``ConformanceViolation`` where the backend breaks the rule; what the factory throws.
    @discardableResult
    public func check(_ subject: BackendUnderTest) async throws -> ConformanceOutcome {
        var settings = LayerSettings()
        adjustSettings(&settings, subject.span)
        let trial = try await Trial(of: subject, settings: settings)
        let outcome: Result<ConformanceOutcome, any Error>
        do {
            outcome = .success(try await run(on: trial, timeLimit: subject.timeLimit))
        } catch {
            outcome = .failure(error)
        }
        await trial.end()
        if case .success(.absent(let reason)) = outcome { subject.tellAbsent(self, reason) }
        return try outcome.get()
    }

    private func run(on trial: Trial, timeLimit: Duration) async throws -> ConformanceOutcome {
        do {
            let body = body
            let end: Void? = try await finished(within: timeLimit) { try await body(trial) }
            guard end != nil else { throw Breach(expected: "an end within \(timeLimit)", seen: "none") }
            return .holds
        } catch let absence as Absence {
            return .absent(reason: absence.reason)
        } catch let breach as Breach {
            throw ConformanceViolation(rule: self, expected: breach.expected, seen: breach.seen)
        } catch  where Task.isCancelled {
            throw error
        } catch {
            throw ConformanceViolation(rule: self, expected: "no error", seen: "\(error)")
        }
    }
}
