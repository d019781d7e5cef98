/* What the device would call a fault, in one sentence: what was done, where, whose it is, and what to do instead. */
#ifndef MVS_CLASSIFY_H
#define MVS_CLASSIFY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/memory/context.h"
#include "sim/memory/memory.h"
#include "sim/memory/trace_back.h"

struct mvs_fault {
        int signal;
        int code; /* si_code */
        uintptr_t address;
        bool has_address;
        enum mvs_access_kind access;
        uintptr_t ip;
        uintptr_t sp;
        bool is_lent; /* then `lent` is the loan */
        struct mvs_lent lent;
};

/* Adds "SecureFault: the application wrote to 0x…: …", without an end of line. */
void mvs_classify(struct mvs_text *text, const struct mvs_memory *memory, const struct mvs_fault *fault);

/* "the send buffer of a channel (0x12345678), byte 16 of 512" */
void mvs_describe_lent(struct mvs_text *text, const struct mvs_lent *lent, uintptr_t address);

#endif
