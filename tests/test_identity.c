/* What an application learns of the device itself, and its one light. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "stm32u5xx.h"

#include "lib/device.h"
#include "suite.h"

#define ID_LEN 34

START_TEST(device_id_is_34_characters_without_terminator)
{
        uint8_t id[ID_LEN + 1];
        memset(id, 0xee, sizeof id);
        expect_okay(mvGetDeviceId(id, ID_LEN));
        ck_assert_mem_eq(id, "UV", 2);
        for (int i = 2; i < ID_LEN; i++)
                ck_assert(isxdigit(id[i]));
        ck_assert_uint_eq(id[ID_LEN], 0xee);
}
END_TEST

START_TEST(zeroed_array_of_35_holds_the_id_as_a_string)
{
        char id[ID_LEN + 1] = {0};
        expect_okay(mvGetDeviceId((uint8_t *)id, ID_LEN));
        ck_assert_uint_eq(strlen(id), ID_LEN);
}
END_TEST

START_TEST(device_id_of_another_length_is_refused)
{
        static const uint32_t lengths[] = {0, 1, 33, 35, 64};
        uint8_t id[64], untouched[64];
        memset(id, 0xee, sizeof id);
        memset(untouched, 0xee, sizeof untouched);
        expect_reject(mvGetDeviceId(id, lengths[_i]), MV_STATUS_INVALIDBUFFERSIZE, "len");
        ck_assert_mem_eq(id, untouched, sizeof id);
}
END_TEST

START_TEST(memory_of_the_id_is_checked_before_its_length)
{
        expect_reject(mvGetDeviceId(NULL, 33), MV_STATUS_PARAMETERFAULT, "buf");
        expect_reject(mvGetDeviceId(NULL, 0), MV_STATUS_INVALIDBUFFERSIZE, "len");
}
END_TEST

START_TEST(profile_gives_the_id)
{
        static const char text[] = "device:\n  id: UV0123456789abcdef0123456789abcdef\n";
        uint8_t id[ID_LEN];
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = text});
        expect_okay(mvGetDeviceId(id, ID_LEN));
        ck_assert_mem_eq(id, "UV0123456789abcdef0123456789abcdef", ID_LEN);
}
END_TEST

START_TEST(led_is_on_after_boot_and_follows_the_call)
{
        ck_assert(mvsim_led_is_on());
        expect_okay(mvSystemLedEnable(0));
        ck_assert(!mvsim_led_is_on());
        expect_okay(mvSystemLedEnable(1));
        ck_assert(mvsim_led_is_on());
        expect_okay(mvSystemLedEnable(0));
        expect_okay(mvSystemLedEnable(0x100)); /* any number but 0 */
        ck_assert(mvsim_led_is_on());
}
END_TEST

START_TEST(device_wakes_from_a_cold_boot)
{
        enum MvWakeReason reason = MV_WAKEREASON_DEEPSLEEPOTHER;
        expect_okay(mvGetWakeReason(&reason));
        ck_assert_int_eq(reason, MV_WAKEREASON_COLDBOOT);
}
END_TEST

static const char *const wake_reasons[] = {
        [MV_WAKEREASON_COLDBOOT] = "coldboot",
        [MV_WAKEREASON_REMOTEMICROVISORRESTART] = "remotemicrovisorrestart",
        [MV_WAKEREASON_REMOTEAPPLICATIONRESTART] = "remoteapplicationrestart",
        [MV_WAKEREASON_DEBUGGERRESTART] = "debuggerrestart",
        [MV_WAKEREASON_MICROVISORCRASH] = "microvisorcrash",
        [MV_WAKEREASON_MICROVISORWATCHDOG] = "microvisorwatchdog",
        [MV_WAKEREASON_MICROVISOROUTOFMEMORY] = "microvisoroutofmemory",
        [MV_WAKEREASON_MICROVISORERROR] = "microvisorerror",
        [MV_WAKEREASON_APPLICATIONCRASH] = "applicationcrash",
        [MV_WAKEREASON_APPLICATIONUPDATE] = "applicationupdate",
        [MV_WAKEREASON_MICROVISORUPDATE] = "microvisorupdate",
        [MV_WAKEREASON_OPTIONBYTES] = "optionbytes",
        [MV_WAKEREASON_DEEPSLEEPCHECKIN] = "deepsleepcheckin",
        [MV_WAKEREASON_DEEPSLEEPAPPLICATION] = "deepsleepapplication",
        [MV_WAKEREASON_DEEPSLEEPMODEM] = "deepsleepmodem",
        [MV_WAKEREASON_DEEPSLEEPAPPLICATIONRTC] = "deepsleepapplicationrtc",
        [MV_WAKEREASON_DEEPSLEEPOTHER] = "deepsleepother",
};

START_TEST(profile_gives_the_wake_reason)
{
        char text[100];
        enum MvWakeReason reason = MV_WAKEREASON__MAX;
        snprintf(text, sizeof text, "device: {wake_reason: %s}\n", wake_reasons[_i]);
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = text});
        expect_okay(mvGetWakeReason(&reason));
        ck_assert_int_eq(reason, _i);
}
END_TEST

static enum MvStatus led_in_handler, reason_in_handler, time_in_handler;

static void ask_in_handler(void)
{
        uint64_t now;
        enum MvWakeReason reason;
        led_in_handler = mvSystemLedEnable(0);
        reason_in_handler = mvGetWakeReason(&reason);
        time_in_handler = mvGetMicroseconds(&now);
}

START_TEST(led_and_wake_reason_are_not_for_handlers)
{
        NVIC_SetVector(TIM2_IRQn, (uintptr_t)ask_in_handler);
        NVIC_EnableIRQ(TIM2_IRQn);
        NVIC_SetPendingIRQ(TIM2_IRQn);
        ck_assert_int_eq(led_in_handler, MV_STATUS_UNAVAILABLE);
        ck_assert_int_eq(reason_in_handler, MV_STATUS_UNAVAILABLE);
        ck_assert(mvsim_led_is_on());
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "interrupt handler"));
        ck_assert_int_eq(time_in_handler, MV_STATUS_OKAY); /* the older calls are tolerated, and counted */
        ck_assert_uint_eq(mvt_statistics().calls_in_isr, 3);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("identity");
        TCase *tests = tcase_create("identity");
        tcase_add_checked_fixture(tests, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(tests, device_id_is_34_characters_without_terminator);
        tcase_add_test(tests, zeroed_array_of_35_holds_the_id_as_a_string);
        tcase_add_loop_test(tests, device_id_of_another_length_is_refused, 0, 5);
        tcase_add_test(tests, memory_of_the_id_is_checked_before_its_length);
        tcase_add_test(tests, profile_gives_the_id);
        tcase_add_test(tests, led_is_on_after_boot_and_follows_the_call);
        tcase_add_test(tests, device_wakes_from_a_cold_boot);
        tcase_add_loop_test(tests, profile_gives_the_wake_reason, 0, sizeof wake_reasons / sizeof wake_reasons[0]);
        tcase_add_test(tests, led_and_wake_reason_are_not_for_handlers);
        suite_add_tcase(suite, tests);
        return suite;
}
