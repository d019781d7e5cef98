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

/* The status with which the process ends when the application resets the device. */
#define MVSIM_EXIT_RESET 75

/* ---- NVIC ---- */

/* Of a fast interrupt, only Microvisor switches the enable bit: these two then do nothing but say so. */
void mvsim_nvic_enable(int32_t irq);
void mvsim_nvic_disable(int32_t irq);
uint32_t mvsim_nvic_is_enabled(int32_t irq);
void mvsim_nvic_set_pending(int32_t irq);
void mvsim_nvic_clear_pending(int32_t irq);
uint32_t mvsim_nvic_is_pending(int32_t irq);
uint32_t mvsim_nvic_is_active(int32_t irq);

/* Priorities are 0 (most urgent) to 15; also those of SVCall (-5), PendSV (-2) and SysTick (-1). */
void mvsim_nvic_set_priority(int32_t irq, uint32_t priority);
uint32_t mvsim_nvic_get_priority(int32_t irq);

/* PRIGROUP, 0 to 7: how many bits of a priority's byte are sub-priority, less one. The lower four do not exist. */
void mvsim_nvic_set_priority_grouping(uint32_t grouping);
uint32_t mvsim_nvic_get_priority_grouping(void);

/* The handler of an interrupt or of SVCall, PendSV, SysTick: by default the function of its CMSIS name, where the
 * application defines it. A NULL handler brings the default back. */
void mvsim_nvic_set_vector(int32_t irq, void (*handler)(void));
void (*mvsim_nvic_get_vector(int32_t irq))(void);

/* ---- system exceptions ---- */

/* Pends (1) or unpends (0) SVCall, PendSV or SysTick, as the bits of SCB->ICSR and SHCSR do; whether one is pending. */
void mvsim_cpu_pend_system(int32_t irq, uint32_t pending);
uint32_t mvsim_cpu_is_system_pending(int32_t irq);

/* SysTick every `ticks` cycles of the AHB clock (mvGetHClk), with the least urgent priority. 1, and nothing done, when
 * the counter's 24 bits do not hold it; else 0. */
uint32_t mvsim_systick_config(uint32_t ticks);
void mvsim_systick_stop(void);

/* The counter's value: from ticks - 1 down to 0; 0 when stopped. */
uint32_t mvsim_systick_value(void);

/* ---- registers ---- */

/*
 * The system control block and SysTick, as far as they are simulated. A member that is not here would have no effect,
 * so that an application which uses it does not compile.
 *
 * What is stored takes effect at the next DSB or ISB, CMSIS function or system call, or at the handler's end, and when
 * SCB or SysTick is used again: the device promises no more, although it is usually faster. What is read is the state
 * of things when SCB or SysTick was evaluated. Of ICSR, VECTPENDING is not simulated and reads as 0; COUNTFLAG is
 * cleared by the next use of SysTick, whichever member that reads.
 */
struct mvsim_scb_registers {
        volatile uint32_t CPUID;
        volatile uint32_t ICSR;
        volatile uint32_t AIRCR; /* PRIGROUP, in a write with the key; reset by NVIC_SystemReset alone */
        volatile uint32_t SCR;
        volatile uint8_t SHPR[12]; /* SVCall, PendSV and SysTick: 7, 10, 11 */
};

struct mvsim_systick_registers {
        volatile uint32_t CTRL;
        volatile uint32_t LOAD;
        volatile uint32_t VAL;
        volatile uint32_t CALIB; /* 0: not known, as on the device */
};

struct mvsim_scb_registers *mvsim_scb(void);
struct mvsim_systick_registers *mvsim_systick(void);

/* DSB and ISB: a barrier of the host's; what was stored in a register takes effect. */
void mvsim_cpu_barrier(void);

/* ---- processor ---- */

void mvsim_cpu_disable_irq(void); /* PRIMASK = 1 */
void mvsim_cpu_enable_irq(void);  /* PRIMASK = 0; takes what became due */
uint32_t mvsim_cpu_get_primask(void);
void mvsim_cpu_set_primask(uint32_t primask);

/* FAULTMASK holds everything back, and is cleared when a handler returns. */
uint32_t mvsim_cpu_get_faultmask(void);
void mvsim_cpu_set_faultmask(uint32_t faultmask);

/* BASEPRI as the register holds it: the priority in the upper four bits of a byte; 0 is off. `raise` only makes it more
 * urgent, as BASEPRI_MAX does. */
uint32_t mvsim_cpu_get_basepri(void);
void mvsim_cpu_set_basepri(uint32_t basepri);
void mvsim_cpu_raise_basepri(uint32_t basepri);

/* IPSR: 0 in thread mode, 16 + the interrupt's number in its handler, 14 in PendSV's, 15 in SysTick's. */
uint32_t mvsim_cpu_get_ipsr(void);

/* Waits until an interrupt is pending that would be taken if PRIMASK were 0. PRIMASK does not keep it from returning;
 * the interrupt is then taken on unmasking. In virtual time the clock jumps to what happens next. Where nothing is left
 * to happen and the process has no other thread, the process ends with a report and status MVSIM_EXIT_DEADLOCK. */
void mvsim_cpu_wfi(void);

/* Waits for an event: an interrupt that is taken, one that becomes pending where SEVONPEND is set, a handler's end,
 * mvsim_cpu_sev(). Returns at once, and forgets it, when there was one since the last wait. */
void mvsim_cpu_wfe(void);
void mvsim_cpu_sev(void);

/* The system control register: bit 1 SLEEPONEXIT, bit 2 SLEEPDEEP (kept, without effect), bit 4 SEVONPEND. */
void mvsim_cpu_set_scr(uint32_t scr);
uint32_t mvsim_cpu_get_scr(void);

/* The application restarts the device: the process ends with MVSIM_EXIT_RESET after its exit handlers. */
void mvsim_cpu_reset(void) __attribute__((noreturn));

/*
 * Called whenever the last active handler has returned, on the stack of the code that it had interrupted and with
 * interrupts coming as they do: the place where an RTOS port switches stacks, having chosen a task in PendSV's handler.
 * A call may return on another stack than it was made on. NULL: no such function. From thread mode or handlers.
 */
void mvsim_cpu_on_thread_mode(void (*function)(void));

#ifdef __cplusplus
}
#endif

#endif
