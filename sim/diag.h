/* The simulator's own messages: one line each on standard error, `mvsim: ` in front. */
#ifndef MVS_DIAG_H
#define MVS_DIAG_H

#include <stdbool.h>

#include "sim/profile/profile.h"

/* What is written from now on; MVS_LOG_WARNING at first. */
void mvs_diag_set_level(enum mvs_log_level level);
bool mvs_diag_enabled(enum mvs_log_level level);

/* One write, so that lines of several threads do not mix; a line over 1000 bytes is cut. Any thread, lock or not. */
void mvs_diag(enum mvs_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
