#include "clock.h"

#include "mv_syscalls.h"
#include "stm32u5xx.h"

uint32_t SystemCoreClock;

void SystemCoreClockUpdate(void)
{
        mvGetHClk(&SystemCoreClock);
}

uint64_t clock_us(void)
{
        uint64_t now = 0;
        mvGetMicroseconds(&now);
        return now;
}

/* Masked while it looks: an interrupt between the look and the sleep would be slept through. */
void clock_wait(volatile bool *flag)
{
        __disable_irq();
        while (!*flag) {
                __WFI();
                __enable_irq();
                __ISB();
                __disable_irq();
        }
        *flag = false;
        __enable_irq();
}

/* The end of the time has no interrupt that would end a __WFI, so the clock is looked at again and again. */
bool clock_wait_for(const volatile bool *flag, uint32_t limit_ms)
{
        uint64_t end = clock_us() + (uint64_t)limit_ms * 1000;
        while (!*flag && clock_us() < end)
                __NOP();
        return *flag;
}
