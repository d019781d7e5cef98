/* Notification centres: setting up, closing, and what a ring and its interrupt look like to the application. */
#include <string.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "suite.h"

#define SLOTS 4

static struct MvNotification ring[SLOTS];
static volatile unsigned runs;
static void (*volatile in_tim8)(void);

void TIM8_BRK_IRQHandler(void);
void TIM8_BRK_IRQHandler(void)
{
        runs++;
        if (in_tim8)
                in_tim8();
}

static void boot(void)
{
        runs = 0;
        in_tim8 = NULL;
        mvt_device_boot(NULL);
}

static MvNotificationHandle open_tim8(void)
{
        return mvt_centre_open(TIM8_BRK_IRQn, ring, SLOTS);
}

static void post(MvNotificationHandle centre, uint32_t tag)
{
        expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_UPDATEDOWNLOADED, tag));
}

/* ---- setting up ---- */

static enum MvStatus set_up(uint32_t irq, void *buffer, uint32_t size, MvNotificationHandle *ret)
{
        const struct MvNotificationSetup setup = {irq, buffer, size};
        return mvSetupNotifications(&setup, ret);
}

/* Refused, nothing written, no centre made. */
static void refused(uint32_t irq, void *buffer, uint32_t size, enum MvStatus status, const char *field)
{
        uint32_t open = mvt_open_handles();
        MvNotificationHandle handle = (MvNotificationHandle)1;
        expect_reject(set_up(irq, buffer, size, &handle), status, field);
        ck_assert_ptr_eq(handle, (MvNotificationHandle)1);
        ck_assert_uint_eq(mvt_open_handles(), open);
}

START_TEST(setup_gives_a_handle_of_32_bits_and_leaves_the_buffer_alone)
{
        static const struct MvNotification untouched[SLOTS];
        MvNotificationHandle centre = open_tim8();
        ck_assert_uint_ne((uintptr_t)centre, 0);
        ck_assert_uint_le((uintptr_t)centre, UINT32_MAX);
        ck_assert_mem_eq(ring, untouched, sizeof ring);
        ck_assert_uint_eq(mvt_open_handles(), 1);
        mvt_centre_close(&centre);
        ck_assert_uint_eq(mvt_open_handles(), 0);
}
END_TEST

static const uint32_t bad_lines[] = {3, 7, 8, 10, 28, 46, 125, 126, 1000, UINT32_MAX};

START_TEST(line_that_is_reserved_or_unknown_is_refused)
{
        refused(bad_lines[_i], ring, sizeof ring, MV_STATUS_INVALIDINTERRUPT, "irq");
}
END_TEST

START_TEST(every_other_line_may_be_used)
{
        for (uint32_t irq = 0; irq < 125; irq++) {
                bool reserved = false;
                for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++)
                        reserved = reserved || bad_lines[i] == irq;
                if (reserved)
                        continue;
                MvNotificationHandle centre;
                expect_okay(set_up(irq, ring, sizeof ring, &centre));
                mvt_centre_close(&centre);
        }
}
END_TEST

