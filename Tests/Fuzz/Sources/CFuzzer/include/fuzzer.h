#ifndef PLEIAD_FUZZER_H
#define PLEIAD_FUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Changes `size` bytes in some way; gives how many there are then, at most `sizeMax`.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t sizeMax);

/// Begins to count the bytes that this thread holds.
void pleiad_count_begin(void);

/// Ends the count; gives the most bytes that were held at once since it began.
///
/// Memory from before is not counted, nor is that of other threads.
long pleiad_count_end(void);

#endif
