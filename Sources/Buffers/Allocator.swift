internal import CMalloc

/// The allocator behind everything that is smaller than a mapped buffer.
public enum Allocator {
    /// Gives pages back to the system that nothing is allocated in.
    ///
    /// The allocator keeps them by itself, in one arena for every few threads. Takes milliseconds.
    public static func trim() { malloc_trim(0) }
}
