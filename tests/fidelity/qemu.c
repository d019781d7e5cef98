/*
 * What the interpreter needs on QEMU's mps2-an505: a vector table at the start of code memory, cleared data, and
 * semihosting for output and the end. The programs are put into memory by QEMU's loader device.
 */
#include "interpreter.h"

#include "stm32u5xx.h"

#define PROGRAMS ((const uint8_t *)0x38200000)

#define SYS_OPEN  0x01
#define SYS_WRITE 0x05
#define SYS_EXIT  0x18

#define MODE_WRITE       4
#define APPLICATION_EXIT 0x20026

extern uint32_t fidelity_stack[], fidelity_bss[], fidelity_bss_end[];

static uint32_t output;

static uint32_t semihost(uint32_t operation, const void *argument)
{
        register uint32_t r0 __asm__("r0") = operation;
        register const void *r1 __asm__("r1") = argument;
        __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
        return r0;
}

void fidelity_write(const char *text, uint32_t len)
{
        const uint32_t arguments[] = {output, (uint32_t)text, len};
        semihost(SYS_WRITE, arguments);
}

/* ":tt" is the terminal: QEMU's standard output. */
static void open_output(void)
{
        static const char name[] = ":tt";
        const uint32_t arguments[] = {(uint32_t)name, MODE_WRITE, sizeof name - 1};
        output = semihost(SYS_OPEN, arguments);
}

void Reset_Handler(void);
void Reset_Handler(void)
{
        for (uint32_t *at = fidelity_bss; at < fidelity_bss_end; at++)
                *at = 0;
        open_output();
        fidelity_run(PROGRAMS);
        semihost(SYS_EXIT, (const void *)APPLICATION_EXIT);
        for (;;)
                __NOP();
}

/* A fault, or an interrupt that no program uses, ends the run and says which. */
static void unexpected(void)
{
        char text[] = "exception 000\n";
        uint32_t ipsr = __get_IPSR();
        text[10] = (char)('0' + ipsr / 100);
        text[11] = (char)('0' + ipsr / 10 % 10);
        text[12] = (char)('0' + ipsr % 10);
        fidelity_write(text, sizeof text - 1);
        semihost(SYS_EXIT, (const void *)APPLICATION_EXIT);
}

void TIM1_BRK_IRQHandler(void);
void TIM2_IRQHandler(void);
void TIM8_BRK_IRQHandler(void);
void USART1_IRQHandler(void);
void I2C4_EV_IRQHandler(void);
void CORDIC_IRQHandler(void);
void PendSV_Handler(void);
void SysTick_Handler(void);

typedef void handler_fn(void);

#define EXCEPTION(irq) [(irq) + 15]

static const struct {
        uint32_t *stack;
        handler_fn *handlers[15 + 125];
} vectors __attribute__((section(".vectors"), used)) = {
        .stack = fidelity_stack,
        .handlers =
                {
                        EXCEPTION(Reset_IRQn) = Reset_Handler,
                        EXCEPTION(NonMaskableInt_IRQn) = unexpected,
                        EXCEPTION(HardFault_IRQn) = unexpected,
                        EXCEPTION(MemoryManagement_IRQn) = unexpected,
                        EXCEPTION(BusFault_IRQn) = unexpected,
                        EXCEPTION(UsageFault_IRQn) = unexpected,
                        EXCEPTION(SecureFault_IRQn) = unexpected,
                        EXCEPTION(PendSV_IRQn) = PendSV_Handler,
                        EXCEPTION(SysTick_IRQn) = SysTick_Handler,
                        EXCEPTION(TIM1_BRK_IRQn) = TIM1_BRK_IRQHandler,
                        EXCEPTION(TIM2_IRQn) = TIM2_IRQHandler,
                        EXCEPTION(TIM8_BRK_IRQn) = TIM8_BRK_IRQHandler,
                        EXCEPTION(USART1_IRQn) = USART1_IRQHandler,
                        EXCEPTION(I2C4_EV_IRQn) = I2C4_EV_IRQHandler,
                        EXCEPTION(CORDIC_IRQn) = CORDIC_IRQHandler,
                },
};
