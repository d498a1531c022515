import Testing

/// All tests that start processes, one after the other: they share the processor.
@Suite(.serialized) enum SystemTests {}
