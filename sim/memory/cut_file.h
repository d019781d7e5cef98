/*
 * A mapping of a file that somebody else may cut short: an access behind the file's end is a fault, which would look
 * like the application's. Where it happens, memory takes the file's place, and the one who accesses goes on.
 *
 * There is one such mapping, that of the status coverage. What is written rarely, the event log and the external flash,
 * is written by copies that survive a fault (memory.h) instead.
 */
#ifndef MVS_CUT_FILE_H
#define MVS_CUT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Looks after the mapping from now on; NULL: after none. `what` names it in the message. */
void mvs_cut_file_watch(void *mapping, size_t len, const char *what);

/* Asked by the handler of SIGBUS. True: the access may be made again. */
bool mvs_cut_file_fault(uintptr_t address);

#endif
