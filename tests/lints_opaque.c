/* The usage checker on opaque channels; a part of test_lints.c. */
#include <stdio.h>
#include <string.h>

#include "lints.h"
#include "opaque.h"
#include "suite.h"

static struct mvt_stream_peer peer;
static struct mvt_tempdir dir;
static MvChannelHandle channel;

static void boot(void)
{
        char profile[512];
        mvt_tempdir_make(&dir);
        mvt_stream_peer_unix(&peer, &dir);
        snprintf(profile, sizeof profile,
                 "log: {level: warning}\nopaque: {answer_ms: 0}\nendpoints:\n" MVT_NOWHERE "  peer: \"unix:%s\"\n",
                 peer.path);
        mvt_online_boot(&(struct mvt_device){.profile = profile});
        channel = mvt_opaque_open(&peer, 64, 512);
}

static void end(void)
{
        if (channel)
                mvt_channel_close(&channel);
        mvt_stream_peer_finish(&peer);
        mvt_online_end();
        mvt_tempdir_remove(&dir);
}

/* It alone was found, and the message has the words. */
static void expect_found(const char *id, const char *words)
{
        const struct mvsim_finding *finding = mvsim_finding(0);
        ck_assert_ptr_nonnull(finding);
        ck_assert_str_eq(finding->id, id);
        ck_assert_msg(strstr(finding->message, words) != NULL, "%s", finding->message);
        ck_assert_ptr_null(mvsim_finding(1));
}

START_TEST(data_unconsumed)
{
        const uint8_t *bytes;
        mvt_stream_peer_say(&peer, "0123456789");
        wait_until(mvt_opaque_look(channel, &bytes) == 10); /* looked at, not given back */
        expect_okay(mvReadChannelComplete(channel, 4));
        mvt_channel_close(&channel);
        expect_found("data-unconsumed", "(tag 67) is closed with 6 bytes");
}
END_TEST

START_TEST(data_consumed_or_lost)
{
        const uint8_t *bytes;
        mvt_stream_peer_say(&peer, "0123456789");
        mvt_opaque_expect(channel, "0123456789");
        mvt_channel_close(&channel);
        mvt_stream_peer_close(&peer);
        channel = mvt_opaque_open(&peer, 64, 512);
        mvt_stream_peer_say(&peer, "0123456789");
        wait_until(mvt_opaque_look(channel, &bytes) == 10);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvsim_findings(NULL), 0);
}
END_TEST

START_TEST(complete_too_much)
{
        const uint8_t *bytes;
        mvt_stream_peer_say(&peer, "0123456789");
        wait_until(mvt_opaque_look(channel, &bytes) == 10);
        expect_okay(mvReadChannelComplete(channel, 64));
        expect_found("complete-too-much", "that 64 bytes of the channel");
}
END_TEST

START_TEST(write_spin)
{
        uint32_t written;
        mvt_opaque_fill(channel);
        for (unsigned i = 0; i < 1000; i++)
                expect_okay(mvWriteChannelStream(channel, (const uint8_t *)"x", 1, &written));
        expect_found("write-spin", "while the send buffer of the channel");
}
END_TEST

START_TEST(writing_with_pauses)
{
        uint32_t available;
        mvt_opaque_fill(channel);
        for (unsigned i = 0; i < 3000; i++) {
                expect_reject(mvWriteChannel(channel, (const uint8_t *)"x", 1, &available), MV_STATUS_INVALIDBUFFERSIZE,
                              "len");
                mvsim_run_for(1000);
        }
        ck_assert_uint_eq(mvsim_findings(NULL), 0);
}
END_TEST

void mvt_lints_add_opaque(Suite *suite)
{
        TCase *tests = tcase_create("opaque channels");
        tcase_add_checked_fixture(tests, boot, end);
        tcase_add_test(tests, data_unconsumed);
        tcase_add_test(tests, data_consumed_or_lost);
        tcase_add_test(tests, complete_too_much);
        tcase_add_test(tests, write_spin);
        tcase_add_test(tests, writing_with_pauses);
        suite_add_tcase(suite, tests);
}
