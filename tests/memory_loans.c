/* Loans: what is lent to Microvisor, whom it is refused to, and how it comes back. */
#include <sys/mman.h>

#include "memory.h"

static struct mvs_lent loan(const char *at, size_t len, uint32_t owner, bool secret)
{
        return (struct mvs_lent){.start = (uintptr_t)at,
                                 .end = (uintptr_t)at + len,
                                 .what = "send_buffer of channel 0x12345678",
                                 .owner = owner,
                                 .secret = secret};
}

static void lend(const char *at, size_t len, uint32_t owner, bool secret)
{
        struct mvs_lent lent = loan(at, len, owner, secret);
        ck_assert(mvs_memory_lend(&mvt_memory, &lent));
}

START_TEST(a_secret_loan_refuses_the_application)
{
        char *island = mvt_map_island(2);
        ck_assert(mvt_allowed(island, 2 * mvt_page, MVS_WRITE));
        lend(island + 512, 512, 7, true);
        ck_assert(mvt_allowed(island, 512, MVS_WRITE));
        ck_assert(mvt_allowed(island + 1024, 512, MVS_WRITE));
        mvt_expect_refusal(island + 600, 4, MVS_READ, island + 600, "is lent to Microvisor");
        mvt_expect_refusal(island, mvt_page, MVS_READ, island + 512, "is lent to Microvisor");
        struct mvs_memory_fault fault;
        ck_assert(!mvs_memory_check(&mvt_memory, (uintptr_t)island, mvt_page, MVS_READ, &fault));
        ck_assert_str_eq(fault.what, "send_buffer of channel 0x12345678");
        mvs_memory_give_back(&mvt_memory, 7, (uintptr_t)island + 512, false);
        ck_assert(mvt_allowed(island, mvt_page, MVS_WRITE));
}
END_TEST

START_TEST(the_lowest_refused_byte_is_named)
{
        char *island = mvt_map_island(4);
        lend(island + 2 * mvt_page, 16, 1, true);
        lend(island + mvt_page, 16, 2, true);
        mvt_expect_refusal(island, 4 * mvt_page, MVS_READ, island + mvt_page, "is lent to Microvisor");
        mvt_expect_refusal(island + 2 * mvt_page, 3 * mvt_page, MVS_READ, island + 2 * mvt_page,
                           "is lent to Microvisor");
        mvt_protect(island, 1, PROT_READ);
        ck_assert_int_eq(mvs_maps_read(&mvt_memory), 0);
        mvt_expect_refusal(island, 4 * mvt_page, MVS_WRITE, island, "is read-only");
}
END_TEST

START_TEST(a_lent_page_that_is_protected_is_still_called_lent)
{
        char *island = mvt_map_island(1);
        lend(island, mvt_page, 1, true);
        mvt_protect(island, 1, PROT_NONE);
        ck_assert_int_eq(mvs_maps_read(&mvt_memory), 0);
        mvt_expect_refusal(island, 4, MVS_READ, island, "is lent to Microvisor");
}
END_TEST

START_TEST(an_open_loan_leaves_access)
{
        char *island = mvt_map_island(1);
        lend(island, 64, 1, false);
        ck_assert(mvt_allowed(island, 64, MVS_WRITE));
        ck_assert_ptr_nonnull(mvs_memory_lent_overlap(&mvt_memory, (uintptr_t)island, 1));
}
END_TEST

START_TEST(overlap_is_exact)
{
        char *island = mvt_map_island(1);
        uintptr_t at = (uintptr_t)island + 100;
        lend(island + 100, 50, 1, true);
        ck_assert_ptr_null(mvs_memory_lent_overlap(&mvt_memory, at - 10, 10));
        ck_assert_ptr_null(mvs_memory_lent_overlap(&mvt_memory, at + 50, 10));
        ck_assert_ptr_null(mvs_memory_lent_overlap(&mvt_memory, at, 0));
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&mvt_memory, at - 10, 11), &mvt_memory.lent[0]);
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&mvt_memory, at + 49, 1), &mvt_memory.lent[0]);
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&mvt_memory, at - 10, SIZE_MAX), &mvt_memory.lent[0]);
}
END_TEST

START_TEST(an_empty_loan_is_no_loan)
{
        char *island = mvt_map_island(1);
        lend(island + 8, 0, 1, true);
        ck_assert_ptr_null(mvs_memory_lent_overlap(&mvt_memory, (uintptr_t)island, mvt_page));
        ck_assert(mvt_allowed(island, mvt_page, MVS_WRITE));
}
END_TEST

START_TEST(there_is_room_for_a_fixed_number_of_loans)
{
        char *island = mvt_map_island(1);
        for (unsigned i = 0; i < MVS_MEMORY_LENT_MAX; i++)
                lend(island + 8 * i, 8, i, true);
        struct mvs_lent one_more = loan(island + mvt_page - 8, 8, 99, true);
        ck_assert(!mvs_memory_lend(&mvt_memory, &one_more));
        mvs_memory_give_back(&mvt_memory, 5, (uintptr_t)island + 40, false);
        ck_assert(mvs_memory_lend(&mvt_memory, &one_more));
        ck_assert_uint_eq(mvt_memory.lent[5].owner, 6);
}
END_TEST

START_TEST(what_comes_back_holds_the_pattern)
{
        char *island = mvt_map_island(1);
        lend(island + 10, 700, 3, true);
        lend(island + 800, 10, 3, true);
        mvs_memory_give_back(&mvt_memory, 4, (uintptr_t)island + 10, true);
        mvs_memory_give_back(&mvt_memory, 3, (uintptr_t)island + 11, true);
        ck_assert_uint_eq(mvt_memory.lent_count, 2);
        ck_assert_int_eq(island[10], 0);
        mvs_memory_give_back(&mvt_memory, 3, (uintptr_t)island + 10, true);
        ck_assert_uint_eq(mvt_memory.lent_count, 1);
        for (size_t i = 0; i < mvt_page; i++)
                ck_assert_uint_eq((unsigned char)island[i], i >= 10 && i < 710 ? MVS_MEMORY_PATTERN : 0);
}
END_TEST

START_TEST(a_buffer_that_is_gone_can_come_back)
{
        char *island = mvt_map_island(1);
        lend(island, mvt_page, 3, true);
        ck_assert_int_eq(munmap(island, mvt_page), 0);
        mvs_memory_give_back(&mvt_memory, 3, (uintptr_t)island, true);
        ck_assert_uint_eq(mvt_memory.lent_count, 0);
}
END_TEST

void mvt_memory_add_loans(Suite *suite)
{
        TCase *tc = mvt_memory_case(suite, "loans");
        tcase_add_test(tc, a_secret_loan_refuses_the_application);
        tcase_add_test(tc, the_lowest_refused_byte_is_named);
        tcase_add_test(tc, a_lent_page_that_is_protected_is_still_called_lent);
        tcase_add_test(tc, an_open_loan_leaves_access);
        tcase_add_test(tc, overlap_is_exact);
        tcase_add_test(tc, an_empty_loan_is_no_loan);
        tcase_add_test(tc, there_is_room_for_a_fixed_number_of_loans);
        tcase_add_test(tc, what_comes_back_holds_the_pattern);
        tcase_add_test(tc, a_buffer_that_is_gone_can_come_back);
}
