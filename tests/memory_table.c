/* The table of regions: what the application may access, from the map of the process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "memory.h"

static int initialised = 1;
static int zeroed;
static const int constant = 1;

START_TEST(data_heap_and_stack_are_writable)
{
        int local = 0;
        int *heap = malloc(sizeof *heap);
        ck_assert(mvt_allowed(&initialised, sizeof initialised, MVS_WRITE));
        ck_assert(mvt_allowed(&zeroed, sizeof zeroed, MVS_WRITE));
        ck_assert(mvt_allowed(&local, sizeof local, MVS_WRITE));
        ck_assert(mvt_allowed(heap, sizeof *heap, MVS_WRITE));
        ck_assert(mvt_allowed(heap, sizeof *heap, MVS_READ));
        free(heap);
}
END_TEST

START_TEST(code_and_constants_are_readable_only)
{
        const void *code = (const void *)(uintptr_t)mvt_memory_case;
        ck_assert(mvt_allowed(&constant, sizeof constant, MVS_READ));
        ck_assert(mvt_allowed(code, 4, MVS_READ));
        mvt_expect_refusal(&constant, sizeof constant, MVS_WRITE, &constant, "is read-only");
        mvt_expect_refusal(code, 4, MVS_WRITE, code, "is read-only");
}
END_TEST

START_TEST(length_0_is_always_allowed)
{
        char *none = mvt_map_pages(1, PROT_NONE);
        ck_assert(mvt_allowed(NULL, 0, MVS_WRITE));
        ck_assert(mvt_allowed(none, 0, MVS_WRITE));
        ck_assert(mvt_allowed((void *)UINTPTR_MAX, 0, MVS_READ));
}
END_TEST

START_TEST(null_is_refused)
{
        mvt_expect_refusal(NULL, 1, MVS_READ, NULL, "is NULL");
        mvt_expect_refusal(NULL, SIZE_MAX, MVS_WRITE, NULL, "is NULL");
        mvt_expect_refusal((void *)8, 4, MVS_READ, (void *)8, "is not mapped");
}
END_TEST

START_TEST(a_range_past_the_end_of_the_address_space_is_refused)
{
        const void *high = (const void *)(UINTPTR_MAX - 3);
        mvt_expect_refusal(high, 5, MVS_READ, high, "overflows the address space");
        mvt_expect_refusal(high, 4, MVS_READ, high, "is not mapped");
        mvt_expect_refusal(&zeroed, SIZE_MAX, MVS_READ, &zeroed, "overflows the address space");
        ck_assert(mvt_allowed(&zeroed, 1, MVS_READ));
        mvt_expect_refusal(&zeroed, SIZE_MAX, MVS_READ, &zeroed, "overflows the address space");
}
END_TEST

START_TEST(a_range_that_straddles_the_end_is_refused_at_the_end)
{
        char *island = mvt_map_island(2);
        char *end = island + 2 * mvt_page;
        ck_assert(mvt_allowed(island, 2 * mvt_page, MVS_WRITE));
        ck_assert(mvt_allowed(end - 8, 8, MVS_WRITE));
        mvt_expect_refusal(end - 8, 9, MVS_WRITE, end, "is not mapped");
        mvt_expect_refusal(island - 1, 2, MVS_READ, island - 1, "is not mapped");
        mvt_expect_refusal(island, SIZE_MAX - (uintptr_t)island, MVS_READ, end, "is not mapped");
}
END_TEST

START_TEST(a_range_may_span_regions_that_all_permit_it)
{
        char *island = mvt_map_island(3);
        mvt_protect(island + mvt_page, 1, PROT_READ);
        ck_assert(mvt_allowed(island, 3 * mvt_page, MVS_READ));
        mvt_expect_refusal(island, 3 * mvt_page, MVS_WRITE, island + mvt_page, "is read-only");
        mvt_protect(island + mvt_page, 1, PROT_NONE);
        ck_assert_int_eq(mvs_maps_read(&mvt_memory), 0);
        mvt_expect_refusal(island, 3 * mvt_page, MVS_READ, island + mvt_page, "is not mapped");
}
END_TEST

START_TEST(pages_without_access_are_not_mapped)
{
        char *none = mvt_map_pages(1, PROT_NONE);
        mvt_expect_refusal(none, 1, MVS_READ, none, "is not mapped");
}
END_TEST

START_TEST(what_was_mapped_or_unprotected_since_is_found)
{
        char *island = mvt_map_island(1);
        ck_assert(mvt_allowed(island, mvt_page, MVS_WRITE));
        mvt_protect(island, 1, PROT_READ);
        ck_assert_int_eq(mvs_maps_read(&mvt_memory), 0);
        mvt_expect_refusal(island, 1, MVS_WRITE, island, "is read-only");
        mvt_protect(island, 1, PROT_READ | PROT_WRITE);
        ck_assert(mvt_allowed(island, mvt_page, MVS_WRITE));
}
END_TEST

START_TEST(reading_the_map_again_keeps_errno)
{
        errno = E2BIG;
        mvt_expect_refusal((void *)8, 1, MVS_READ, (void *)8, "is not mapped");
        ck_assert_int_eq(errno, E2BIG);
}
END_TEST

START_TEST(the_kernels_data_pages_are_not_mapped)
{
        uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
        if (vdso == 0) /* valgrind hides it */
                return;
        const void *vvar = (const void *)(vdso - mvt_page);
        ck_assert(mvt_allowed((const void *)vdso, 4, MVS_READ));
        mvt_expect_refusal(vvar, 1, MVS_READ, vvar, "is not mapped");
}
END_TEST

