#include "wide_registers.h"

#if defined(__x86_64__)

int wide_registers_are_there(void) { return __builtin_cpu_supports("avx512f") != 0; }

int wide_registers_are_intel(void) { return __builtin_cpu_is("intel") != 0; }

#else

int wide_registers_are_there(void) { return 0; }

int wide_registers_are_intel(void) { return 0; }

#endif
