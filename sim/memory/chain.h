/*
 * The handlers of the signals that faults raise, and who is asked in which order: the copies, the guard of lent pages,
 * then the report; then whoever had the signal before.
 */
#ifndef MVS_CHAIN_H
#define MVS_CHAIN_H

#include <signal.h>
#include <stdbool.h>

/* Is the handler of this signal ours, with nobody's over it? */
bool mvs_chain_is_ours(int signal);

/* True: the fault was a copy's, and the interrupted code may go on. Does not return where the copy fails. (copy.c) */
bool mvs_copy_fault(const siginfo_t *info, void *context);

/* Ends the process by the signal, with its default action. */
_Noreturn void mvs_chain_end(int signal);

#endif
