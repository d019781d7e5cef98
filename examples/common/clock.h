/* Time, as Microvisor counts it. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Since the device booted. */
uint64_t clock_us(void);

/* Sleeps until an interrupt's handler has raised the flag, and lowers it. */
void clock_wait(volatile bool *flag);

/* Waits until the flag is raised, or for so long. True: it is raised. */
bool clock_wait_for(const volatile bool *flag, uint32_t limit_ms);

#endif