START_TEST(line_of_another_centre_is_refused_until_that_is_closed)
{
        struct MvNotification other[2];
        MvNotificationHandle centre = open_tim8();
        refused(TIM8_BRK_IRQn, other, sizeof other, MV_STATUS_INVALIDINTERRUPT, "irq");
        mvt_centre_close(&centre);
        expect_okay(set_up(TIM8_BRK_IRQn, other, sizeof other, &centre));
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(size_must_be_a_multiple_of_16_and_at_least_32)
{
        static const uint32_t bad[] = {0, 1, 15, 16, 17, 31, 33, 40, 47, 63};
        refused(TIM8_BRK_IRQn, ring, bad[_i], MV_STATUS_INVALIDBUFFERSIZE, "buffer_size");
}
END_TEST

START_TEST(size_of_32_and_odd_alignment_are_accepted)
{
        uint8_t bytes[64];
        MvNotificationHandle centre;
        expect_okay(set_up(TIM8_BRK_IRQn, bytes + 3, 32, &centre));
        post(centre, 5);
        uint32_t tag;
        memcpy(&tag, bytes + 3 + offsetof(struct MvNotification, tag), sizeof tag);
        ck_assert_uint_eq(tag, 5);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(buffer_that_overlaps_another_centres_is_refused)
{
        static struct MvNotification many[8];
        MvNotificationHandle centre, other;
        expect_okay(set_up(TIM8_BRK_IRQn, &many[2], 4 * 16, &centre));
        refused(TIM2_IRQn, &many[2], 4 * 16, MV_STATUS_BUFFERALREADYINUSE, "buffer");
        refused(TIM2_IRQn, &many[0], 3 * 16, MV_STATUS_BUFFERALREADYINUSE, "buffer");
        refused(TIM2_IRQn, &many[5], 2 * 16, MV_STATUS_BUFFERALREADYINUSE, "buffer");
        refused(TIM2_IRQn, &many[3], 2 * 16, MV_STATUS_BUFFERALREADYINUSE, "buffer");
        refused(TIM2_IRQn, &many[0], 8 * 16, MV_STATUS_BUFFERALREADYINUSE, "buffer");
        expect_okay(set_up(TIM2_IRQn, &many[0], 2 * 16, &other)); /* a neighbour is none of its business */
        mvt_centre_close(&other);
        expect_okay(set_up(TIM2_IRQn, &many[6], 2 * 16, &other));
        mvt_centre_close(&other);
        mvt_centre_close(&centre);
        expect_okay(set_up(TIM2_IRQn, &many[2], 4 * 16, &other)); /* the buffer is free again */
        mvt_centre_close(&other);
}
END_TEST

START_TEST(buffer_in_memory_lent_otherwise_is_refused)
{
        static uint8_t log_buffer[512] __attribute__((aligned(512)));
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        refused(TIM8_BRK_IRQn, log_buffer + 496, 32, MV_STATUS_BUFFERALREADYINUSE, "buffer");
}
END_TEST

START_TEST(line_is_checked_before_the_buffer)
{
        refused(46, NULL, 1, MV_STATUS_INVALIDINTERRUPT, "irq");
        refused(TIM8_BRK_IRQn, NULL, 1, MV_STATUS_PARAMETERFAULT, "buffer");
}
END_TEST

static void open_many(MvNotificationHandle *centres, struct MvNotification (*rings)[2], unsigned count)
{
        for (unsigned i = 0; i < count; i++)
                expect_okay(set_up(60 + i, rings[i], sizeof rings[i], &centres[i]));
}

START_TEST(there_are_32_centres_and_no_33rd)
{
        static struct MvNotification rings[33][2];
        MvNotificationHandle centres[32];
        open_many(centres, rings, 32);
        refused(TIM8_BRK_IRQn, rings[32], sizeof rings[32], MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, "");
        mvt_centre_close(&centres[7]);
        expect_okay(set_up(TIM8_BRK_IRQn, rings[32], sizeof rings[32], &centres[7]));
        for (unsigned i = 0; i < 32; i++)
                mvt_centre_close(&centres[i]);
}
END_TEST

START_TEST(profile_may_allow_fewer_centres)
{
        static struct MvNotification rings[3][2];
        MvNotificationHandle centres[2];
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = "limits: {notification_centers: 2}\n"});
        open_many(centres, rings, 2);
        refused(TIM8_BRK_IRQn, rings[2], sizeof rings[2], MV_STATUS_TOOMANYNOTIFICATIONBUFFERS, "");
        mvt_centre_close(&centres[0]);
        mvt_centre_close(&centres[1]);
}
END_TEST

/* ---- closing ---- */

START_TEST(closing_writes_0_and_the_handle_is_void)
{
        MvNotificationHandle centre = open_tim8();
        MvNotificationHandle copy = centre;
        mvt_centre_close(&centre);
        expect_reject(mvCloseNotifications(&centre), MV_STATUS_INVALIDHANDLE, "handle_in_out");
        expect_reject(mvCloseNotifications(&copy), MV_STATUS_INVALIDHANDLE, "handle_in_out");
        ck_assert_ptr_nonnull(copy);
        expect_reject(mvTempTriggerNotification(copy, MV_EVENTTYPE_UPDATEDOWNLOADED, 1), MV_STATUS_INVALIDHANDLE,
                      "handle");
        expect_reject(mvTempTriggerNotification(NULL, MV_EVENTTYPE_UPDATEDOWNLOADED, 1), MV_STATUS_INVALIDHANDLE,
                      "handle");
}
END_TEST

