/* The Wi-Fi settings: what is stored, what is refused, and what is never told. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "handlers.h"
#include "stm32u5xx.h"
#include "suite.h"
#include "traced.h"

#define SSID_MAX     32
#define PASSWORD_MAX 64

static const uint8_t digits[] = "0123456789012345678901234567890123456789012345678901234567890123456789";

static struct MvSizedString text(const char *bytes)
{
        return (struct MvSizedString){(const uint8_t *)bytes, (uint32_t)strlen(bytes)};
}

static struct MvWifiConfig config_of(struct MvSizedString ssid, struct MvSizedString password)
{
        return (struct MvWifiConfig){.version = 1, .v1 = {MV_WIFICONFIGMODE_APPLYNOW, ssid, password}};
}

static enum MvStatus set(struct MvSizedString ssid, struct MvSizedString password)
{
        const struct MvWifiConfig config = config_of(ssid, password);
        return mvSetWifiConfig(&config);
}

static enum MvStatus clear(void)
{
        /* CLEARNOW does not look at the strings. */
        const struct MvSizedString nowhere = {(const uint8_t *)MVT_UNMAPPED, 1000};
        const struct MvWifiConfig config = {.version = 1, .v1 = {MV_WIFICONFIGMODE_CLEARNOW, nowhere, nowhere}};
        return mvSetWifiConfig(&config);
}

static void expect_stored(const char *ssid, bool encrypted)
{
        uint8_t buffer[SSID_MAX + 1], has_encryption = 7;
        uint32_t length = 99;
        memset(buffer, 0xc3, sizeof buffer);
        const struct MvWifiConfigOut out = {.version = 1, .v1 = {{buffer, SSID_MAX, &length}, &has_encryption}};
        expect_okay(mvGetWifiConfig(&out));
        ck_assert_uint_eq(length, strlen(ssid));
        ck_assert_mem_eq(buffer, ssid, length);
        ck_assert_uint_eq(buffer[length], 0xc3); /* no terminator */
        ck_assert_uint_eq(has_encryption, encrypted);
}

static void expect_password(const char *password)
{
        struct mvsim_wifi wifi;
        mvsim_get_wifi(&wifi);
        ck_assert_uint_eq(wifi.password_len, strlen(password));
        ck_assert_mem_eq(wifi.password, password, wifi.password_len);
}

/* ---- storing ---- */

START_TEST(nothing_is_stored_at_first)
{
        expect_stored("", false);
        expect_password("");
}
END_TEST

START_TEST(what_is_set_is_stored_and_replaces_what_was)
{
        expect_okay(set(text("first"), text("secret")));
        expect_stored("first", true);
        expect_password("secret");
        expect_okay(set(text("the second network"), text("")));
        expect_stored("the second network", false);
        expect_password("");
        expect_okay(set(text("third"), text("other secret")));
        expect_stored("third", true);
        expect_password("other secret");
}
END_TEST

START_TEST(clearing_does_not_look_at_the_strings)
{
        expect_okay(set(text("network"), text("secret")));
        expect_okay(clear());
        expect_stored("", false);
        expect_password("");
        expect_okay(clear());
}
END_TEST

START_TEST(the_longest_strings_are_stored)
{
        struct mvsim_wifi wifi;
        expect_okay(set((struct MvSizedString){digits, SSID_MAX}, (struct MvSizedString){digits, PASSWORD_MAX}));
        mvsim_get_wifi(&wifi);
        ck_assert_uint_eq(wifi.ssid_len, SSID_MAX);
        ck_assert_mem_eq(wifi.ssid, digits, SSID_MAX);
        ck_assert_uint_eq(wifi.password_len, PASSWORD_MAX);
        ck_assert_mem_eq(wifi.password, digits, PASSWORD_MAX);
}
END_TEST

START_TEST(a_name_may_have_any_bytes)
{
        static const uint8_t bytes[] = {0, 255, 10, 0};
        struct mvsim_wifi wifi;
        expect_okay(set((struct MvSizedString){bytes, sizeof bytes}, (struct MvSizedString){NULL, 0}));
        mvsim_get_wifi(&wifi);
        ck_assert_uint_eq(wifi.ssid_len, sizeof bytes);
        ck_assert_mem_eq(wifi.ssid, bytes, sizeof bytes);
}
END_TEST

