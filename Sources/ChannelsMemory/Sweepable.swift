import Channels

/// What a sweep visits at some instant, to free what has expired and nobody asked for.
///
/// An object stands in the layer's heap with the earliest instant at which there may be something to do. That may be too early
/// (what was to expire then was taken meanwhile); it is then put off when the sweep comes by. So a send costs the sweep
/// nothing as long as the object is in the heap already.
class Sweepable: HeapItem {
    var sweepAt: Instant
    var heapIndex = -1
    var heapKey: Instant { sweepAt }

    init() { sweepAt = Instant(.now) }
}
