#ifndef PLEIAD_PREFETCH_H
#define PLEIAD_PREFETCH_H

// Swift has no way to say that memory will be wanted soon; compilers of C have.

/// Begins to bring the cache line at `address` near, to be written. Never faults.
static inline void prefetch_for_writing(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Begins to bring the cache line at `address` near, to be read. Never faults.
static inline void prefetch_for_reading(const void *address) { __builtin_prefetch(address, 0, 3); }

/// Begins to bring the cache line at `address` into a second-level cache. Never faults.
static inline void prefetch_into_second_level(const void *address) {
    __builtin_prefetch(address, 0, 2);
}

#endif
