/*
 * The vector table: one weak reference per CMSIS handler name.
 *
 * A weak reference in a shared library makes the static linker export the application's definition of the same name,
 * so that a handler is found without any linker option, as the target's vector table would find it.
 */
#include "sim/nvic/nvic.h"

#include <stddef.h>

#define HANDLER void __attribute__((weak, visibility("default")))

HANDLER SVC_Handler(void);
HANDLER PendSV_Handler(void);
HANDLER SysTick_Handler(void);
#define MVS_IRQ(name, number) HANDLER name##_IRQHandler(void);
#include "sim/nvic/irq.def"

mvs_handler_fn *mvs_vector_of(unsigned vector)
{
        static mvs_handler_fn *const vectors[MVS_VECTORS] = {
                [MVS_VECTOR_SVCALL] = SVC_Handler,
                [MVS_VECTOR_PENDSV] = PendSV_Handler,
                [MVS_VECTOR_SYSTICK] = SysTick_Handler,
#define MVS_IRQ(name, number) [MVS_VECTOR_IRQ + (number)] = name##_IRQHandler,
#include "sim/nvic/irq.def"
        };
        return vectors[vector];
}

const char *mvs_vector_name(unsigned vector)
{
        static const char *const names[MVS_VECTORS] = {
#define MVS_EXCEPTION(name, number) [MVS_VECTOR_IRQ + (number)] = #name,
#define MVS_IRQ(name, number)       [MVS_VECTOR_IRQ + (number)] = #name,
#include "sim/nvic/irq.def"
        };
        return names[vector] ? names[vector] : "?";
}
