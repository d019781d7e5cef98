/* What the parts of the suite `pointers` share. */
#ifndef MVT_POINTERS_H
#define MVT_POINTERS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/calls.h"

#define MVT_ROOM   4096 /* what one good argument may point to */
#define MVT_CANARY 0xc3 /* in all that no call has written to */

bool mvt_is_canary(const uint8_t *bytes, size_t len);

/* ---- good arguments (pointers_good.c) ---- */

/* A device on which every call's arguments can be good. */
void mvt_good_set_up(void);
void mvt_good_tear_down(void);

extern uint8_t mvt_good_room[MVT_ARGS_MAX][MVT_ROOM]; /* what each argument points to */
extern uint8_t *const mvt_good_lent;                  /* a block of memory that is lent */

/* Arguments that the call accepts; where it takes either of two fields, the one that is named ("": no matter). */
void mvt_good_cells(const struct mvt_call *call, const char *field, uintptr_t ret_cells[MVT_ARGS_MAX]);

/* Was nothing written to what good structures point to? */
bool mvt_good_pointees_are_untouched(void);

/* A request of which something could not be read ends its channel; the next one needs another. */
void mvt_good_replace_channel(MvChannelHandle handle);

/* ---- bad pointers (pointers_wrong.c) ---- */

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

void mvt_wrong_set_up(void);
void mvt_wrong_tear_down(void);

/* The call is refused with `wanted`, the reason names the field and what is wrong, and nothing was done. */
void mvt_wrong_expect_refused(const struct mvt_call *call, const uintptr_t cells[MVT_ARGS_MAX], enum MvStatus wanted,
                              const char *field, const struct mvt_wrong *wrong);

/* ---- pointers in structures (pointers_fields.c) ---- */

void mvt_pointers_add_fields(TCase *tests);

#endif
