/* What a call that is given a bad pointer must answer, and must not do. */
#include <string.h>

#include "lib/device.h"
#include "pointers.h"

/* Counts that a call which did anything would move. */
static void check_nothing_done(const struct mvsim_statistics *before)
{
        const struct mvsim_statistics after = mvt_statistics();
        ck_assert_uint_eq(after.calls, before->calls + 1);
        ck_assert_uint_eq(after.refused, before->refused + 1);
        ck_assert_uint_eq(after.notifications, before->notifications);
        ck_assert_uint_eq(after.log_entries, before->log_entries);
        ck_assert_uint_eq(after.open_handles, before->open_handles);
}

void mvt_wrong_expect_refused(const struct mvt_call *call, const uintptr_t cells[MVT_ARGS_MAX], enum MvStatus wanted,
                              const char *field, const struct mvt_wrong *wrong)
{
        uint8_t good[MVT_ARGS_MAX][MVT_ROOM];
        memcpy(good, mvt_good_room, sizeof good);
        const struct mvsim_statistics before = mvt_statistics();
        enum MvStatus status = call->make(cells);
        mvt_wrong_expect(wrong, status, wanted, call->name, field);
        check_nothing_done(&before);
        ck_assert_mem_eq(mvt_good_room, good, sizeof good);
        ck_assert(mvt_wrong_is_untouched());
}
