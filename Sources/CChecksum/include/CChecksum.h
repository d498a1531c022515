/// CRC-32C by the processor's own instruction, three runs of bytes at a time.
///
/// One instruction takes 8 bytes and three cycles to finish, but one can begin in every cycle:
/// three independent runs keep it busy. `Buffers` joins the three results.
#ifndef PLEIAD_CCHECKSUM_H
#define PLEIAD_CCHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether this processor has the instruction (SSE 4.2, or the CRC extension of ARMv8).
bool pleiad_crc32c_is_available(void);

/// Moves three inverted states over three adjacent runs of `run_bytes` bytes each.
///
/// `run_bytes` is a multiple of 8, `bytes` holds three times as many, at any alignment. Only to be
/// called where `pleiad_crc32c_is_available()`.
void pleiad_crc32c_three_runs(
    const void *bytes, size_t run_bytes, uint32_t *first, uint32_t *second, uint32_t *third);

#endif
