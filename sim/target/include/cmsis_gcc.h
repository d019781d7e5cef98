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