START_TEST(handle_of_another_kind_is_no_centre)
{
        MvNotificationHandle centre = open_tim8();
        MvNetworkHandle network = mvt_network_request(centre, 1);
        MvNotificationHandle wrong = (MvNotificationHandle)(void *)network;
        expect_reject(mvCloseNotifications(&wrong), MV_STATUS_INVALIDHANDLE, "handle_in_out");
        expect_reject(mvTempTriggerNotification(wrong, MV_EVENTTYPE_UPDATEDOWNLOADED, 1), MV_STATUS_INVALIDHANDLE,
                      "handle");
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTING);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(handles_are_not_used_again)
{
        MvNotificationHandle seen[200];
        for (unsigned i = 0; i < 200; i++) {
                MvNotificationHandle centre = seen[i] = open_tim8();
                for (unsigned k = 0; k < i; k++)
                        ck_assert_ptr_ne(seen[k], seen[i]);
                mvt_centre_close(&centre);
        }
}
END_TEST

START_TEST(sources_of_a_closed_centre_go_on_unheard)
{
        MvNotificationHandle centre = open_tim8();
        MvNetworkHandle network = mvt_network_request(centre, 1);
        mvt_centre_close(&centre);
        memset(ring, 0xee, sizeof ring);
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(runs, 0);
        ck_assert_uint_eq(ring[0].tag, 0xeeeeeeee);
        mvt_network_release(&network);
}
END_TEST

START_TEST(new_centre_does_not_inherit_the_sources_of_a_closed_one)
{
        MvNotificationHandle centre = open_tim8();
        MvNetworkHandle network = mvt_network_request(centre, 1);
        mvt_centre_close(&centre);
        centre = open_tim8();
        mvt_network_wait(network, MV_NETWORKSTATUS_CONNECTED);
        ck_assert_uint_eq(runs, 0);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(closing_drops_waiting_records_and_keeps_a_pending_line_pending)
{
        MvNotificationHandle centre = open_tim8();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        post(centre, 1);
        post(centre, 2);
        mvt_centre_close(&centre);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 1);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        mvsim_run_for(100000);
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(ring[0].tag, 1);
        ck_assert_uint_eq(ring[1].tag, 0);
}
END_TEST

/* ---- records ---- */

static struct MvNotification seen;

static void read_first(void)
{
        seen = ring[0];
}

