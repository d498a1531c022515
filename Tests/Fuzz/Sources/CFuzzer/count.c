// Counts what a thread holds of the heap and of anonymous mappings, by standing in the place of
// the C library's functions. Under the address sanitizer, whose place that is, by its hooks.
#define _GNU_SOURCE
#include "fuzzer.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local bool is_counting;
static _Thread_local long held;
static _Thread_local long most;

static void add(long bytes) {
    if (!is_counting) return;
    held += bytes;
    if (held > most) most = held;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif

#ifdef HAS_ASAN

int __sanitizer_install_malloc_and_free_hooks(
    void (*allocated)(const volatile void *, size_t), void (*freed)(const volatile void *));
size_t __sanitizer_get_allocated_size(const volatile void *place);

static void did_allocate(const volatile void *place, size_t size) { add((long)size); }
static void will_free(const volatile void *place) {
    if (is_counting && place) add(-(long)__sanitizer_get_allocated_size(place));
}

static bool is_hooked;

static void hook(void) {
    if (!is_hooked) __sanitizer_install_malloc_and_free_hooks(did_allocate, will_free);
    is_hooked = true;
}

#else

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *place, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *place);

static void hook(void) {}

static void *added(void *place) {
    if (is_counting && place) add((long)malloc_usable_size(place));
    return place;
}

void *malloc(size_t size) { return added(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return added(__libc_calloc(count, size)); }

void *realloc(void *place, size_t size) {
    long before = is_counting && place ? (long)malloc_usable_size(place) : 0;
    void *moved = __libc_realloc(place, size);
    if (moved || size == 0) add(-before);
    return added(moved);
}

void *memalign(size_t alignment, size_t size) { return added(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) {
    return added(__libc_memalign(alignment, size));
}

int posix_memalign(void **place, size_t alignment, size_t size) {
    void *made = __libc_memalign(alignment, size);
    if (!made) return ENOMEM;
    *place = added(made);
    return 0;
}

void free(void *place) {
    if (is_counting && place) add(-(long)malloc_usable_size(place));
    __libc_free(place);
}

void *mmap(void *hint, size_t size, int protection, int flags, int file, off_t offset) {
    long place = syscall(SYS_mmap, hint, size, protection, flags, file, offset);
    if (place == -1) return MAP_FAILED;
    add((long)size);
    return (void *)place;
}

int munmap(void *place, size_t size) {
    int status = (int)syscall(SYS_munmap, place, size);
    if (status == 0) add(-(long)size);
    return status;
}

#endif

void pleiad_count_begin(void) {
    hook();
    held = 0;
    most = 0;
    is_counting = true;
}

long pleiad_count_end(void) {
    is_counting = false;
    return most;
}
