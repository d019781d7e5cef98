/*
 * The simulated Cortex-M33, as the host's stand-ins for the CMSIS headers (include/board) reach it.
 *
 * Applications use the CMSIS names (NVIC_EnableIRQ, __disable_irq, __WFI); this header is what those are made of on
 * the host. Every function boots the device if it is not running yet. All may be called from handlers. Interrupt
 * numbers are the device's: 0 to 124; a number outside is reported on standard error and otherwise ignored, as the
 * device ignores writes to registers that it does not have.
 */
#ifndef MVSIM_CORTEX_H
#define MVSIM_CORTEX_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MVSIM_IRQ_COUNT 125

/* ---- NVIC ---- */

void mvsim_nvic_enable(int32_t irq);
void mvsim_nvic_disable(int32_t irq);
uint32_t mvsim_nvic_is_enabled(int32_t irq);
void mvsim_nvic_set_pending(int32_t irq);
void mvsim_nvic_clear_pending(int32_t irq);
uint32_t mvsim_nvic_is_pending(int32_t irq);
uint32_t mvsim_nvic_is_active(int32_t irq);

/* Priorities are 0 (most urgent) to 15. */
void mvsim_nvic_set_priority(int32_t irq, uint32_t priority);
uint32_t mvsim_nvic_get_priority(int32_t irq);

/* The handler of a line: by default the function of the line's CMSIS name, where the application defines it.
 * A NULL handler brings the default back. */
void mvsim_nvic_set_vector(int32_t irq, void (*handler)(void));
void (*mvsim_nvic_get_vector(int32_t irq))(void);

/* ---- processor ---- */

void mvsim_cpu_disable_irq(void); /* PRIMASK = 1 */
void mvsim_cpu_enable_irq(void);  /* PRIMASK = 0; takes what became due */
uint32_t mvsim_cpu_get_primask(void);
void mvsim_cpu_set_primask(uint32_t primask);

/* IPSR: 0 in thread mode, 16 + the interrupt's number in its handler. */
uint32_t mvsim_cpu_get_ipsr(void);

/* Waits until an enabled interrupt is pending. PRIMASK does not keep it from returning; the interrupt is then taken on
 * unmasking. In virtual time the clock jumps to what happens next. */
void mvsim_cpu_wfi(void);

#ifdef __cplusplus
}
#endif

#endif
