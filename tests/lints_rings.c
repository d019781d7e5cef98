/* The usage checker: records, rings and their handlers. */
#include "lints.h"
#include "suite.h"

/* An unknown event leaves the index where it is. */
static void knows_readable_alone(void)
{
        if (mvt_lints.ring[mvt_lints.place].event_type == MV_EVENTTYPE_CHANNELDATAREADABLE)
                mvt_lints_reads_one();
}

static void knows_all_but_moves_on(void)
{
        mvt_lints_reads_one();
}

/* Clears every other record. */
static void forgets_some(void)
{
        if (mvt_lints.place % 2 == 0)
                mvt_lints.ring[mvt_lints.place].event_type = MV_EVENTTYPE_NOEVENT;
        mvt_lints.place = (mvt_lints.place + 1) % MVT_LINTS_SLOTS;
}

START_TEST(record_not_cleared)
{
        mvt_lints_open(mvt_lints_clears_a_copy);
        mvt_lints_post(MVT_LINTS_SLOTS);
        ck_assert_uint_eq(mvsim_findings("record-not-cleared"), 0);
        mvt_lints_post(MVT_LINTS_SLOTS);
        EXPECT_FOUND("record-not-cleared", MVT_LINTS_SLOTS, "TIM2", "slot 0", "none of the 4 slots");
        ck_assert_int_eq(mvsim_finding(0)->level, MVSIM_LINT_NOTE);
        mvt_lints_expect_none(); /* published applications work like that */
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(records_that_are_cleared)
{
        mvt_lints_open(mvt_lints_reads_one);
        mvt_lints_post(5 * MVT_LINTS_SLOTS);
        ck_assert_uint_eq(mvt_lints.entries, 5 * MVT_LINTS_SLOTS);
        ck_assert_ptr_null(mvsim_finding(0));
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

static void post_unknown_event_on_the_way(void)
{
        mvt_lints_post(MVT_LINTS_SLOTS + 2);
        expect_okay(mvTempTriggerNotification(mvt_lints.centre, MV_EVENTTYPE_CHANNELDATAWRITESPACE, 9));
        mvt_lints_post(MVT_LINTS_SLOTS - 1);
        mvt_lints_expect_none();
        mvt_lints_post(1);
}

START_TEST(ring_index_stuck)
{
        mvt_lints_open(knows_readable_alone);
        post_unknown_event_on_the_way();
        EXPECT_FOUND("ring-index-stuck", 1, "TIM2", "slot 2", "tag 9", "all 4 slots");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(ring_index_that_moves)
{
        mvt_lints_open(knows_all_but_moves_on);
        post_unknown_event_on_the_way();
        mvt_lints_post(3 * MVT_LINTS_SLOTS);
        mvt_lints_expect_none();
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

/* The ring has four slots and the index goes round after eight. */
static struct MvNotification long_ring[2 * MVT_LINTS_SLOTS] __attribute__((aligned(8)));

static void goes_round_after_eight(void)
{
        long_ring[mvt_lints.place].event_type = MV_EVENTTYPE_NOEVENT;
        mvt_lints.place = (mvt_lints.place + 1) % (2 * MVT_LINTS_SLOTS);
}

START_TEST(ring_index_that_leaves_the_ring)
{
        mvt_lints.place = 0;
        mvsim_nvic_set_vector(MVT_LINTS_IRQ, goes_round_after_eight);
        mvt_lints.centre = mvt_centre_open(MVT_LINTS_IRQ, long_ring, MVT_LINTS_SLOTS);
        mvt_lints_post(4 * MVT_LINTS_SLOTS);
        EXPECT_FOUND("ring-index-stuck", 1, "slot 0", "has left the ring");
        mvt_lints_post(1);
        ck_assert_uint_eq(mvsim_findings("ring-index-stuck"), 2);
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

/* Two records come while interrupts are off for longer than the device waits. */
static void merge_two(void)
{
        NVIC_DisableIRQ(MVT_LINTS_IRQ);
        mvt_lints_post(2);
        mvsim_run_for(50 * MS);
        NVIC_EnableIRQ(MVT_LINTS_IRQ);
}

START_TEST(handler_behind)
{
        mvt_lints_open(mvt_lints_reads_one);
        merge_two();
        ck_assert_uint_eq(mvt_lints.entries, 1);
        mvsim_run_for(20 * MS);
        mvt_lints_expect_none();
        mvt_lints_post(1);
        EXPECT_FOUND("handler-behind", 1, "TIM2", "slot 1", "stays 1 behind");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(handler_behind_is_seen_when_the_centre_closes)
{
        mvt_lints_open(mvt_lints_reads_one);
        merge_two();
        mvsim_run_for(20 * MS);
        mvt_centre_close(&mvt_lints.centre);
        EXPECT_FOUND("handler-behind", 1, "slot 1");
}
END_TEST

START_TEST(handler_that_catches_up)
{
        mvt_lints_open(mvt_lints_reads_all);
        merge_two();
        ck_assert_uint_eq(mvt_lints.entries, 1);
        mvsim_run_for(20 * MS);
        mvt_lints_post(3 * MVT_LINTS_SLOTS);
        mvsim_run_for(20 * MS);
        mvt_centre_close(&mvt_lints.centre);
        mvt_lints_expect_none();
}
END_TEST

START_TEST(overrun)
{
        mvt_lints_open(forgets_some);
        mvt_lints_post(MVT_LINTS_SLOTS);
        mvt_lints_expect_none();
        mvt_lints_post(MVT_LINTS_SLOTS);
        EXPECT_FOUND("overrun", 2, "TIM2", "record 1 ", "slot 1", "tag 7");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

static void mask_and_post(unsigned count)
{
        __disable_irq();
        mvt_lints_post(count);
        mvsim_run_for(50 * MS); /* they are written as if nobody came for them */
        __enable_irq();
}

START_TEST(ring_too_small)
{
        mvt_lints_open(mvt_lints_reads_all);
        mask_and_post(MVT_LINTS_SLOTS + 2);
        EXPECT_FOUND("ring-too-small", 2, "TIM2", "5 records", "4 slots");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(ring_that_is_large_enough)
{
        mvt_lints_open(mvt_lints_reads_all);
        mask_and_post(MVT_LINTS_SLOTS);
        mask_and_post(MVT_LINTS_SLOTS);
        mvt_centre_close(&mvt_lints.centre);
        mvt_lints_expect_none();
}
END_TEST

/* Without the line there is nobody to be late: the application asks, and does not look at the ring. */
START_TEST(ring_that_nobody_reads)
{
        mvt_lints_open(mvt_lints_reads_all);
        NVIC_DisableIRQ(MVT_LINTS_IRQ);
        for (unsigned i = 0; i < 3; i++) {
                mvt_lints_post(MVT_LINTS_SLOTS);
                mvsim_run_for(50 * MS);
        }
        mvt_centre_close(&mvt_lints.centre);
        ck_assert_ptr_null(mvsim_finding(0));
}
END_TEST

void mvt_lints_add_rings(Suite *suite)
{
        TCase *tests = mvt_lints_case(suite, "rings, offline", mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(tests, record_not_cleared);
        tcase_add_test(tests, records_that_are_cleared);
        tcase_add_test(tests, ring_index_stuck);
        tcase_add_test(tests, ring_index_that_moves);
        tcase_add_test(tests, ring_index_that_leaves_the_ring);
        tcase_add_test(tests, handler_behind);
        tcase_add_test(tests, handler_behind_is_seen_when_the_centre_closes);
        tcase_add_test(tests, handler_that_catches_up);
        tcase_add_test(tests, overrun);
        tcase_add_test(tests, ring_too_small);
        tcase_add_test(tests, ring_that_is_large_enough);
        tcase_add_test(tests, ring_that_nobody_reads);
}
