/*
 * The host's system calls beside lent memory.
 *
 * The kernel does not fault on a protected page: a system call that is given a neighbour of lent bytes fails with
 * EFAULT, which a correct application does not expect. So, while pages with neighbours are protected, the threads that
 * may have to do with them have their system calls dispatched (Linux: syscall user dispatch): each raises SIGSYS first.
 * Its handler opens the pages if an argument may point into them, and lets the call run with the trap flag set, so that
 * a trap comes when it is done. Any other call is diverted to a place whose calls the kernel does not dispatch. Where
 * the kernel has no such thing, pages with neighbours are not protected.
 *
 * A thread with dispatch must not block the signals of faults, or it would end at its next call: requests to block them
 * are carried out without them.
 */
#ifndef MVS_DISPATCH_H
#define MVS_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#define MVS_DISPATCH_ARGS 6

/* What is to be done about a call that was dispatched. */
enum mvs_dispatch_answer {
        MVS_DISPATCH_DONE,  /* nothing: it was carried out, and the result is in place */
        MVS_DISPATCH_OPEN,  /* let it run with the pages open that its arguments may point into */
        MVS_DISPATCH_ALL,   /* let it run with all of them open: its arguments point to pointers */
        MVS_DISPATCH_START, /* the same; it starts a thread or a process, on a stack that may be another */
        MVS_DISPATCH_LAST,  /* let it run; the thread does not come back */
        MVS_DISPATCH_YIELD, /* let it run; it takes the signals over that the pages need */
};

/* The calling thread's calls can be, and from now on are, dispatched. False when that is impossible here, or a handler
 * of the application's would run with the signals of faults blocked. */
bool mvs_dispatch_enrol(void);
bool mvs_dispatch_is_enrolled(void);

/* In the child of a fork, whose calls are not dispatched. */
void mvs_dispatch_forget(void);

/* Switches the dispatch of the calling thread; nothing happens for one that is not enrolled. Returns what it was. */
bool mvs_dispatch_switch(bool on);

/* From the handler of SIGSYS: prepares the call to run again, and says what is to be done. */
enum mvs_dispatch_answer mvs_dispatch_prepare(void *context, uintptr_t ret_arguments[MVS_DISPATCH_ARGS]);

/* After that: the call runs where it is not dispatched, and goes on where it came from. False: no room on the stack. */
bool mvs_dispatch_divert(void *context);

/* Sets the handler's way back to the kernel to one that is never dispatched. */
void mvs_dispatch_set_return(int signal);

#endif
