// Tells the thread sanitizer what libraries of Swift do where it cannot see it.
//
// The sanitizer sees what is compiled with it and what calls the system's own functions. Two
// libraries that come compiled with the compiler do neither:
//
// * `Mutex` of the Synchronization module takes and gives a free lock by atomic operations that are
//   inlined into its user, which the sanitizer sees. Where threads meet it calls `_lockSlow` and
//   `_unlockSlow` of libswiftSynchronization.so, where the kernel takes and gives the lock (futex).
// * Dispatch hands blocks to its threads, and wakes who waits for a semaphore, by atomic operations
//   of its own.
//
// So a lock that somebody waited for looks as if it had never been taken, what a block holds as if
// nobody had ever handed it over, and everything behind them like a race, in a program of twenty
// lines (`race.swift`, which `deploy/sanitize thread` runs first, with and without this file).
//
// Loaded before those libraries, these functions stand in the place of theirs, call them, and say
// to the sanitizer what they have done. That hides nothing: two threads that touch a value without
// the lock are found as ever.
#define _GNU_SOURCE
#include <dispatch/dispatch.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

// Of the sanitizer's runtime; absent in programs without it.
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

static void acquire(void *address) {
    if (__tsan_acquire) __tsan_acquire(address);
}

static void release(void *address) {
    if (__tsan_release) __tsan_release(address);
}

// MARK: Mutex

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK_SLOW "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*LockSlow)(uint32_t thread, SELF handle);
typedef SWIFT bool (*TryLockSlow)(SELF handle);
typedef SWIFT void (*UnlockSlow)(SELF handle);

SWIFT void lock_slow(uint32_t thread, SELF handle) __asm__(LOCK_SLOW);
SWIFT bool try_lock_slow(SELF handle) __asm__(TRY_LOCK_SLOW);
SWIFT void unlock_slow(SELF handle) __asm__(UNLOCK_SLOW);

static LockSlow its_lock_slow;
static TryLockSlow its_try_lock_slow;
static UnlockSlow its_unlock_slow;

// The handle's address is that of its atomic, which the inlined halves acquire and release.

SWIFT void lock_slow(uint32_t thread, SELF handle) {
    its_lock_slow(thread, handle);
    acquire(handle);
}

SWIFT bool try_lock_slow(SELF handle) {
    bool is_taken = its_try_lock_slow(handle);
    if (is_taken) acquire(handle);
    return is_taken;
}

SWIFT void unlock_slow(SELF handle) {
    release(handle);
    its_unlock_slow(handle);
}

// MARK: Dispatch

static void (*its_async)(dispatch_queue_t, dispatch_block_t);
static void (*its_after)(dispatch_time_t, dispatch_queue_t, dispatch_block_t);
static intptr_t (*its_signal)(dispatch_semaphore_t);
static intptr_t (*its_wait)(dispatch_semaphore_t, dispatch_time_t);

// A block that follows on its being handed over. Those of a serial queue follow on each other, too:
// of a concurrent one they are taken for so as well, which hides races between its blocks alone.
static void follow(dispatch_queue_t queue, dispatch_block_t block, void (^hand_over)(dispatch_block_t)) {
    void *place = (void *)queue;
    release(place);
    hand_over(^{
        acquire(place);
        block();
        release(place);
    });
}

void dispatch_async(dispatch_queue_t queue, dispatch_block_t block) {
    follow(queue, block, ^(dispatch_block_t following) { its_async(queue, following); });
}

void dispatch_after(dispatch_time_t when, dispatch_queue_t queue, dispatch_block_t block) {
    follow(queue, block, ^(dispatch_block_t following) { its_after(when, queue, following); });
}

intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore) {
    release((void *)semaphore);
    return its_signal(semaphore);
}

intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t limit) {
    intptr_t result = its_wait(semaphore, limit);
    if (result == 0) acquire((void *)semaphore);
    return result;
}

__attribute__((constructor)) static void find(void) {
    its_lock_slow = (LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW);
    its_try_lock_slow = (TryLockSlow)dlsym(RTLD_NEXT, TRY_LOCK_SLOW);
    its_unlock_slow = (UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW);
    its_async = dlsym(RTLD_NEXT, "dispatch_async");
    its_after = dlsym(RTLD_NEXT, "dispatch_after");
    its_signal = dlsym(RTLD_NEXT, "dispatch_semaphore_signal");
    its_wait = dlsym(RTLD_NEXT, "dispatch_semaphore_wait");
}
