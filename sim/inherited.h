/*
 * What the process had when the program began, from whoever started it: open descriptors, and interval timers of the
 * host's. An execve hands on both, and the next life of the application is to find these and no others: what the
 * application has opened or set itself, before the device booted or after, ends with its life.
 */
#ifndef MVS_INHERITED_H
#define MVS_INHERITED_H

/* Every other descriptor closes with the next execve. Both may be called from a signal's handler, with any lock held.
 */
void mvs_inherited_close_others(void);

/* Every other interval timer stops. */
void mvs_inherited_stop_timers(void);

#endif