START_TEST(the_connection_there_is_stays)
{
        static struct MvNotification ring[4];
        MvNotificationHandle centre = mvt_centre_open(TIM2_IRQn, ring, 4);
        NVIC_DisableIRQ(TIM2_IRQn);
        MvNetworkHandle network = mvt_network_connect(centre, 1);
        expect_okay(set(text("network"), text("secret")));
        mvsim_run_for(5000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        expect_okay(clear());
        mvsim_run_for(5000000);
        ck_assert_int_eq(mvt_network_status(network), MV_NETWORKSTATUS_CONNECTED);
        mvt_network_release(&network);
        mvt_centre_close(&centre);
}
END_TEST

/* ---- refusals; each leaves what is stored ---- */

static void store_something(void)
{
        mvt_device_boot(NULL);
        expect_okay(set(text("network"), text("secret")));
}

static void check_nothing_changed(void)
{
        expect_stored("network", true);
        expect_password("secret");
        mvt_device_end();
}

START_TEST(a_name_or_password_that_is_too_long_is_refused)
{
        const struct MvSizedString name = {digits, SSID_MAX + 1}, password = {digits, PASSWORD_MAX + 1};
        expect_reject(set(name, text("")), MV_STATUS_INPUTTOOLONG, "wifi_ssid.length");
        expect_reject(set(text("x"), password), MV_STATUS_INPUTTOOLONG, "wifi_password.length");
        expect_reject(set(name, password), MV_STATUS_INPUTTOOLONG, "wifi_ssid.length");
}
END_TEST

START_TEST(an_empty_name_is_refused)
{
        expect_reject(set(text(""), text("secret")), MV_STATUS_REQUIREDELEMENTMISSING, "wifi_ssid");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "to erase the settings, use CLEARNOW"));
}
END_TEST

