/*
 * The NVIC on the host, under its CMSIS names, over the simulated one (mvsim/cortex.h).
 *
 * As on the device: a new event during its handler pends the line again, NVIC_EnableIRQ of a pending line takes the
 * interrupt at once, and only the upper four of a priority's bits exist, so that priorities are 0 (most urgent) to 15.
 * All functions may be called from handlers.
 */
#ifndef CORE_CM33_H
#define CORE_CM33_H

#include <stm32u585xx.h>
#include <cmsis_compiler.h>
#include "cm33_bits.h"
#include "mvsim/cortex.h"

#ifdef __cplusplus
extern "C" {
#endif

__STATIC_INLINE void NVIC_EnableIRQ(IRQn_Type irq)
{
        mvsim_nvic_enable(irq);
}

__STATIC_INLINE void NVIC_DisableIRQ(IRQn_Type irq)
{
        mvsim_nvic_disable(irq);
}

__STATIC_INLINE uint32_t NVIC_GetEnableIRQ(IRQn_Type irq)
{
        return mvsim_nvic_is_enabled(irq);
}

__STATIC_INLINE void NVIC_SetPendingIRQ(IRQn_Type irq)
{
        mvsim_nvic_set_pending(irq);
}

__STATIC_INLINE void NVIC_ClearPendingIRQ(IRQn_Type irq)
{
        mvsim_nvic_clear_pending(irq);
}

__STATIC_INLINE uint32_t NVIC_GetPendingIRQ(IRQn_Type irq)
{
        return mvsim_nvic_is_pending(irq);
}

__STATIC_INLINE uint32_t NVIC_GetActive(IRQn_Type irq)
{
        return mvsim_nvic_is_active(irq);
}

/* The register keeps four bits of the priority; 16 is 0 again, there as here. */
__STATIC_INLINE void NVIC_SetPriority(IRQn_Type irq, uint32_t priority)
{
        mvsim_nvic_set_priority(irq, priority & ((1U << __NVIC_PRIO_BITS) - 1U));
}

__STATIC_INLINE uint32_t NVIC_GetPriority(IRQn_Type irq)
{
        return mvsim_nvic_get_priority(irq);
}

/* Applications write NVIC_SetVector(irq, (uint32_t)handler), which loses half of a host address. The handler is code
 * of the program that this header is compiled into, and a program is smaller than 2 GiB: the missing half is the one
 * that brings the address closest to this function. */
__STATIC_INLINE uintptr_t mvs_whole_handler_address(uintptr_t vector)
{
        uintptr_t here = (uintptr_t)&mvs_whole_handler_address;
        if (vector == 0 || vector >> 16 >> 16 != 0)
                return vector;
        return here + (uintptr_t)(intptr_t)(int32_t)((uint32_t)vector - (uint32_t)here);
}

/* PRIGROUP, 0 to 7. */
__STATIC_INLINE void NVIC_SetPriorityGrouping(uint32_t grouping)
{
        mvsim_nvic_set_priority_grouping(grouping);
}

__STATIC_INLINE uint32_t NVIC_GetPriorityGrouping(void)
{
        return mvsim_nvic_get_priority_grouping();
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

/* As far as they are simulated: see mvsim/cortex.h. */
typedef struct mvsim_scb_registers SCB_Type;
typedef struct mvsim_systick_registers SysTick_Type;
#define SCB     (mvsim_scb())
#define SysTick (mvsim_systick())

/* Does not return; on the host the process ends with MVSIM_EXIT_RESET. */
__NO_RETURN __STATIC_INLINE void NVIC_SystemReset(void)
{
        mvsim_cpu_reset();
}

/* 1 when the counter does not hold so many ticks. */
__STATIC_INLINE uint32_t SysTick_Config(uint32_t ticks)
{
        return mvsim_systick_config(ticks);
}

/* 0 brings back the handler of the line's CMSIS name. */
__STATIC_INLINE void NVIC_SetVector(IRQn_Type irq, uintptr_t vector)
{
        mvsim_nvic_set_vector(irq, (void (*)(void))mvs_whole_handler_address(vector));
}

/* Wider than the device's uint32_t, as host addresses are. */
__STATIC_INLINE uintptr_t NVIC_GetVector(IRQn_Type irq)
{
        return (uintptr_t)mvsim_nvic_get_vector(irq);
}

#ifdef __cplusplus
}
#endif

#endif
