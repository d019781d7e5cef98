/*
 * The compiler's words as CMSIS spells them, for the host and for the device alike, and the processor's instructions
 * (cmsis_gcc.h), of which each has its own.
 */
#ifndef CMSIS_COMPILER_H
#define CMSIS_COMPILER_H

#include <stdint.h>

#define __ASM                __asm__
#define __INLINE             inline
#define __STATIC_INLINE      static inline
#define __STATIC_FORCEINLINE __attribute__((always_inline)) static inline
#define __NO_RETURN          __attribute__((noreturn))
#define __USED               __attribute__((used))
#define __UNUSED             __attribute__((unused))
#define __WEAK               __attribute__((weak))
#define __PACKED             __attribute__((packed))
#define __ALIGNED(x)         __attribute__((aligned(x)))
#define __COMPILER_BARRIER() __asm__ volatile("" ::: "memory")

/* How a register may be used. C++ has no use for a read-only member that nothing initialises. */
#ifdef __cplusplus
#define __I volatile
#else
#define __I volatile const
#endif
#define __O   volatile
#define __IO  volatile
#define __IM  volatile const
#define __OM  volatile
#define __IOM volatile

#include <cmsis_gcc.h>

#endif
