/* The usage checker: the flash, sleep, and memory that is lent. */
#include <pthread.h>

#include "lints.h"
#include "suite.h"

static uint8_t log_buffer[512] __attribute__((aligned(512)));

static void write_counts(bool erase)
{
        MvExternalFlashHandle flash;
        expect_okay(mvExternalFlashOpen(&flash));
        for (uint32_t count = 5; count < 9; count++) {
                if (erase)
                        expect_okay(mvExternalFlashEraseBlocking(flash, 0, 4096));
                expect_okay(mvExternalFlashWriteBlocking(flash, 0, sizeof count, (const uint8_t *)&count));
        }
        const uint8_t done = 0;
        expect_okay(mvExternalFlashWriteBlocking(flash, 0, 1, &done));
        expect_okay(mvExternalFlashClose(&flash));
}

static void hold_network_and(enum MvStatus (*sleep)(void), const char *call)
{
        mvt_lints_open(mvt_lints_reads_all);
        MvNetworkHandle held = mvt_network_request(mvt_lints.centre, 1);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_int_eq(sleep(), MV_STATUS_MICROVISORBUSY);
        EXPECT_FOUND("sleep-with-network", 2, call, "1 network request", "mvReleaseNetwork");
        mvt_network_release(&held);
        mvt_centre_close(&mvt_lints.centre);
}

static enum MvStatus sleep_deeply(void)
{
        return mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY);
}

static enum MvStatus stop(void)
{
        return mvPowerSave(MV_POWERSAVINGMODE_STOP1);
}

START_TEST(sleep_with_network)
{
        if (_i == 0)
                hold_network_and(sleep_deeply, "mvDeepSleep");
        else
                hold_network_and(stop, "mvPowerSave");
}
END_TEST

START_TEST(sleep_with_the_network_going_down)
{
        mvt_lints_open(mvt_lints_reads_all);
        MvNetworkHandle held = mvt_network_request(mvt_lints.centre, 1);
        mvt_network_release(&held);
        expect_reject(mvDeepSleep(MV_DEEPSLEEPMODE_STANDBY), MV_STATUS_MICROVISORBUSY, "");
        mvt_lints_expect_none();
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

START_TEST(flash_not_erased)
{
        write_counts(false);
        EXPECT_FOUND("flash-not-erased", 3, "mvExternalFlashWriteBlocking", "at 0x00000000", "erase sector 0x00000000");
}
END_TEST

START_TEST(flash_erased)
{
        write_counts(true);
        mvt_lints_expect_none();
}
END_TEST

/* ---- lent memory ---- */

static MvNotificationHandle centre_on(struct MvNotification *buffer, uint32_t size)
{
        const struct MvNotificationSetup setup = {MVT_LINTS_IRQ, buffer, size};
        expect_okay(mvSetupNotifications(&setup, &mvt_lints.centre));
        return mvt_lints.centre;
}

START_TEST(stack_buffer)
{
        struct MvNotification local[MVT_LINTS_SLOTS];
        mvt_lints.centre = centre_on(local, sizeof local);
        EXPECT_FOUND("stack-buffer", 1, "mvSetupNotifications", "buffer 0x", "64 bytes");
        mvt_centre_close(&mvt_lints.centre);
}
END_TEST

static void *set_up_on_its_stack(void *unused)
{
        struct MvNotification local[MVT_LINTS_SLOTS];
        mvt_lints.centre = centre_on(local, sizeof local);
        mvt_centre_close(&mvt_lints.centre);
        return unused;
}

START_TEST(stack_buffer_of_another_thread)
{
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, set_up_on_its_stack, NULL), 0);
        pthread_join(thread, NULL);
        EXPECT_FOUND("stack-buffer", 1, "mvSetupNotifications");
}
END_TEST

START_TEST(stack_buffer_of_a_channel)
{
        uint8_t local[1024] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = local;
        params.v1.receive_buffer_len = sizeof local;
        MvChannelHandle channel = mvt_channel_open(&params);
        EXPECT_FOUND("stack-buffer", 1, "mvOpenChannel", "receive_buffer", "1024 bytes");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(static_buffers)
{
        MvChannelHandle channel = mvt_http_open();
        expect_okay(mvServerLoggingInit(log_buffer, sizeof log_buffer));
        mvt_channel_close(&channel);
        mvt_lints_expect_none();
}
END_TEST

void mvt_lints_add_resources(Suite *suite)
{
        TCase *tests = mvt_lints_case(suite, "resources, offline", mvt_device_boot_virtual, mvt_device_end);
        tcase_add_loop_test(tests, sleep_with_network, 0, 2);
        tcase_add_test(tests, sleep_with_the_network_going_down);
        tcase_add_test(tests, flash_not_erased);
        tcase_add_test(tests, flash_erased);
        tcase_add_test(tests, stack_buffer);
        tcase_add_test(tests, stack_buffer_of_another_thread);
        tests = mvt_lints_case(suite, "resources, online", mvt_lints_boot_online, mvt_lints_end_online);
        tcase_add_test(tests, stack_buffer_of_a_channel);
        tcase_add_test(tests, static_buffers);
}
