#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

struct mvs_memory mvt_memory;
uintptr_t mvt_page;

char *mvt_map_pages(size_t count, int protection)
{
        char *at = mmap(NULL, count * mvt_page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        return at;
}

char *mvt_map_island(size_t count)
{
        char *at = mvt_map_pages(count + 2, PROT_NONE);
        ck_assert_int_eq(mprotect(at + mvt_page, count * mvt_page, PROT_READ | PROT_WRITE), 0);
        return at + mvt_page;
}

void mvt_protect(void *at, size_t count, int protection)
{
        ck_assert_int_eq(mprotect(at, count * mvt_page, protection), 0);
}

bool mvt_allowed(const void *at, size_t len, enum mvs_access access)
{
        return mvs_memory_check(&mvt_memory, (uintptr_t)at, len, access, NULL);
}

void mvt_expect_refusal(const void *at, size_t len, enum mvs_access access, const void *where, const char *reason)
{
        struct mvs_memory_fault fault = {0};
        ck_assert(!mvs_memory_check(&mvt_memory, (uintptr_t)at, len, access, &fault));
        ck_assert_str_eq(fault.reason, reason);
        ck_assert_uint_eq(fault.address, (uintptr_t)where);
        ck_assert(!mvt_allowed(at, len, access));
}

static void setup(void)
{
        mvt_page = (uintptr_t)sysconf(_SC_PAGESIZE);
        memset(&mvt_memory, 0, sizeof mvt_memory);
        ck_assert_int_eq(mvs_memory_init(&mvt_memory), 0);
        ck_assert_int_eq(mvs_copy_install(), 0);
}

static void teardown(void)
{
        mvs_copy_remove();
        mvs_memory_finish(&mvt_memory);
}

TCase *mvt_memory_case(Suite *suite, const char *name)
{
        TCase *tc = tcase_create(name);
        tcase_add_checked_fixture(tc, setup, teardown);
        suite_add_tcase(suite, tc);
        return tc;
}
