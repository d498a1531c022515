#include "CChecksum.h"

#include <string.h>

#if defined(__x86_64__)

#include <nmmintrin.h>

#define HAS_CRC 1
#define CRC_TARGET __attribute__((target("sse4.2")))
#define CRC_WORD(state, word) ((uint32_t)_mm_crc32_u64(state, word))

bool pleiad_crc32c_is_available(void) { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && defined(__linux__)

#include <sys/auxv.h>

#define HAS_CRC 1
#define CRC_TARGET __attribute__((target("crc")))
#define CRC_WORD(state, word) __builtin_arm_crc32cd(state, word)

bool pleiad_crc32c_is_available(void) {
    const unsigned long has_crc32 = 1UL << 7;  // HWCAP_CRC32
    return (getauxval(AT_HWCAP) & has_crc32) != 0;
}

#else

bool pleiad_crc32c_is_available(void) { return false; }

#endif

#if defined(HAS_CRC)

static inline uint64_t word_at(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

CRC_TARGET void pleiad_crc32c_three_runs(
    const void *bytes, size_t run_bytes, uint32_t *first, uint32_t *second, uint32_t *third) {
    const uint8_t *one = bytes;
    const uint8_t *two = one + run_bytes;
    const uint8_t *three = two + run_bytes;
    uint32_t a = *first, b = *second, c = *third;
    for (size_t i = 0; i < run_bytes; i += 8) {
        a = CRC_WORD(a, word_at(one + i));
        b = CRC_WORD(b, word_at(two + i));
        c = CRC_WORD(c, word_at(three + i));
    }
    *first = a;
    *second = b;
    *third = c;
}

#else

void pleiad_crc32c_three_runs(
    const void *bytes, size_t run_bytes, uint32_t *first, uint32_t *second, uint32_t *third) {
    (void)bytes, (void)run_bytes, (void)first, (void)second, (void)third;
    __builtin_trap();
}

#endif
