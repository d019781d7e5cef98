/*
 * What the process had when the program began, from whoever started it: open descriptors, interval timers of the
 * host's, blocked signals. An execve hands them on, and the next life of the application is to find these and no
 * others: what the application has opened, set or blocked itself, before the device booted or after, ends with its
 * life. All of these may be called from a signal's handler, with any lock held.
 */
#ifndef MVS_INHERITED_H
#define MVS_INHERITED_H

#include <stdbool.h>

/* Whether the process was forked since the program began, as the tests of a suite are. */
bool mvs_inherited_is_forked(void);

/* Every other descriptor closes with the next execve. */
void mvs_inherited_close_others(void);

/* Every other interval timer stops. */
void mvs_inherited_stop_timers(void);

/* The calling thread blocks these signals and no others. */
void mvs_inherited_set_mask(void);

#endif
