/* The plain event log: one line an event, for people, grep and diff. */
#ifndef MVS_TRACE_TEXT_H
#define MVS_TRACE_TEXT_H

#include "sim/trace/trace.h"

/* Makes a sink that writes to `path`. 0, or a negative errno after a message. */
int mvs_text_create(struct mvs_trace_sink **ret_sink, const char *path, bool again) __attribute__((warn_unused_result));

#endif
