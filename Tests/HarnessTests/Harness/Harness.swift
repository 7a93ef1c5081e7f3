import Testing

/// All tests that run the real executable. One after the other: each measures, or fills, the whole machine.
@Suite(.serialized) enum Harness {}
