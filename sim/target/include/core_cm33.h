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
#include "cm33_bits.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writing 1 to a bit of a set or clear bank acts on its line. */
typedef struct {
        __IOM uint32_t ISER[16]; /* set enable */
        uint32_t RESERVED0[16];
        __IOM uint32_t ICER[16]; /* clear enable */
        uint32_t RESERVED1[16];
        __IOM uint32_t ISPR[16]; /* set pending */
        uint32_t RESERVED2[16];
        __IOM uint32_t ICPR[16]; /* clear pending */
        uint32_t RESERVED3[16];
        __IOM uint32_t IABR[16]; /* active */
        uint32_t RESERVED4[16];
        __IOM uint32_t ITNS[16]; /* zero in the non-secure view */
        uint32_t RESERVED5[16];
        __IOM uint8_t IPR[496]; /* priorities, a byte a line */
} NVIC_Type;

typedef struct {
        __IM uint32_t CPUID;
        __IOM uint32_t ICSR;
        __IOM uint32_t VTOR;
        __IOM uint32_t AIRCR;
        __IOM uint32_t SCR;
        __IOM uint32_t CCR;
        __IOM uint8_t SHPR[12]; /* priorities of exceptions 4 to 15 */
        __IOM uint32_t SHCSR;
        __IOM uint32_t CFSR;
        __IOM uint32_t HFSR;
        __IOM uint32_t DFSR;
        __IOM uint32_t MMFAR;
        __IOM uint32_t BFAR;
        __IOM uint32_t AFSR;
        __IM uint32_t ID_PFR[2];
        __IM uint32_t ID_DFR;
        __IM uint32_t ID_AFR;
        __IM uint32_t ID_MMFR[4];
        __IM uint32_t ID_ISAR[6];
        __IM uint32_t CLIDR;
        __IM uint32_t CTR;
        __IM uint32_t CCSIDR;
        __IOM uint32_t CSSELR;
        __IOM uint32_t CPACR;
        __IOM uint32_t NSACR;
} SCB_Type;

typedef struct {
        __IOM uint32_t CTRL;
        __IOM uint32_t LOAD;
        __IOM uint32_t VAL;
        __IM uint32_t CALIB;
} SysTick_Type;

#define SCS_BASE     0xE000E000UL
#define SysTick_BASE (SCS_BASE + 0x010UL)
#define NVIC_BASE    (SCS_BASE + 0x100UL)
#define SCB_BASE     (SCS_BASE + 0xD00UL)
#define SysTick      ((SysTick_Type *)SysTick_BASE)
#define NVIC         ((NVIC_Type *)NVIC_BASE)
#define SCB          ((SCB_Type *)SCB_BASE)

__STATIC_INLINE void mvs_nvic_write(__IOM uint32_t *bank, IRQn_Type irq)
{
        if ((int32_t)irq >= 0)
                bank[(uint32_t)irq / 32U] = 1UL << ((uint32_t)irq % 32U);
}

__STATIC_INLINE uint32_t mvs_nvic_read(const __IOM uint32_t *bank, IRQn_Type irq)
{
        return (int32_t)irq < 0 ? 0U : bank[(uint32_t)irq / 32U] >> ((uint32_t)irq % 32U) & 1U;
}

__STATIC_INLINE __IOM uint8_t *mvs_nvic_priority(IRQn_Type irq)
{
        return (int32_t)irq < 0 ? &SCB->SHPR[(int32_t)irq + 12] : &NVIC->IPR[(uint32_t)irq];
}

__STATIC_INLINE __IOM uint32_t *mvs_nvic_vector(IRQn_Type irq)
{
        return (__IOM uint32_t *)SCB->VTOR + 16 + (int32_t)irq;
}

/* What was stored before it is seen by the handler, which may run at once. */
__STATIC_INLINE void NVIC_EnableIRQ(IRQn_Type irq)
{
        __COMPILER_BARRIER();
        mvs_nvic_write(NVIC->ISER, irq);
        __COMPILER_BARRIER();
}

/* After it returns the handler does not start any more. */
__STATIC_INLINE void NVIC_DisableIRQ(IRQn_Type irq)
{
        mvs_nvic_write(NVIC->ICER, irq);
        __DSB();
        __ISB();
}

