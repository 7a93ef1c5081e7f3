/// The groups with entries in their logs, in the order of their last ones.
///
/// So a queue finds what is new to it from the end, at the price of the groups that were sent to since it last looked, and not
/// of all the groups that it is in: a mailbox may be in very many.
struct ActiveGroups {
    // SAFETY: a group is taken out when its log runs empty, and none with entries in its log is let go of: the layer's table
    // holds it, once removed its subscriptions or the heap of sweeps, once flushed the `FlushProgress`, which is seen through.
    private(set) unowned(unsafe) var last: Group?

    /// Puts a group at the end, wherever it was.
    mutating func append(_ group: Group) {
        guard last !== group else { return }
        remove(group)
        group.previousActive = last
        last?.nextActive = group
        last = group
    }

    /// Does nothing to a group that is not there.
    mutating func remove(_ group: Group) {
        let (previous, next) = (group.previousActive, group.nextActive)
        if last === group { last = previous }
        previous?.nextActive = next
        next?.previousActive = previous
        group.previousActive = nil
        group.nextActive = nil
    }
}
