/*
 * The vector table: one weak reference per CMSIS handler name.
 *
 * A weak reference in a shared library makes the static linker export the application's definition of the same name,
 * so that a handler is found without any linker option, as the target's vector table would find it.
 */
#include "sim/nvic/nvic.h"

#define MVS_IRQ(name, number) void name##_IRQHandler(void) __attribute__((weak, visibility("default")));
#include "sim/nvic/irq.def"

mvs_handler_fn *mvs_vector_of(unsigned irq)
{
        static mvs_handler_fn *const vectors[MVS_IRQ_COUNT] = {
#define MVS_IRQ(name, number) [number] = name##_IRQHandler,
#include "sim/nvic/irq.def"
        };
        return vectors[irq];
}

const char *mvs_irq_name(unsigned irq)
{
        static const char *const names[MVS_IRQ_COUNT] = {
#define MVS_IRQ(name, number) [number] = #name,
#include "sim/nvic/irq.def"
        };
        return names[irq];
}
