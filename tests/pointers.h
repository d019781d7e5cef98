/* What the parts of the suite `pointers` share. */
#ifndef MVT_POINTERS_H
#define MVT_POINTERS_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/calls.h"
#include "lib/wrong.h"

#define MVT_ROOM 4096 /* what one good argument may point to */

/* ---- good arguments (pointers_good.c) ---- */

/* A device on which every call's arguments can be good. */
void mvt_good_set_up(void);
void mvt_good_tear_down(void);

extern uint8_t mvt_good_room[MVT_ARGS_MAX][MVT_ROOM]; /* what each argument points to */

/* Arguments that the call accepts; where it takes either of two fields, the one that is named ("": no matter). */
void mvt_good_cells(const struct mvt_call *call, const char *field, uintptr_t ret_cells[MVT_ARGS_MAX]);

/* Was nothing written to what good structures point to? */
bool mvt_good_pointees_are_untouched(void);

/* A request of which something could not be read ends its channel; the next one needs another. */
void mvt_good_replace_channel(MvChannelHandle handle);

/* ---- bad pointers ---- */

/* The call is refused with `wanted`, the reason names the field and what is wrong, and nothing was done. */
void mvt_wrong_expect_refused(const struct mvt_call *call, const uintptr_t cells[MVT_ARGS_MAX], enum MvStatus wanted,
                              const char *field, const struct mvt_wrong *wrong);

/* ---- pointers in structures (pointers_fields.c) ---- */

void mvt_pointers_add_fields(TCase *tests);

#endif