START_TEST(an_unknown_version_is_refused_before_anything_else)
{
        struct MvWifiConfig config = config_of(text(""), text(""));
        struct MvWifiConfigOut out = {.version = 0};
        config.version = 2;
        config.v1.config_mode = (enum MvWifiConfigMode)9;
        expect_reject(mvSetWifiConfig(&config), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        expect_reject(mvGetWifiConfig(&out), MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
}
END_TEST

START_TEST(an_unknown_mode_is_refused)
{
        struct MvWifiConfig config = config_of(text("x"), text(""));
        config.v1.config_mode = (enum MvWifiConfigMode)2;
        expect_reject(mvSetWifiConfig(&config), MV_STATUS_PARAMETERFAULT, "config_mode");
}
END_TEST

START_TEST(a_pointer_is_looked_at_before_lengths)
{
        const struct MvSizedString nowhere = {(const uint8_t *)MVT_UNMAPPED, 1000};
        expect_reject(set(text(""), nowhere), MV_STATUS_PARAMETERFAULT, "wifi_password.data");
        expect_reject(set(nowhere, nowhere), MV_STATUS_PARAMETERFAULT, "wifi_ssid.data");
}
END_TEST

START_TEST(a_buffer_that_is_too_small_stays_untouched)
{
        uint8_t buffer[7] = {9, 9, 9, 9, 9, 9, 9}, has_encryption = 7;
        uint32_t length = 99;
        struct MvWifiConfigOut out = {.version = 1, .v1 = {{buffer, 6, &length}, &has_encryption}};
        expect_reject(mvGetWifiConfig(&out), MV_STATUS_INVALIDBUFFERSIZE, "ssid.size");
        ck_assert_uint_eq(buffer[0], 9);
        ck_assert_uint_eq(length, 99);
        ck_assert_uint_eq(has_encryption, 7);
        out.v1.ssid.size = 7;
        expect_okay(mvGetWifiConfig(&out));
}
END_TEST

static enum MvStatus from_handler[2];

static void call_both(void)
{
        static uint8_t ssid[SSID_MAX], has_encryption;
        static uint32_t length;
        const struct MvWifiConfigOut out = {.version = 1, .v1 = {{ssid, sizeof ssid, &length}, &has_encryption}};
        from_handler[0] = clear();
        from_handler[1] = mvGetWifiConfig(&out);
}

START_TEST(neither_may_be_called_from_a_handler)
{
        mvsim_nvic_set_vector(TIM8_UP_IRQn, call_both);
        NVIC_EnableIRQ(TIM8_UP_IRQn);
        NVIC_SetPendingIRQ(TIM8_UP_IRQn);
        ck_assert_int_eq(from_handler[0], MV_STATUS_UNAVAILABLE);
        ck_assert_int_eq(from_handler[1], MV_STATUS_UNAVAILABLE);
}
END_TEST

/* ---- restarts, the profile, and the event log ---- */

static void restart(void *unused)
{
        (void)unused;
        expect_okay(set(text("kept"), text("secret")));
        expect_okay(mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE));
}

START_TEST(what_is_stored_outlives_the_applications_lives)
{
        mvt_device_boot(&(struct mvt_device){.profile = "wifi: {ssid: delivered}\n"});
        for (unsigned life = 0; life < 3; life++) { /* the settings lie now here, now there */
                ck_assert(mvsim_catch(restart, NULL, NULL));
                ck_assert_int_eq(mvsim_boot_again(), 0);
                expect_stored("kept", true);
                expect_password("secret");
        }
        expect_okay(clear());
        ck_assert(mvsim_catch(restart, NULL, NULL));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        expect_stored("kept", true);
        mvt_device_end();
}
END_TEST

START_TEST(what_the_profile_says_is_stored_until_it_is_replaced)
{
        mvt_device_boot(&(struct mvt_device){.profile = "wifi: {ssid: delivered, password: with it}\n"});
        expect_stored("delivered", true);
        expect_password("with it");
        expect_okay(set(text("own"), text("")));
        expect_stored("own", false);
        expect_okay(clear());
        expect_stored("", false);
        mvt_device_end();
        mvt_device_boot(&(struct mvt_device){.profile = "wifi: {ssid: delivered}\n"}); /* another device */
        expect_stored("delivered", false);
        mvt_device_end();
}
END_TEST

START_TEST(the_event_log_has_the_name_and_not_the_password)
{
        mvt_traced_boot(&(struct mvt_device){.profile = NULL});
        expect_okay(set(text("network"), text("hush")));
        const char *events = mvt_traced_end();
        ck_assert_msg(strstr(events, "wifi_ssid=\"network\"") != NULL, "%s", events);
        ck_assert_ptr_nonnull(strstr(events, "wifi_password.length=4"));
        ck_assert_ptr_null(strstr(events, "hush"));
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("wifi");
        TCase *storing = tcase_create("storing");
        tcase_add_checked_fixture(storing, mvt_device_boot_virtual, mvt_device_end);
        tcase_add_test(storing, nothing_is_stored_at_first);
        tcase_add_test(storing, what_is_set_is_stored_and_replaces_what_was);
        tcase_add_test(storing, clearing_does_not_look_at_the_strings);
        tcase_add_test(storing, the_longest_strings_are_stored);
        tcase_add_test(storing, a_name_may_have_any_bytes);
        tcase_add_test(storing, the_connection_there_is_stays);
        suite_add_tcase(suite, storing);
        TCase *refusals = tcase_create("refusals");
        tcase_add_checked_fixture(refusals, store_something, check_nothing_changed);
        tcase_add_test(refusals, a_name_or_password_that_is_too_long_is_refused);
        tcase_add_test(refusals, an_empty_name_is_refused);
        tcase_add_test(refusals, an_unknown_version_is_refused_before_anything_else);
        tcase_add_test(refusals, an_unknown_mode_is_refused);
        tcase_add_test(refusals, a_pointer_is_looked_at_before_lengths);
        tcase_add_test(refusals, a_buffer_that_is_too_small_stays_untouched);
        tcase_add_test(refusals, neither_may_be_called_from_a_handler);
        suite_add_tcase(suite, refusals);
        TCase *own = tcase_create("profile and event log");
        tcase_add_test(own, what_is_stored_outlives_the_applications_lives);
        tcase_add_test(own, what_the_profile_says_is_stored_until_it_is_replaced);
        tcase_add_test(own, the_event_log_has_the_name_and_not_the_password);
        suite_add_tcase(suite, own);
        return suite;
}
