/* The call stack of a thread, and names for what stands in it. Nothing here allocates or takes an application's lock.
 */
#ifndef MVS_BACKTRACE_H
#define MVS_BACKTRACE_H

#include <stdint.h>

/*
 * The calling thread's stack, innermost first: addresses of instructions that have begun. In a signal handler it is
 * that of the code which the signal interrupted. Returns how many, `max` at most. Safe in signal handlers.
 */
unsigned mvs_backtrace(uintptr_t *ret_frames, unsigned max);

/* What stands at an address. The string is the dynamic linker's. */
struct mvs_code {
        uintptr_t base;       /* where the file is loaded that it is in; 0: it is in none */
        const char *function; /* the exported function that the address lies in; NULL when that names none */
};

struct mvs_code mvs_code_at(uintptr_t address);

#endif
