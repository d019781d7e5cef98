/*
 * Status coverage: which call has returned which status, and how often, in a file that any number of processes and runs
 * may share (docs/coverage.md).
 *
 * The file has one size and is mapped shared: a count is one atomic addition, and belongs to the kernel at once, so
 * that no end of the process can lose it. What the file counts stands in it as text, and must be what this libmvsim
 * counts.
 */
#ifndef MVS_COVERAGE_H
#define MVS_COVERAGE_H

#include <stdatomic.h>

#include "src/call.h"

#define MVS_COVERAGE_FORMAT 1

/* What brought a status about. */
enum mvs_coverage_cause {
        MVS_COVERAGE_NATURAL,
        MVS_COVERAGE_INJECTED, /* mvsim_fail() */
        MVS_COVERAGE_CAUSES
};

struct mvs_coverage_file {
        _Atomic uint64_t magic; /* written last when a file is made: without it, it is not finished */
        uint32_t format;
        uint32_t size;
        char pairs[12288]; /* a line for each call, with the statuses that the header lists for it; the rest is 0 */
        _Atomic uint64_t counts[MVS_CALL_COUNT][MVS_STATUS_COUNT][MVS_COVERAGE_CAUSES];
};

struct mvs_coverage {
        struct mvs_coverage_file *file; /* NULL: nothing is recorded */
};

/* The statuses that the header lists for the call, OKAY among them: bit n for status n. */
uint64_t mvs_coverage_pairs(enum mvs_call_number number);

/* Those of them that nothing but fault injection leads to. */
uint64_t mvs_coverage_slips(enum mvs_call_number number);

/* Records in the file, which is made where there is none; `%p` in its name is the process's id, `%%` a percent sign.
 * NULL or "": records nothing. 0 or a negative errno, with a message. */
int mvs_coverage_open(struct mvs_coverage *ret, const char *pattern) __attribute__((warn_unused_result));
void mvs_coverage_close(struct mvs_coverage *coverage);

/* Reads a file whole. 0 or a negative errno; then *ret_why completes "FILE: ". */
int mvs_coverage_read(struct mvs_coverage_file *ret, const char *path, char ret_why[256])
        __attribute__((warn_unused_result));

/* What the call returns. Device lock held; other processes may be adding to the same count. */
static inline void mvs_coverage_count(const struct mvs_coverage *coverage, const struct mvs_call *call,
                                      enum MvStatus status)
{
        struct mvs_coverage_file *file = coverage->file;
        if (!file || (unsigned)status >= MVS_STATUS_COUNT || (call->desc->flags & MVS_LATER && !call->injected))
                return;
        enum mvs_coverage_cause cause = call->injected ? MVS_COVERAGE_INJECTED : MVS_COVERAGE_NATURAL;
        atomic_fetch_add_explicit(&file->counts[call->number][status][cause], 1, memory_order_relaxed);
}

#endif