START_TEST(record_is_whole_before_the_handler_runs)
{
        MvNotificationHandle centre = open_tim8();
        memset(ring, 0xff, sizeof ring);
        in_tim8 = read_first;
        mvsim_run_for(1000);
        uint64_t now = mvsim_now_us();
        expect_okay(mvTempTriggerNotification(centre, MV_EVENTTYPE_CHANNELNOTCONNECTED, 0x12345678));
        ck_assert_uint_eq(runs, 1);
        ck_assert_uint_eq(seen.microseconds, now);
        ck_assert_int_eq(seen.event_type, MV_EVENTTYPE_CHANNELNOTCONNECTED);
        ck_assert_uint_eq(seen.tag, 0x12345678);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(trigger_posts_any_type_verbatim)
{
        static const uint32_t types[] = {0, 1, 2, 3, 4, 5, 6, 4711, UINT32_MAX};
        MvNotificationHandle centre = open_tim8();
        expect_okay(mvTempTriggerNotification(centre, (enum MvEventType)types[_i], UINT32_MAX));
        ck_assert_uint_eq((uint32_t)ring[0].event_type, types[_i]);
        ck_assert_uint_eq(ring[0].tag, UINT32_MAX);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(slots_are_written_whatever_they_hold)
{
        static const int fills[] = {0xff, 0x00, 0xa5};
        MvNotificationHandle centre = open_tim8();
        memset(ring, fills[_i], sizeof ring);
        for (uint32_t tag = 0; tag < SLOTS; tag++)
                post(centre, tag);
        for (uint32_t slot = 0; slot < SLOTS; slot++) {
                ck_assert_uint_eq(ring[slot].tag, slot);
                ck_assert_int_eq(ring[slot].event_type, MV_EVENTTYPE_UPDATEDOWNLOADED);
        }
        ck_assert_uint_eq(mvt_statistics().overruns, 0);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(ring_wraps_to_its_first_slot)
{
        MvNotificationHandle centre = open_tim8();
        for (uint32_t tag = 0; tag < 3 * SLOTS + 2; tag++)
                post(centre, tag);
        ck_assert_uint_eq(ring[0].tag, 3 * SLOTS);
        ck_assert_uint_eq(ring[1].tag, 3 * SLOTS + 1);
        ck_assert_uint_eq(ring[2].tag, 2 * SLOTS + 2);
        ck_assert_uint_eq(ring[3].tag, 2 * SLOTS + 3);
        ck_assert_uint_eq(runs, 3 * SLOTS + 2);
        ck_assert_uint_eq(mvt_statistics().notifications, 3 * SLOTS + 2);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(record_written_over_one_that_was_left_in_place_is_an_overrun)
{
        MvNotificationHandle centre = open_tim8();
        for (uint32_t tag = 0; tag < SLOTS; tag++)
                post(centre, tag);
        ring[0].event_type = MV_EVENTTYPE_NOEVENT; /* dealt with */
        post(centre, 100);
        ck_assert_uint_eq(mvt_statistics().overruns, 0);
        post(centre, 101); /* slot 1 was not */
        ck_assert_uint_eq(mvt_statistics().overruns, 1);
        ck_assert_uint_eq(ring[1].tag, 101);
        mvt_centre_close(&centre);
}
END_TEST

/* ---- one interrupt for each record ---- */

static volatile unsigned wrong;

static void read_next(void)
{
        if (ring[(runs - 1) % SLOTS].tag != runs - 1)
                wrong++;
}

static MvNotificationHandle open_counting(void)
{
        wrong = 0;
        in_tim8 = read_next;
        return open_tim8();
}

START_TEST(enabled_line_is_entered_once_for_each_record)
{
        MvNotificationHandle centre = open_counting();
        for (uint32_t tag = 0; tag < 10; tag++)
                post(centre, tag);
        ck_assert_uint_eq(runs, 10);
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(mvt_statistics().shadowed, 0);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(burst_in_a_short_masked_section_is_entered_once_for_each_record)
{
        MvNotificationHandle centre = open_counting();
        __disable_irq();
        for (uint32_t tag = 0; tag < 10; tag++)
                post(centre, tag);
        ck_assert_uint_eq(ring[0].tag, 0);
        ck_assert_uint_eq(mvt_statistics().notifications, 1); /* the others wait */
        __enable_irq();
        ck_assert_uint_eq(runs, 10);
        ck_assert_uint_eq(wrong, 0);
        ck_assert_uint_eq(mvt_statistics().shadowed, 0);
        mvt_centre_close(&centre);
}
END_TEST

static void check_merged(MvNotificationHandle centre)
{
        for (uint32_t tag = 0; tag < SLOTS; tag++)
                post(centre, tag);
        ck_assert_uint_eq(mvt_statistics().notifications, 1);
        mvsim_run_for(9000); /* limits.notification_hold_ms is 10 */
        ck_assert_uint_eq(mvt_statistics().notifications, 1);
        mvsim_run_for(2000);
        ck_assert_uint_eq(mvt_statistics().notifications, SLOTS);
        for (uint32_t slot = 0; slot < SLOTS; slot++)
                ck_assert_uint_eq(ring[slot].tag, slot);
        ck_assert_uint_eq(runs, 0);
        ck_assert_uint_eq(mvt_statistics().shadowed, SLOTS - 1);
}

START_TEST(line_that_stays_disabled_holds_no_record_up_and_its_pends_merge)
{
        MvNotificationHandle centre = open_tim8();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        check_merged(centre);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(runs, 1);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(line_that_stays_masked_holds_no_record_up_and_its_pends_merge)
{
        MvNotificationHandle centre = open_tim8();
        __disable_irq();
        check_merged(centre);
        __enable_irq();
        ck_assert_uint_eq(runs, 1);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(after_a_merge_there_is_one_interrupt_for_each_record_again)
{
        MvNotificationHandle centre = open_tim8();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        check_merged(centre);
        NVIC_EnableIRQ(TIM8_BRK_IRQn);
        for (uint32_t tag = 0; tag < 3; tag++)
                post(centre, tag);
        ck_assert_uint_eq(runs, 4);
        ck_assert_uint_eq(mvt_statistics().shadowed, SLOTS - 1);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(ring_of_a_line_that_is_never_enabled_is_written_at_once)
{
        MvNotificationHandle centre = open_tim8();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        post(centre, 1);
        mvsim_run_for(10000); /* nobody takes the pend: the application polls */
        for (uint32_t tag = 2; tag <= SLOTS; tag++) {
                post(centre, tag);
                ck_assert_uint_eq(ring[tag - 1].tag, tag);
        }
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(clearing_the_pend_lets_the_next_record_come)
{
        MvNotificationHandle centre = open_tim8();
        NVIC_DisableIRQ(TIM8_BRK_IRQn);
        post(centre, 1);
        post(centre, 2);
        ck_assert_uint_eq(ring[1].tag, 0);
        NVIC_ClearPendingIRQ(TIM8_BRK_IRQn);
        ck_assert_uint_eq(ring[1].tag, 2);
        ck_assert_uint_eq(NVIC_GetPendingIRQ(TIM8_BRK_IRQn), 1);
        mvt_centre_close(&centre);
}
END_TEST

START_TEST(flood_of_records_beyond_what_can_wait_loses_none)
{
        static struct MvNotification many[256];
        MvNotificationHandle centre = mvt_centre_open(TIM8_BRK_IRQn, many, 256);
        __disable_irq();
        for (uint32_t tag = 0; tag < 200; tag++)
                post(centre, tag + 1);
        __enable_irq();
        mvsim_run_for(1000);
        for (uint32_t slot = 0; slot < 200; slot++)
                ck_assert_uint_eq(many[slot].tag, slot + 1);
        ck_assert_uint_eq(mvt_statistics().notifications, 200);
        ck_assert_uint_eq(runs + mvt_statistics().shadowed, 200);
        mvt_centre_close(&centre);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("notifications");
        TCase *tests = tcase_create("notifications");
        tcase_add_checked_fixture(tests, boot, mvt_device_end);
        tcase_add_test(tests, setup_gives_a_handle_of_32_bits_and_leaves_the_buffer_alone);
        tcase_add_loop_test(tests, line_that_is_reserved_or_unknown_is_refused, 0, 10);
        tcase_add_test(tests, every_other_line_may_be_used);
        tcase_add_test(tests, line_of_another_centre_is_refused_until_that_is_closed);
        tcase_add_loop_test(tests, size_must_be_a_multiple_of_16_and_at_least_32, 0, 10);
        tcase_add_test(tests, size_of_32_and_odd_alignment_are_accepted);
        tcase_add_test(tests, buffer_that_overlaps_another_centres_is_refused);
        tcase_add_test(tests, buffer_in_memory_lent_otherwise_is_refused);
        tcase_add_test(tests, line_is_checked_before_the_buffer);
        tcase_add_test(tests, there_are_32_centres_and_no_33rd);
        tcase_add_test(tests, profile_may_allow_fewer_centres);
        tcase_add_test(tests, closing_writes_0_and_the_handle_is_void);
        tcase_add_test(tests, handle_of_another_kind_is_no_centre);
        tcase_add_test(tests, handles_are_not_used_again);
        tcase_add_test(tests, sources_of_a_closed_centre_go_on_unheard);
        tcase_add_test(tests, new_centre_does_not_inherit_the_sources_of_a_closed_one);
        tcase_add_test(tests, closing_drops_waiting_records_and_keeps_a_pending_line_pending);
        tcase_add_test(tests, record_is_whole_before_the_handler_runs);
        tcase_add_loop_test(tests, trigger_posts_any_type_verbatim, 0, 9);
        tcase_add_loop_test(tests, slots_are_written_whatever_they_hold, 0, 3);
        tcase_add_test(tests, ring_wraps_to_its_first_slot);
        tcase_add_test(tests, record_written_over_one_that_was_left_in_place_is_an_overrun);
        tcase_add_test(tests, enabled_line_is_entered_once_for_each_record);
        tcase_add_test(tests, burst_in_a_short_masked_section_is_entered_once_for_each_record);
        tcase_add_test(tests, line_that_stays_disabled_holds_no_record_up_and_its_pends_merge);
        tcase_add_test(tests, line_that_stays_masked_holds_no_record_up_and_its_pends_merge);
        tcase_add_test(tests, after_a_merge_there_is_one_interrupt_for_each_record_again);
        tcase_add_test(tests, ring_of_a_line_that_is_never_enabled_is_written_at_once);
        tcase_add_test(tests, clearing_the_pend_lets_the_next_record_come);
        tcase_add_test(tests, flood_of_records_beyond_what_can_wait_loses_none);
        suite_add_tcase(suite, tests);
        return suite;
}
