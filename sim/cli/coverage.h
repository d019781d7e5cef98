/* Status coverage as `mvsim coverage` shows it: what was recorded, added up, and what that amounts to. */
#ifndef MVS_CLI_COVERAGE_H
#define MVS_CLI_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/coverage/table.h"

struct mvs_coverage_report {
        struct mvs_coverage_table table; /* what the first record counts, and every other must */
        const char *first;               /* the file's name; NULL as long as there is none */
        char first_table[MVS_COVERAGE_TABLE];
        uint64_t counts[MVS_COVERAGE_CALLS][MVS_COVERAGE_STATUSES][MVS_COVERAGE_CAUSES];
        bool used_only;   /* calls that were never made do not count, save those of linked_only */
        bool linked_only; /* calls that no program is linked with do not count, save those of used_only */
        bool linked[MVS_COVERAGE_CALLS];
        bool natural_only; /* what fault injection did does not count, save where nothing else leads */
};

/* How far a pair of call and status has come. */
enum mvs_coverage_state {
        MVS_COVERAGE_NEVER,
        MVS_COVERAGE_BY_INJECTION, /* and by nothing else */
        MVS_COVERAGE_PROVOKED,
};

struct mvs_coverage_sum {
        unsigned calls;
        unsigned pairs;
        unsigned provoked; /* of the pairs, by what counts */
        unsigned injected; /* of the pairs, by fault injection alone, whether that counts or not */
};

/* Adds what a file has recorded. 0 or a negative errno; then *ret_why completes "FILE: ". The report keeps the path. */
int mvs_coverage_report_add(struct mvs_coverage_report *report, const char *path, char ret_why[MVS_COVERAGE_WHY_SIZE])
        __attribute__((warn_unused_result));

/* Notes those of the records' calls that the program uses, made or not; so the records come first. The same results. */
int mvs_coverage_report_program(struct mvs_coverage_report *report, const char *path,
                                char ret_why[MVS_COVERAGE_WHY_SIZE]) __attribute__((warn_unused_result));

/* Is the call one that this report is about? */
bool mvs_coverage_has_call(const struct mvs_coverage_report *report, unsigned call);

/* Does the header list the status for the call? And does nothing but fault injection lead to it? */
bool mvs_coverage_is_pair(const struct mvs_coverage_report *report, unsigned call, unsigned status);
bool mvs_coverage_is_slip(const struct mvs_coverage_report *report, unsigned call, unsigned status);

enum mvs_coverage_state mvs_coverage_state(const struct mvs_coverage_report *report, unsigned call, unsigned status);
bool mvs_coverage_counts(const struct mvs_coverage_report *report, unsigned call, unsigned status);
uint64_t mvs_coverage_times(const struct mvs_coverage_report *report, unsigned call, unsigned status);

/* Of one call, and of all that the report is about. */
struct mvs_coverage_sum mvs_coverage_sum_of(const struct mvs_coverage_report *report, unsigned call);
struct mvs_coverage_sum mvs_coverage_sum(const struct mvs_coverage_report *report);

/* In tenths of a percent, rounded down: 1000 is all. Nothing of nothing is all. */
unsigned mvs_coverage_permille(const struct mvs_coverage_sum *sum);

/* 0, or a negative errno where the report cannot be made or written. */
int mvs_coverage_print_text(const struct mvs_coverage_report *report, FILE *out) __attribute__((warn_unused_result));
int mvs_coverage_print_json(const struct mvs_coverage_report *report, FILE *out) __attribute__((warn_unused_result));
int mvs_coverage_print_html(const struct mvs_coverage_report *report, FILE *out) __attribute__((warn_unused_result));

#endif
