/*
 * The report of an application's fault, on standard error: what the device would have called it, address, owner, who
 * lent it and when, which handler was running, the calls. The process then ends as it would have without the report.
 */
#ifndef MVS_REPORT_H
#define MVS_REPORT_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

struct mvs_machine;
struct mvs_lent;
struct mvs_words;

/*
 * The machine is up: the fault handlers are installed and may ask it; its windows are reserved; the calling thread has
 * an alternate stack, so that an overflow of its stack can be reported. 0 or a negative errno.
 */
int mvs_report_start(struct mvs_machine *machine) __attribute__((warn_unused_result));
void mvs_report_stop(struct mvs_machine *machine);

/* In the child of a fork: there is no machine. */
void mvs_report_forget(struct mvs_machine *machine);

/* From the signal's handler. Without a machine nothing is written. */
void mvs_report_fault(int signal, const siginfo_t *info, void *context);

/* The same for an instruction that began beside lent memory and changed `address` in it. */
void mvs_report_reached(uintptr_t address, void *context);

/* Not from a signal's handler: `address` in the loan was changed, as found in the call `where`, or, NULL, when it came
 * back. */
_Noreturn void mvs_report_written(const struct mvs_lent *lent, uintptr_t address, const char *where);

/* The arena's guard words were changed, as found in the call `where`, or, NULL, at the end. */
_Noreturn void mvs_report_damage(const struct mvs_words *words, const char *where);

#endif
