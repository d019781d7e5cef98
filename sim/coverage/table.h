/* What a record of status coverage counts, read from the table that stands in it. */
#ifndef MVS_COVERAGE_TABLE_H
#define MVS_COVERAGE_TABLE_H

#include "sim/coverage/record.h"

struct mvs_coverage_table {
        unsigned calls;
        unsigned statuses;
        const char *call_names[MVS_COVERAGE_CALLS]; /* names are letters, digits and _ */
        const char *status_names[MVS_COVERAGE_STATUSES];
        uint64_t pairs[MVS_COVERAGE_CALLS]; /* bit n: the header lists status n for the call; 0: it is not there yet */
        uint64_t slips[MVS_COVERAGE_CALLS]; /* those of them that nothing but fault injection leads to */
        char text[MVS_COVERAGE_TABLE];      /* cut into the names */
};

/* The names live as long as *ret, which is not to be copied. 0 or -EINVAL; then *ret_why completes "FILE: ". */
int mvs_coverage_table_read(struct mvs_coverage_table *ret, const char text[MVS_COVERAGE_TABLE],
                            char ret_why[MVS_COVERAGE_WHY_SIZE]) __attribute__((warn_unused_result));

#endif
