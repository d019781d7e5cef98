/* System calls in the event log: each with its arguments by name, as calls.def describes them. Device lock held. */
#ifndef MVS_TRACE_CALL_H
#define MVS_TRACE_CALL_H

#include "src/call.h"

/* The call has been answered with `status`. Only for a machine that is traced. */
void mvs_trace_call(const struct mvs_call *call, enum MvStatus status);

#endif
