/* The processor's instructions on the device, under their CMSIS names. */
#ifndef CMSIS_GCC_H
#define CMSIS_GCC_H

#include <cmsis_compiler.h>

/* Each is a compiler barrier too: no access to memory moves over a change of the mask, a wait or a barrier. */
__STATIC_FORCEINLINE void __disable_irq(void)
{
        __asm__ volatile("cpsid i" ::: "memory");
}

__STATIC_FORCEINLINE void __enable_irq(void)
{
        __asm__ volatile("cpsie i" ::: "memory");
}

__STATIC_FORCEINLINE uint32_t __get_PRIMASK(void)
{
        uint32_t primask;
        __asm__ volatile("mrs %0, primask" : "=r"(primask)::"memory");
        return primask;
}

__STATIC_FORCEINLINE void __set_PRIMASK(uint32_t primask)
{
        __asm__ volatile("msr primask, %0" ::"r"(primask) : "memory");
}

__STATIC_FORCEINLINE void __disable_fault_irq(void)
{
        __asm__ volatile("cpsid f" ::: "memory");
}

__STATIC_FORCEINLINE void __enable_fault_irq(void)
{
        __asm__ volatile("cpsie f" ::: "memory");
}

__STATIC_FORCEINLINE uint32_t __get_FAULTMASK(void)
{
        uint32_t faultmask;
        __asm__ volatile("mrs %0, faultmask" : "=r"(faultmask)::"memory");
        return faultmask;
}

__STATIC_FORCEINLINE void __set_FAULTMASK(uint32_t faultmask)
{
        __asm__ volatile("msr faultmask, %0" ::"r"(faultmask) : "memory");
}

/* The priority stands in the upper four bits of the register's byte; 0 is off. */
__STATIC_FORCEINLINE uint32_t __get_BASEPRI(void)
{
        uint32_t basepri;
        __asm__ volatile("mrs %0, basepri" : "=r"(basepri)::"memory");
        return basepri;
}

__STATIC_FORCEINLINE void __set_BASEPRI(uint32_t basepri)
{
        __asm__ volatile("msr basepri, %0" ::"r"(basepri) : "memory");
}

/* Only ever makes it more urgent. */
__STATIC_FORCEINLINE void __set_BASEPRI_MAX(uint32_t basepri)
{
        __asm__ volatile("msr basepri_max, %0" ::"r"(basepri) : "memory");
}

__STATIC_FORCEINLINE uint32_t __get_IPSR(void)
{
        uint32_t ipsr;
        __asm__ volatile("mrs %0, ipsr" : "=r"(ipsr));
        return ipsr;
}

__STATIC_FORCEINLINE void __WFI(void)
{
        __asm__ volatile("wfi" ::: "memory");
}

__STATIC_FORCEINLINE void __WFE(void)
{
        __asm__ volatile("wfe" ::: "memory");
}

__STATIC_FORCEINLINE void __SEV(void)
{
        __asm__ volatile("sev" ::: "memory");
}

__STATIC_FORCEINLINE void __NOP(void)
{
        __asm__ volatile("nop");
}

__STATIC_FORCEINLINE void __DSB(void)
{
        __asm__ volatile("dsb 0xf" ::: "memory");
}

__STATIC_FORCEINLINE void __DMB(void)
{
        __asm__ volatile("dmb 0xf" ::: "memory");
}

__STATIC_FORCEINLINE void __ISB(void)
{
        __asm__ volatile("isb 0xf" ::: "memory");
}

#endif
