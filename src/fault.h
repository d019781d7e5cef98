/* Fault injection: a call that is told to fail. Device lock held. */
#ifndef MVS_FAULT_H
#define MVS_FAULT_H

#include <stdbool.h>

#include "src/call.h"

struct mvs_faults {
        unsigned armed; /* how many calls have one */
        struct {
                unsigned countdown; /* 0: none */
                enum MvStatus status;
        } calls[MVS_CALL_COUNT];
};

/* See mvsim_fail(). */
int mvs_fault_arm(struct mvs_faults *faults, const char *call, unsigned nth, enum MvStatus status)
        __attribute__((warn_unused_result));

/* True when it is this call's turn to fail; then *ret_status is its answer. */
bool mvs_fault_answers(struct mvs_call *call, enum MvStatus *ret_status);

#endif