__STATIC_INLINE uint32_t NVIC_GetEnableIRQ(IRQn_Type irq)
{
        return mvs_nvic_read(NVIC->ISER, irq);
}

__STATIC_INLINE void NVIC_SetPendingIRQ(IRQn_Type irq)
{
        mvs_nvic_write(NVIC->ISPR, irq);
}

__STATIC_INLINE void NVIC_ClearPendingIRQ(IRQn_Type irq)
{
        mvs_nvic_write(NVIC->ICPR, irq);
}

__STATIC_INLINE uint32_t NVIC_GetPendingIRQ(IRQn_Type irq)
{
        return mvs_nvic_read(NVIC->ISPR, irq);
}

__STATIC_INLINE uint32_t NVIC_GetActive(IRQn_Type irq)
{
        return mvs_nvic_read(NVIC->IABR, irq);
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

/* ---- priority grouping ---- */

/* PRIGROUP, 0 to 7. */
__STATIC_INLINE void NVIC_SetPriorityGrouping(uint32_t grouping)
{
        uint32_t kept = SCB->AIRCR & ~(SCB_AIRCR_VECTKEY_Msk | SCB_AIRCR_PRIGROUP_Msk);
        SCB->AIRCR = 0x5FAU << SCB_AIRCR_VECTKEY_Pos | (grouping & 7U) << SCB_AIRCR_PRIGROUP_Pos | kept;
}

__STATIC_INLINE uint32_t NVIC_GetPriorityGrouping(void)
{
        return (SCB->AIRCR & SCB_AIRCR_PRIGROUP_Msk) >> SCB_AIRCR_PRIGROUP_Pos;
}

/* The bits of a priority that decide about preemption, and those that order what is pending, for a grouping. */
__STATIC_INLINE uint32_t mvs_sub_bits(uint32_t grouping)
{
        uint32_t bits = (grouping & 7U) + 1U;
        return bits > 8U - __NVIC_PRIO_BITS ? bits - (8U - __NVIC_PRIO_BITS) : 0U;
}

__STATIC_INLINE uint32_t NVIC_EncodePriority(uint32_t grouping, uint32_t preempt, uint32_t sub)
{
        uint32_t sub_bits = mvs_sub_bits(grouping);
        uint32_t preempt_mask = (1U << (__NVIC_PRIO_BITS - sub_bits)) - 1U;
        return (preempt & preempt_mask) << sub_bits | (sub & ((1U << sub_bits) - 1U));
}

__STATIC_INLINE void NVIC_DecodePriority(uint32_t priority, uint32_t grouping, uint32_t *const preempt,
                                         uint32_t *const sub)
{
        uint32_t sub_bits = mvs_sub_bits(grouping);
        *preempt = priority >> sub_bits & ((1U << (__NVIC_PRIO_BITS - sub_bits)) - 1U);
        *sub = priority & ((1U << sub_bits) - 1U);
}

/* ---- the system timer and the reset ---- */

/* Interrupts every `ticks` cycles, with the least urgent priority. 1 when the counter does not hold so many. */
__STATIC_INLINE uint32_t SysTick_Config(uint32_t ticks)
{
        if (ticks - 1U > SysTick_LOAD_RELOAD_Msk)
                return 1;
        SysTick->LOAD = ticks - 1U;
        NVIC_SetPriority(SysTick_IRQn, (1U << __NVIC_PRIO_BITS) - 1U);
        SysTick->VAL = 0;
        SysTick->CTRL = SysTick_CTRL_CLKSOURCE_Msk | SysTick_CTRL_TICKINT_Msk | SysTick_CTRL_ENABLE_Msk;
        return 0;
}

/* What was stored before is in memory when the reset comes. */
__NO_RETURN __STATIC_INLINE void NVIC_SystemReset(void)
{
        __DSB();
        SCB->AIRCR =
                0x5FAUL << SCB_AIRCR_VECTKEY_Pos | (SCB->AIRCR & SCB_AIRCR_PRIGROUP_Msk) | SCB_AIRCR_SYSRESETREQ_Msk;
        __DSB();
        for (;;)
                __NOP();
}

#ifdef __cplusplus
}
#endif

#endif
