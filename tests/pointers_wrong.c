/* What may be wrong with a pointer, and what a call that is given one must answer. */
#include <string.h>

#include "lib/device.h"
#include "pointers.h"

static uint8_t *read_only, *mapped;

static uintptr_t null_address(size_t len)
{
        (void)len;
        return 0;
}

static uintptr_t unmapped_address(size_t len)
{
        (void)len;
        return MVT_UNMAPPED;
}

static uintptr_t read_only_address(size_t len)
{
        (void)len;
        return (uintptr_t)read_only;
}

static uintptr_t secure_address(size_t len)
{
        (void)len;
        return (uintptr_t)mvsim_last_reject();
}

static uintptr_t lent_address(size_t len)
{
        (void)len;
        return (uintptr_t)mvt_good_lent;
}

static uintptr_t lent_with_its_last_byte(size_t len)
{
        return (uintptr_t)mvt_good_lent - len + 1;
}

static uintptr_t straddling_address(size_t len)
{
        return (uintptr_t)mapped + mvt_page_size() - len + 1;
}

/* Where the device has TIM3; and secure SRAM. */
static uintptr_t peripheral_address(size_t len)
{
        (void)len;
        return 0x40000400;
}

static uintptr_t secure_memory_address(size_t len)
{
        (void)len;
        return 0x30000000;
}

static uintptr_t overflowing_address(size_t len)
{
        return (uintptr_t)0 - len / 2;
}

const struct mvt_wrong mvt_wrongs[] = {
        {"NULL", "is NULL", null_address, MVT_WRONG_NULL},
        {"an address at which nothing is", "is not mapped", unmapped_address, 0},
        {"a read-only page", "is read-only", read_only_address, MVT_WRONG_WRITTEN},
        {"memory of the simulator", "belongs to the secure world", secure_address, 0},
        {"memory that is lent", "is lent to Microvisor", lent_address, MVT_WRONG_LENDABLE},
        {"memory of which the last byte is lent", "is lent to Microvisor", lent_with_its_last_byte, MVT_WRONG_LENDABLE},
        {"memory that ends one byte too soon", "is not mapped", straddling_address, 0},
        {"a peripheral", "is a peripheral's register, not memory (TIM3)", peripheral_address, 0},
        {"the device's secure memory", "is secure memory, which belongs to Microvisor", secure_memory_address, 0},
        {"a range that overflows", "overflows the address space", overflowing_address, MVT_WRONG_TWO_BYTES},
};
const size_t mvt_wrong_count = sizeof mvt_wrongs / sizeof mvt_wrongs[0];

void mvt_wrong_set_up(void)
{
        read_only = mvt_pages(MVT_PAGES_READ_ONLY, 2);
        mapped = mvt_pages(MVT_PAGES_RW, 1);
        memset(mapped, MVT_CANARY, mvt_page_size());
}

void mvt_wrong_tear_down(void)
{
        mvt_pages_free(read_only, 2);
        mvt_pages_free(mapped, 1);
}

/* ---- what comes of them ---- */

static void check_refusal(enum MvStatus status, enum MvStatus wanted, const char *call, const char *field,
                          const struct mvt_wrong *wrong)
{
        const struct mvsim_reject *reject = mvsim_last_reject();
        ck_assert_msg(status == wanted, "%s, %s: %s is answered with 0x%x", call, field, wrong->what, status);
        ck_assert_str_eq(reject->call, call);
        ck_assert_int_eq(reject->status, wanted);
        ck_assert_msg(strcmp(reject->field, field) == 0, "%s blames \"%s\" for %s in %s", call, reject->field,
                      wrong->what, field);
        ck_assert_msg(strstr(reject->message, wrong->reason) != NULL, "%s: not \"%s\": %s", call, wrong->reason,
                      reject->message);
}

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

bool mvt_is_canary(const uint8_t *bytes, size_t len)
{
        size_t i = 0;
        while (i < len && bytes[i] == MVT_CANARY)
                i++;
        return i == len;
}

void mvt_wrong_expect_refused(const struct mvt_call *call, const uintptr_t cells[MVT_ARGS_MAX], enum MvStatus wanted,
                              const char *field, const struct mvt_wrong *wrong)
{
        uint8_t good[MVT_ARGS_MAX][MVT_ROOM];
        memcpy(good, mvt_good_room, sizeof good);
        const struct mvsim_statistics before = mvt_statistics();
        enum MvStatus status = call->make(cells);
        check_refusal(status, wanted, call->name, field, wrong);
        check_nothing_done(&before);
        ck_assert_mem_eq(mvt_good_room, good, sizeof good);
        ck_assert(mvt_is_canary(mapped, mvt_page_size()));
}
