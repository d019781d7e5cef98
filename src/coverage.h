/*
 * Status coverage: what each call returns counts in a record (sim/coverage/record.h).
 *
 * The file is mapped shared: a count is one atomic addition, and belongs to the kernel at once, so that no end of the
 * process can lose it.
 */
#ifndef MVS_COVERAGE_H
#define MVS_COVERAGE_H

#include "sim/coverage/record.h"
#include "src/call.h"

struct mvs_coverage {
        struct mvs_coverage_record *record; /* NULL: nothing is recorded */
};

/* Records in the file, which is made where there is none; `%p` in its name is the process's id, `%%` a percent sign.
 * NULL or "": records nothing. 0 or a negative errno, with a message. */
int mvs_coverage_open(struct mvs_coverage *ret, const char *pattern) __attribute__((warn_unused_result));
void mvs_coverage_close(struct mvs_coverage *coverage);

/* What the call returns. Device lock held; other processes may be adding to the same count. */
static inline void mvs_coverage_count(const struct mvs_coverage *coverage, const struct mvs_call *call,
                                      enum MvStatus status)
{
        struct mvs_coverage_record *record = coverage->record;
        if (!record || (unsigned)status >= MVS_STATUS_COUNT)
                return;
        enum mvs_coverage_cause cause = call->injected ? MVS_COVERAGE_INJECTED : MVS_COVERAGE_NATURAL;
        atomic_fetch_add_explicit(&record->counts[call->number][status][cause], 1, memory_order_relaxed);
}

#endif
