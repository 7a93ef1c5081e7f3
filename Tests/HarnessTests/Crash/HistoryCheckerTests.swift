import Testing

@Suite("The checker of histories: messages")
struct HistoryCheckerMessageTests {
    @Test("What is as it should be is found so")
    func good() {
        let report = HistoryScript.report { script in
            script.send("m1", id: "e-1")
            script.send("m2", id: "e-2")
            script.receive([("m1", "e-1"), ("m2", "e-2")])
            script.receive([])
        }
        #expect(report.violations.isEmpty)
        #expect(report.acknowledgedCount == 2)
        #expect(report.deliveredCount == 2)
        #expect(report.takenInFlightCount == 0)
    }

    @Test("An acknowledged message that nobody got is lost")
    func lost() {
        #expect(HistoryScript.findings { $0.send("m1", id: "e-1") } == [.lost])
    }

    @Test("A receive without an answer excuses as many as it could take, of its channels only", arguments: [1, 2])
    func inFlight(max: Int) {
        let report = HistoryScript.report { script in
            for number in 1...3 { script.send("m\(number)", id: .init("e-\(number)")) }
            script.send("n", to: "b", id: "e-4")
            script.add(.receive(["a"], max: max), .open)
        }
        #expect(report.takenInFlightCount == max)
        #expect(report.takenInFlightMax == max)
        #expect(report.violations.map(\.kind) == Array(repeating: .lost, count: 4 - max))
    }

    @Test("Two receives share out what both could have taken")
    func matching() {
        let report = HistoryScript.report { script in
            script.send("m1", to: "a", id: "e-1")
            script.send("m2", to: "b", id: "e-2")
            script.add(.receive(["a", "b"], max: 1), .open)
            script.add(.receive(["a"], max: 1), .open)
        }
        #expect(report.violations.isEmpty)
        #expect(report.takenInFlightCount == 2)
    }

    @Test("A receive on a mailbox can have taken what was sent to a channel in it")
    func mailbox() {
        #expect(
            HistoryScript.findings { script in
                script.send("m1", to: "box!a", id: "e-1")
                script.add(.receive(["box!"], max: 1), .open)
            }.isEmpty)
    }

    @Test("A receive that was over before the send, or that the order rules out, excuses nothing")
    func inFlightAtAnotherTime() {
        #expect(
            HistoryScript.findings { script in
                script.add(.receive(["a"], max: 1), .open)
                script.send("m1", id: "e-1")
            } == [.lost])
        // The younger one was taken before that receive began: the older was gone by then.
        #expect(
            HistoryScript.findings { script in
                script.send("m1", id: "e-1")
                script.send("m2", id: "e-2")
                script.receive([("m2", "e-2")])
                script.add(.receive(["a"], max: 1), .open)
            } == [.lost])
        // The older one was taken after that receive was over: the younger was behind it.
        #expect(
            HistoryScript.findings { script in
                script.send("m1", id: "e-1")
                script.send("m2", id: "e-2")
                script.add(.receive(["a"], max: 1), .open)
                script.receive([("m1", "e-1")])
            } == [.lost])
    }

    @Test("A message that is delivered again is found, acknowledged or not", arguments: [true, false])
    func twice(isAcknowledged: Bool) {
        #expect(
            HistoryScript.findings { script in
                script.add(.send("m1", to: "a"), isAcknowledged ? .accepted("e-1") : .open)
                script.receive([("m1", "e-1")])
                script.receive([("m1", "e-1")])
            }.contains(.deliveredTwice))
    }

    @Test("A send without an answer may be there or not")
    func open() {
        #expect(HistoryScript.findings { $0.add(.send("m1", to: "a"), .open) }.isEmpty)
        #expect(
            HistoryScript.findings { script in
                script.add(.send("m1", to: "a"), .open)
                script.receive([("m1", "e-1")])
            }.isEmpty)
    }

    @Test("What was never sent, was refused, or was sent elsewhere, must not arrive")
    func strange() {
        #expect(HistoryScript.findings { $0.receive([("m1", "e-1")]) } == [.neverSent])
        #expect(
            HistoryScript.findings { script in
                script.add(.send("m1", to: "a"), .refused)
                script.receive([("m1", "e-1")])
            } == [.deliveredThoughRefused])
        #expect(
            HistoryScript.findings { script in
                script.add(.send("m1", to: "b"), .open)
                script.receive([("m1", "e-1")])
            } == [.misdirected, .lost])
        #expect(
            HistoryScript.findings { script in
                script.send("m1", id: "e-1")
                script.receive([("m1", "e-2")])
            } == [.misdirected])
        #expect(
            HistoryScript.findings { script in
                script.send("m1", id: "e-1")
                script.receive([("m1", "e-1")], group: "g")
            } == [.misdirected])
    }

    @Test("A message that is received before it was sent was never sent")
    func early() {
        #expect(
            HistoryScript.findings { script in
                script.receive([("m1", "e-1")])
                script.send("m1", id: "e-1")
            } == [.neverSent, .lost])
    }
}

@Suite("The checker of histories: order")
struct HistoryCheckerOrderTests {
    private static func sendTwo(_ script: inout HistoryScript) {
        script.send("m1", id: "e-9")
        script.send("m2", id: "e-10")
    }

    @Test("A younger message before an older one is found, in one answer and in two")
    func inverted() {
        #expect(
            HistoryScript.findings { script in
                Self.sendTwo(&script)
                script.receive([("m2", "e-10"), ("m1", "e-9")])
            } == [.inverted])
        #expect(
            HistoryScript.findings { script in
                Self.sendTwo(&script)
                script.receive([("m2", "e-10")])
                script.receive([("m1", "e-9")])
            } == [.inverted])
    }

    @Test("Of receives at the same time nobody knows which took first")
    func concurrent() {
        #expect(
            HistoryScript.findings { script in
                Self.sendTwo(&script)
                script.receive([("m2", "e-10")])
                script.receive([("m1", "e-9")])
                script.prolong(2)
            }.isEmpty)
    }

    @Test("What a client that hung up had taken may follow younger ones; what none had may not")
    func givenBack() {
        #expect(
            HistoryScript.findings { script in
                Self.sendTwo(&script)
                script.add(.receive(["a"], max: 1), .abandoned)
                script.receive([("m2", "e-10")])
                script.receive([("m1", "e-9")])
            }.isEmpty)
        #expect(
            HistoryScript.findings { script in
                Self.sendTwo(&script)
                script.receive([("m2", "e-10")])
                script.add(.receive(["a"], max: 1), .abandoned)
                script.receive([("m1", "e-9")])
            } == [.inverted])
    }

    @Test("Ids grow from send to send, and belong to one message each")
    func ids() {
        #expect(
            HistoryScript.findings { script in
                script.send("m1", to: "a", id: "e-10")
                script.send("m2", to: "b", id: "e-9")
                script.receive([("m1", "e-10")], from: "a")
                script.receive([("m2", "e-9")], from: "b")
            } == [.idNotGreater])
        #expect(
            HistoryScript.findings { script in
                script.send("m1", to: "a", id: "e-1")
                script.send("m2", to: "b", id: "e-1")
                script.receive([("m1", "e-1")], from: "a")
                script.receive([("m2", "e-1")], from: "b")
            } == [.idTwice])
    }
}
