/*
 * The processor's instructions on the host, under their CMSIS names. What concerns interrupts goes to the simulated
 * processor; barriers and __NOP are the host's own.
 *
 * All functions may be called from handlers. __disable_irq, __enable_irq, __set_PRIMASK and __WFI let interrupts in as
 * the instructions do on the device: those that became due while PRIMASK was set are taken when it is cleared.
 */
#ifndef CMSIS_GCC_H
#define CMSIS_GCC_H

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
#error "include/board/cmsis_gcc.h is the host's; put sim/target/include first in the include path of a device build"
#endif

#include <cmsis_compiler.h>
#include "mvsim/cortex.h"

__STATIC_INLINE void __disable_irq(void)
{
        mvsim_cpu_disable_irq();
}

__STATIC_INLINE void __enable_irq(void)
{
        mvsim_cpu_enable_irq();
}

__STATIC_INLINE uint32_t __get_PRIMASK(void)
{
        return mvsim_cpu_get_primask();
}

__STATIC_INLINE void __set_PRIMASK(uint32_t primask)
{
        mvsim_cpu_set_primask(primask);
}

/* 0 in thread mode, 16 + the interrupt's number in its handler. */
__STATIC_INLINE uint32_t __get_IPSR(void)
{
        return mvsim_cpu_get_ipsr();
}

__STATIC_INLINE void __WFI(void)
{
        mvsim_cpu_wfi();
}

__STATIC_INLINE void __NOP(void)
{
        __asm__ volatile("nop");
}

/* The host has one barrier that is at least as strong as each of the device's three. */
__STATIC_INLINE void __DSB(void)
{
        __sync_synchronize();
}

__STATIC_INLINE void __DMB(void)
{
        __sync_synchronize();
}

__STATIC_INLINE void __ISB(void)
{
        __sync_synchronize();
}

#endif
