/*
 * One instruction of the application, run with pages open that are otherwise closed.
 *
 * The trap flag makes the processor raise a trap after the instruction. Until then every other signal is blocked, so
 * that no handler runs in between with the pages open. A step belongs to one thread. Machines on which a program cannot
 * step itself have none (AArch64).
 */
#ifndef MVS_STEP_H
#define MVS_STEP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define MVS_STEP_PAGES 4 /* an instruction with two operands, each of which may straddle */

/* Can a program step itself on this kind of machine, without a tool that watches it? */
bool mvs_step_supported(void);

/* Does it work now: are the handlers of the signals ours, does the application, with this mask, not block them, and is
 * no debugger there, which would take every trap for its own? */
bool mvs_step_possible(const sigset_t *mask);

/* Every signal but those that faults raise. */
void mvs_step_mask(sigset_t *ret);

/* From the handler of a fault: the interrupted instruction is to be run with `page` open. A step that is under way goes
 * on with one page more. False when it cannot have more. */
bool mvs_step_begin(uintptr_t page, void *context);

/* Is an instruction under way? */
bool mvs_step_active(void);

/* Ends it: the signals that were blocked are free again when the handler returns. Returns how many pages it had. */
unsigned mvs_step_end(void *context, uintptr_t ret_pages[MVS_STEP_PAGES]);

/* The trap flag of the code that a handler returns to. */
void mvs_step_set_flag(void *context, bool on);
bool mvs_step_has_flag(const void *context);

#endif
