/*
 * A record of status coverage: which call has returned which status, and how often, in a file that any number of
 * processes and runs may share (docs/coverage.md).
 *
 * The file says itself what it counts. A device that is to record into one wants to find its own table there; whoever
 * shows a record needs no other list of calls than the record's (table.h).
 */
#ifndef MVS_COVERAGE_RECORD_H
#define MVS_COVERAGE_RECORD_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define MVS_COVERAGE_MAGIC    UINT64_C(0x564f434d4953564d) /* "MVSIMCOV" */
#define MVS_COVERAGE_FORMAT   2
#define MVS_COVERAGE_CALLS    80 /* room for so many; the table says how many there are */
#define MVS_COVERAGE_STATUSES 48
#define MVS_COVERAGE_WHY_SIZE 384
#define MVS_COVERAGE_TABLE    12288

#define MVS_COVERAGE_NO_RECORD \
        "it is no record of status coverage (which `mvsim run --coverage FILE` and MVSIM_COVERAGE make)"

/* What brought a status about. */
enum mvs_coverage_cause {
        MVS_COVERAGE_NATURAL,
        MVS_COVERAGE_INJECTED, /* mvsim_fail() */
        MVS_COVERAGE_CAUSES
};

/*
 * Every record of one format has one size. The table is text, and 0 behind it:
 *
 *     statuses OKAY TIMENOTSET ...            the names of the statuses, in the order of their numbers
 *     mvGetWallTime OKAY PARAMETERFAULT ...   likewise the calls, each with the statuses that the header lists for it;
 *     mvReleaseNetwork OKAY LATEFAULT~ ...    ~ marks those that nothing but fault injection leads to
 */
struct mvs_coverage_record {
        _Atomic uint64_t magic; /* written last when a file is made: without it, it is not finished */
        uint32_t format;
        uint32_t size;
        char table[MVS_COVERAGE_TABLE];
        _Atomic uint64_t counts[MVS_COVERAGE_CALLS][MVS_COVERAGE_STATUSES][MVS_COVERAGE_CAUSES];
};

/* Are these `size` bytes a record? Looks at no more than them. 0 or -EINVAL; then *ret_why completes "FILE: ". */
int mvs_coverage_record_check(const struct mvs_coverage_record *record, size_t size,
                              char ret_why[MVS_COVERAGE_WHY_SIZE]) __attribute__((warn_unused_result));

/* Reads a file whole. 0 or a negative errno; then *ret_why completes "FILE: ". */
int mvs_coverage_record_read(struct mvs_coverage_record *ret, const char *path, char ret_why[MVS_COVERAGE_WHY_SIZE])
        __attribute__((warn_unused_result));

/* Do two tables count the same? 0 or -EINVAL; then *ret_first is the first word of the first line that is not the same
 * in both: of a call's line its name. */
int mvs_coverage_table_compare(const char table[MVS_COVERAGE_TABLE], const char other[MVS_COVERAGE_TABLE],
                               char ret_first[64]) __attribute__((warn_unused_result));

#endif