START_TEST(the_table_grows_and_is_itself_secure)
{
        size_t count = 1500;
        char *pages = mvt_map_island(count);
        for (size_t i = 0; i < count; i += 2)
                mvt_protect(pages + i * mvt_page, 1, PROT_READ);
        ck_assert(mvt_allowed(pages, count * mvt_page, MVS_READ));
        ck_assert_uint_ge(mvt_memory.region_count, count);
        ck_assert(mvt_allowed(pages + mvt_page, mvt_page, MVS_WRITE));
        mvt_expect_refusal(pages + 2 * mvt_page, 1, MVS_WRITE, pages + 2 * mvt_page, "is read-only");
        mvt_expect_refusal(mvt_memory.regions, 1, MVS_READ, mvt_memory.regions, "belongs to the secure world");
        const char *end = (const char *)(mvt_memory.regions + mvt_memory.region_capacity);
        mvt_expect_refusal(end - 1, 1, MVS_READ, end - 1, "belongs to the secure world");
}
END_TEST

START_TEST(the_table_is_sorted_disjoint_and_merged)
{
        for (size_t i = 0; i < mvt_memory.region_count; i++) {
                const struct mvs_region *region = &mvt_memory.regions[i];
                ck_assert_uint_lt(region->start, region->end);
                if (i == 0)
                        continue;
                ck_assert_uint_ge(region->start, region[-1].end);
                ck_assert(region->start != region[-1].end || region->kind != region[-1].kind);
        }
}
END_TEST

START_TEST(an_empty_table_refuses)
{
        struct mvs_memory empty = {0};
        struct mvs_memory_fault fault;
        ck_assert_uint_eq(mvs_regions_find(&empty, 1), 0);
        ck_assert(!mvs_regions_permit(&empty, 1, 2, MVS_READ, &fault));
        ck_assert_str_eq(fault.reason, "is not mapped");
        mvs_memory_finish(&empty);
}
END_TEST

/* ---- against a model ---- */

#define MODEL_SIZE 200
#define MODEL_BASE ((uintptr_t)0x10000)
#define UNMAPPED   3

static void fill_model(unsigned char model[MODEL_SIZE], struct mvs_memory *table)
{
        mvs_regions_clear(table);
        for (unsigned at = 0; at < MODEL_SIZE;) {
                unsigned len = 1 + (unsigned)rand() % 12;
                unsigned char kind = (unsigned char)(rand() % 4);
                len = len < MODEL_SIZE - at ? len : MODEL_SIZE - at;
                memset(model + at, kind, len);
                if (kind != UNMAPPED)
                        ck_assert_int_eq(mvs_regions_add(table, MODEL_BASE + at, MODEL_BASE + at + len,
                                                         (enum mvs_region_kind)kind),
                                         0);
                at += len;
        }
}

static const char *model_objection(const unsigned char model[MODEL_SIZE], uintptr_t address, enum mvs_access access)
{
        if (address < MODEL_BASE || address >= MODEL_BASE + MODEL_SIZE || model[address - MODEL_BASE] == UNMAPPED)
                return "is not mapped";
        if (model[address - MODEL_BASE] == MVS_REGION_SECURE)
                return "belongs to the secure world";
        if (model[address - MODEL_BASE] == MVS_REGION_NONSECURE_RO && access == MVS_WRITE)
                return "is read-only";
        return NULL;
}

static void compare(const unsigned char model[MODEL_SIZE], const struct mvs_memory *table)
{
        uintptr_t first = MODEL_BASE - 5 + (uintptr_t)rand() % (MODEL_SIZE + 10);
        uintptr_t last = first + (uintptr_t)rand() % 30;
        enum mvs_access access = rand() % 2 == 0 ? MVS_READ : MVS_WRITE;
        struct mvs_memory_fault fault = {0};
        bool permitted = mvs_regions_permit(table, first, last, access, &fault);

        const char *reason = NULL;
        uintptr_t address = first;
        while (address <= last && (reason = model_objection(model, address, access)) == NULL)
                address++;
        ck_assert(permitted == (reason == NULL));
        if (permitted)
                return;
        ck_assert_uint_eq(fault.address, address);
        ck_assert_str_eq(fault.reason, reason);
}

START_TEST(random_tables_agree_with_a_model)
{
        struct mvs_memory table = {0};
        unsigned char model[MODEL_SIZE];
        srand(1);
        for (unsigned round = 0; round < 200; round++) {
                fill_model(model, &table);
                for (unsigned i = 0; i < 500; i++)
                        compare(model, &table);
        }
        mvs_memory_finish(&table);
}
END_TEST

void mvt_memory_add_table(Suite *suite)
{
        TCase *tc = mvt_memory_case(suite, "table");
        tcase_add_test(tc, data_heap_and_stack_are_writable);
        tcase_add_test(tc, code_and_constants_are_readable_only);
        tcase_add_test(tc, length_0_is_always_allowed);
        tcase_add_test(tc, null_is_refused);
        tcase_add_test(tc, a_range_past_the_end_of_the_address_space_is_refused);
        tcase_add_test(tc, a_range_that_straddles_the_end_is_refused_at_the_end);
        tcase_add_test(tc, a_range_may_span_regions_that_all_permit_it);
        tcase_add_test(tc, pages_without_access_are_not_mapped);
        tcase_add_test(tc, what_was_mapped_or_unprotected_since_is_found);
        tcase_add_test(tc, reading_the_map_again_keeps_errno);
        tcase_add_test(tc, the_kernels_data_pages_are_not_mapped);
        tcase_add_test(tc, the_table_grows_and_is_itself_secure);
        tcase_add_test(tc, the_table_is_sorted_disjoint_and_merged);
        tcase_add_test(tc, an_empty_table_refuses);
        tcase_add_test(tc, random_tables_agree_with_a_model);
}
