extension HistoryChecker {
    /// Who looks sees each membership that certainly is, and none that certainly is not.
    mutating func checkMemberships() {
        for request in requests {
            guard case .look(let scope) = request.action, case .members(let seen) = request.outcome else { continue }
            let at = "at \(request.began)...\(request.over)"
            for membership in memberships.all where scope.contains(membership) {
                let state = memberships.state(of: membership, from: request.began, to: request.over)
                if state == .in, !seen.contains(membership) { violate(.membershipLost, "\(membership) \(at)") }
            }
            for membership in seen
            where memberships.state(of: membership, from: request.began, to: request.over) == .out {
                violate(.membershipGhost, "\(membership) \(at)")
            }
        }
    }

    /// A group send tells for how many it was meant.
    mutating func checkGroupSends() {
        for request in requests {
            guard case .sendGroup(let name, let group, let excluded) = request.action,
                case .accepted(_, let members?) = request.outcome
            else { continue }
            func count(_ state: MembershipTimelines.State) -> Int {
                memberships.channels(state, of: group, from: request.began, to: request.over)
                    .count { !excluded.contains($0) }
            }
            let (certain, unsure) = (count(.in), count(.unsure))
            if !(certain...certain + unsure).contains(members) {
                violate(.membersMiscounted, "\(name) to \(group): \(members), not \(certain)...\(certain + unsure)")
            }
        }
    }
}
