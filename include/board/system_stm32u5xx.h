/*
 * What an application's own system file defines. Nothing here is defined by the simulator: an application that uses
 * SystemCoreClock brings it, usually filled from mvGetHClk().
 */
#ifndef SYSTEM_STM32U5XX_H
#define SYSTEM_STM32U5XX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

extern uint32_t SystemCoreClock; /* Hz */

/* Called before main on the device (where the application defines it), never on the host. */
void SystemInit(void);
void SystemCoreClockUpdate(void);

#ifdef __cplusplus
}
#endif

#endif
