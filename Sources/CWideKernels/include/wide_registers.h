#ifndef PLEIAD_WIDE_REGISTERS_H
#define PLEIAD_WIDE_REGISTERS_H

// Swift compiles a module for one processor; the functions of this module are compiled for AVX-512
// and called only where the processor has it.

/// Whether the processor has registers of sixteen floats.
int wide_registers_are_there(void);

/// Whether the processor is one of Intel's.
int wide_registers_are_intel(void);

#endif
