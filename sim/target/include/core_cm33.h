/*
 * The NVIC on the device, under its CMSIS names, over its registers (Armv8-M Architecture Reference Manual, "NVIC" and
 * "System Control Block"). The application runs in the non-secure world; the addresses show it that world's view.
 *
 * A line's enable, pending and active bits are bit (number mod 32) of word (number / 32) of a bank of registers;
 * writing 1 to a set or clear bank acts on that line and writing 0 on none. A negative number is an exception of the
 * processor: it has a priority and a vector, and the other functions ignore it.
 */
#ifndef CORE_CM33_H
#define CORE_CM33_H

#include <stm32u585xx.h>
#include <cmsis_compiler.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MVS_NVIC_ISER 0xE000E100UL /* set enable */
#define MVS_NVIC_ICER 0xE000E180UL /* clear enable */
#define MVS_NVIC_ISPR 0xE000E200UL /* set pending */
#define MVS_NVIC_ICPR 0xE000E280UL /* clear pending */
#define MVS_NVIC_IABR 0xE000E300UL /* active */
#define MVS_NVIC_IPR  0xE000E400UL /* priorities of interrupts, a byte each */
#define MVS_SCB_VTOR  0xE000ED08UL /* vector table */
#define MVS_SCB_SHPR  0xE000ED18UL /* priorities of exceptions 4 to 15, a byte each */

__STATIC_INLINE void mvs_nvic_write(uint32_t bank, IRQn_Type irq)
{
        if ((int32_t)irq < 0)
                return;
        *(__IO uint32_t *)(bank + 4U * ((uint32_t)irq / 32U)) = 1UL << ((uint32_t)irq % 32U);
}

__STATIC_INLINE uint32_t mvs_nvic_read(uint32_t bank, IRQn_Type irq)
{
        if ((int32_t)irq < 0)
                return 0;
        return *(__IO uint32_t *)(bank + 4U * ((uint32_t)irq / 32U)) >> ((uint32_t)irq % 32U) & 1U;
}

__STATIC_INLINE __IO uint8_t *mvs_nvic_priority(IRQn_Type irq)
{
        if ((int32_t)irq < 0)
                return (__IO uint8_t *)(MVS_SCB_SHPR + 12U + (uint32_t)(int32_t)irq);
        return (__IO uint8_t *)(MVS_NVIC_IPR + (uint32_t)irq);
}

__STATIC_INLINE __IO uint32_t *mvs_nvic_vector(IRQn_Type irq)
{
        return (__IO uint32_t *)*(__IO uint32_t *)MVS_SCB_VTOR + 16 + (int32_t)irq;
}

/* What was stored before it is seen by the handler, which may run at once. */
__STATIC_INLINE void NVIC_EnableIRQ(IRQn_Type irq)
{
        __COMPILER_BARRIER();
        mvs_nvic_write(MVS_NVIC_ISER, irq);
        __COMPILER_BARRIER();
}

/* After it returns the handler does not start any more. */
__STATIC_INLINE void NVIC_DisableIRQ(IRQn_Type irq)
{
        mvs_nvic_write(MVS_NVIC_ICER, irq);
        __DSB();
        __ISB();
}

__STATIC_INLINE uint32_t NVIC_GetEnableIRQ(IRQn_Type irq)
{
        return mvs_nvic_read(MVS_NVIC_ISER, irq);
}

__STATIC_INLINE void NVIC_SetPendingIRQ(IRQn_Type irq)
{
        mvs_nvic_write(MVS_NVIC_ISPR, irq);
}

__STATIC_INLINE void NVIC_ClearPendingIRQ(IRQn_Type irq)
{
        mvs_nvic_write(MVS_NVIC_ICPR, irq);
}

__STATIC_INLINE uint32_t NVIC_GetPendingIRQ(IRQn_Type irq)
{
        return mvs_nvic_read(MVS_NVIC_ISPR, irq);
}

__STATIC_INLINE uint32_t NVIC_GetActive(IRQn_Type irq)
{
        return mvs_nvic_read(MVS_NVIC_IABR, irq);
}

/* The four bits that exist are the upper ones of the byte. */
__STATIC_INLINE void NVIC_SetPriority(IRQn_Type irq, uint32_t priority)
{
        *mvs_nvic_priority(irq) = (uint8_t)(priority << (8U - __NVIC_PRIO_BITS));
}

__STATIC_INLINE uint32_t NVIC_GetPriority(IRQn_Type irq)
{
        return (uint32_t)*mvs_nvic_priority(irq) >> (8U - __NVIC_PRIO_BITS);
}

/* Needs a vector table in RAM, to which the application has pointed VTOR. */
__STATIC_INLINE void NVIC_SetVector(IRQn_Type irq, uint32_t vector)
{
        *mvs_nvic_vector(irq) = vector;
        __DSB();
}

__STATIC_INLINE uint32_t NVIC_GetVector(IRQn_Type irq)
{
        return *mvs_nvic_vector(irq);
}

#ifdef __cplusplus
}
#endif

#endif
