/*
 * From reset to main: the vector table, and what C needs before its first line runs.
 *
 * Every handler is a weak name that an application replaces by defining a function of that name; those that it leaves
 * stop in Default_Handler, where a debugger finds them.
 */
#include <stdint.h>

#include "stm32u5xx.h"

extern uint32_t _estack[], _sidata[], _sdata[], _edata[], _sbss[], _ebss[];
extern void (*const __preinit_array_start[])(void), (*const __preinit_array_end[])(void);
extern void (*const __init_array_start[])(void), (*const __init_array_end[])(void);

int main(void);
void Reset_Handler(void);
void Default_Handler(void);

void Default_Handler(void)
{
        for (;;)
                __NOP();
}

#define MVS_HANDLER(name)     void name(void) __attribute__((weak, alias("Default_Handler")));
#define MVS_IRQ(name, number) MVS_HANDLER(name##_IRQHandler)
MVS_HANDLER(NMI_Handler)
MVS_HANDLER(HardFault_Handler)
MVS_HANDLER(MemManage_Handler)
MVS_HANDLER(BusFault_Handler)
MVS_HANDLER(UsageFault_Handler)
MVS_HANDLER(SecureFault_Handler)
MVS_HANDLER(SVC_Handler)
MVS_HANDLER(DebugMon_Handler)
MVS_HANDLER(PendSV_Handler)
MVS_HANDLER(SysTick_Handler)
#include "../nvic/irq.def"

struct mvs_vector_table {
        uint32_t *initial_stack;
        void (*exception[15])(void);
        void (*interrupt[FMAC_IRQn + 1])(void);
};

extern const struct mvs_vector_table mvs_vectors;

/* exception[n - 1] is exception n. */
__attribute__((section(".isr_vector"), used)) const struct mvs_vector_table mvs_vectors = {
        .initial_stack = _estack,
        .exception =
                {
                        [0] = Reset_Handler,
                        [1] = NMI_Handler,
                        [2] = HardFault_Handler,
                        [3] = MemManage_Handler,
                        [4] = BusFault_Handler,
                        [5] = UsageFault_Handler,
                        [6] = SecureFault_Handler,
                        [10] = SVC_Handler,
                        [11] = DebugMon_Handler,
                        [13] = PendSV_Handler,
                        [14] = SysTick_Handler,
                },
        .interrupt =
                {
#define MVS_IRQ(name, number) [number] = name##_IRQHandler,
#include "../nvic/irq.def"
                },
};

__WEAK void SystemInit(void)
{
}

#ifdef __ARM_FP
/* Full access to coprocessors 10 and 11, which are the floating-point unit; a build for it uses it from here on. */
static void enable_fpu(void)
{
        *(__IO uint32_t *)0xE000ED88UL |= 0xFUL << 20;
        __DSB();
        __ISB();
}
#endif

static void init_data(void)
{
        const uint32_t *from = _sidata;
        for (uint32_t *to = _sdata; to < _edata; to++)
                *to = *from++;
        for (uint32_t *to = _sbss; to < _ebss; to++)
                *to = 0;
}

static void run_constructors(void)
{
        for (void (*const *construct)(void) = __preinit_array_start; construct < __preinit_array_end; construct++)
                (*construct)();
        for (void (*const *construct)(void) = __init_array_start; construct < __init_array_end; construct++)
                (*construct)();
}

void Reset_Handler(void)
{
#ifdef __ARM_FP
        enable_fpu();
#endif
        init_data();
        SystemInit();
        run_constructors();
        main();
        for (;;)
                __WFI();
}
