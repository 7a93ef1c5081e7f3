import Testing

@Suite("The checker of histories: groups")
struct HistoryCheckerGroupTests {
    @Test("A member that sees itself, gets its copy and leaves is as it should be")
    func good() {
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.look(seeing: ["a"])
                script.sendGroup("m1", id: "e-1", members: 1)
                script.leave("a")
                script.look(seeing: [])
                script.sendGroup("m2", id: "e-2", members: 0)
                script.receive([("m1", "e-1")], group: "g")
            }.isEmpty)
    }

    @Test("A membership that is gone, one that was ended, and one that nobody asked for, are found")
    func memberships() {
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.look(seeing: [])
            } == [.membershipLost])
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.leave("a")
                script.look(seeing: ["a"])
            } == [.membershipGhost])
        #expect(HistoryScript.findings { $0.look(seeing: ["a"]) } == [.membershipGhost])
        #expect(
            HistoryScript.findings { script in
                script.join("a", .refused)
                script.look(seeing: ["a"])
            } == [.membershipGhost])
    }

    @Test("A request without an answer leaves either, but no change of mind", arguments: [true, false])
    func open(wasDone: Bool) {
        let seen = wasDone ? ["a"] : []
        #expect(
            HistoryScript.findings { script in
                script.join("a", .open)
                script.look(seeing: seen)
                script.look(seeing: seen)
            }.isEmpty)
        #expect(
            HistoryScript.findings { script in
                script.join("a", .open)
                script.look(seeing: seen)
                script.look(seeing: wasDone ? [] : ["a"])
            } == [wasDone ? .membershipLost : .membershipGhost])
    }

    @Test("Joining again, even without an answer, is still being a member")
    func renewed() {
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.join("a", .open)
                script.look(seeing: [])
            } == [.membershipLost])
    }

    @Test("A copy that a certain member never got is lost, unless a receive without an answer can have taken it")
    func copyLost() {
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.sendGroup("m1", id: "e-1", members: 1)
            } == [.copyLost])
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.sendGroup("m1", id: "e-1", members: 1)
                script.add(.receive(["a"], max: 1), .open)
            }.isEmpty)
    }

    @Test("A group send without an answer is done as a whole")
    func half() {
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.join("b")
                script.add(.sendGroup("m1", to: "g"), .open)
                script.receive([("m1", "e-1")], from: "a", group: "g")
            } == [.copyLost])
    }

    @Test("A copy for one that is no member, that had left or that was excluded, is found")
    func copyToNonMember() {
        #expect(
            HistoryScript.findings { script in
                script.sendGroup("m1", id: "e-1", members: 0)
                script.receive([("m1", "e-1")], group: "g")
            } == [.copyToNonMember])
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.leave("a")
                script.sendGroup("m1", id: "e-1", members: 0)
                script.receive([("m1", "e-1")], group: "g")
            } == [.copyToNonMember])
        #expect(
            HistoryScript.findings { script in
                script.join("a")
                script.sendGroup("m1", id: "e-1", members: 0, excluded: ["a"])
                script.receive([("m1", "e-1")], group: "g")
            } == [.copyToNonMember])
    }

    @Test("The copies of a send, one a channel, share their id; a second one on the same channel does not")
    func copies() {
        func taken(_ channels: [String]) -> History.Outcome {
            .delivered(channels.map { History.Taken(name: "m1", channel: $0, group: "g", id: "e-1") })
        }
        for (channels, expected) in [
            (["a", "b"], []), (["a", "b", "b"], [Violation.Kind.deliveredTwice, .inverted]),
        ] {
            #expect(
                HistoryScript.findings { script in
                    script.join("a")
                    script.join("b")
                    script.sendGroup("m1", id: "e-1", members: 2)
                    script.add(.receive(["a", "b"], max: 9), taken(channels))
                } == expected)
        }
    }

    @Test("A number of members that cannot be is found")
    func members() {
        #expect(
            HistoryScript.findings { script in
                script.sendGroup("m1", id: "e-1", members: 1)
            } == [.membersMiscounted])
    }
}
