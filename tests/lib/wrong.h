/*
 * Every way in which a pointer that an application hands over can be wrong, for tests that go through all of them: what
 * a test tries of one pointer, it tries of the next one too.
 */
#ifndef MVT_WRONG_H
#define MVT_WRONG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"

#define MVT_CANARY 0xc3 /* in all that no call has written to */

bool mvt_is_canary(const uint8_t *bytes, size_t len);

enum mvt_wrong_flag {
        MVT_WRONG_NULL = 1,      /* a pointer that may be NULL is not wrong */
        MVT_WRONG_WRITTEN = 2,   /* wrong only where Microvisor writes */
        MVT_WRONG_LENDABLE = 4,  /* memory that is lent has a status of its own in calls that lend */
        MVT_WRONG_TWO_BYTES = 8, /* a single byte has no end to overflow */
};

/* What may be wrong with `len` bytes; the address of bytes that are. */
struct mvt_wrong {
        const char *what;
        const char *reason; /* words of the message */
        uintptr_t (*address)(size_t len);
        unsigned flags;
};
extern const struct mvt_wrong mvt_wrongs[];
extern const size_t mvt_wrong_count;

/* Makes what the addresses need, on a device that runs: some memory is lent to it as the server log's buffer. */
void mvt_wrong_set_up(void);
void mvt_wrong_tear_down(void);

/* Nothing has written to what is only partly wrong. */
bool mvt_wrong_is_untouched(void);

/* The call has answered `wanted`, and blames that field for this reason. */
void mvt_wrong_expect(const struct mvt_wrong *wrong, enum MvStatus status, enum MvStatus wanted, const char *call,
                      const char *field);

#endif
