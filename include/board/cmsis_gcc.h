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

__STATIC_INLINE void __disable_fault_irq(void)
{
        mvsim_cpu_set_faultmask(1);
}

__STATIC_INLINE void __enable_fault_irq(void)
{
        mvsim_cpu_set_faultmask(0);
}

__STATIC_INLINE uint32_t __get_FAULTMASK(void)
{
        return mvsim_cpu_get_faultmask();
}

__STATIC_INLINE void __set_FAULTMASK(uint32_t faultmask)
{
        mvsim_cpu_set_faultmask(faultmask);
}

/* The priority stands in the upper four bits of the register's byte; 0 is off. */
__STATIC_INLINE uint32_t __get_BASEPRI(void)
{
        return mvsim_cpu_get_basepri();
}

__STATIC_INLINE void __set_BASEPRI(uint32_t basepri)
{
        mvsim_cpu_set_basepri(basepri);
}

__STATIC_INLINE void __set_BASEPRI_MAX(uint32_t basepri)
{
        mvsim_cpu_raise_basepri(basepri);
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

__STATIC_INLINE void __WFE(void)
{
        mvsim_cpu_wfe();
}

__STATIC_INLINE void __SEV(void)
{
        mvsim_cpu_sev();
}

__STATIC_INLINE void __NOP(void)
{
        __asm__ volatile("nop");
}

/* The host has one barrier that is at least as strong as each of the device's three. What was stored in SCB or SysTick
 * takes effect at a DSB or an ISB. */
__STATIC_INLINE void __DSB(void)
{
        mvsim_cpu_barrier();
}

__STATIC_INLINE void __DMB(void)
{
        __sync_synchronize();
}

__STATIC_INLINE void __ISB(void)
{
        mvsim_cpu_barrier();
}

#endif
