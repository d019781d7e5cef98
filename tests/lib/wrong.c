#include "wrong.h"

#include <check.h>
#include <string.h>

#include "device.h"

#define LENT_SIZE 512

static uint8_t *read_only, *mapped;
static uint8_t lent[4096] __attribute__((aligned(4096))); /* a page: neighbours of what is lent would be slow */

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
        return (uintptr_t)lent;
}

static uintptr_t lent_with_its_last_byte(size_t len)
{
        return (uintptr_t)lent - len + 1;
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
        expect_okay(mvServerLoggingInit(lent, LENT_SIZE));
}

void mvt_wrong_tear_down(void)
{
        mvt_pages_free(read_only, 2);
        mvt_pages_free(mapped, 1);
}

bool mvt_is_canary(const uint8_t *bytes, size_t len)
{
        size_t i = 0;
        while (i < len && bytes[i] == MVT_CANARY)
                i++;
        return i == len;
}

bool mvt_wrong_is_untouched(void)
{
        return mvt_is_canary(mapped, mvt_page_size());
}

void mvt_wrong_expect(const struct mvt_wrong *wrong, enum MvStatus status, enum MvStatus wanted, const char *call,
                      const char *field)
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
