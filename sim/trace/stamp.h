/* The time stamp that each line of a log begins with, by which a log is known from other files. */
#ifndef MVS_TRACE_STAMP_H
#define MVS_TRACE_STAMP_H

#include <stdbool.h>

#define MVS_STAMP_WHY                                                                                                \
        "it is there and does not begin as a log of libmvsim's does, with a time stamp (remove it, or name another " \
        "file)"

/*
 * May a new log take the place of what is there? It may where there is nothing, or no regular file; in the place of a
 * file only if that is empty, or an older log: the server log's lines begin with "[    0.250002] ", the event log's
 * with "    0.250002 ", and what a process that was killed has left may be empty lines.
 */
bool mvs_stamp_may_replace(const char *path);

#endif
