/* The four calls of opaque channels: bytes to a peer and from it, and every status. */
#include <stdio.h>
#include <string.h>

#include "opaque.h"
#include "suite.h"
#include "watched.h"

/* A Unix socket holds little: a peer that does not read is soon felt. */
static void boot_unix(void)
{
        mvt_peer_begin_unix();
        mvt_opaque_boot_peer("opaque: {answer_ms: 0}\n", false);
}

static void boot_without_following(void)
{
        mvt_stream_peer_tcp(&mvt_peer);
        mvt_opaque_boot_peer("opaque: {answer_ms: 0}\n", false);
}

static MvChannelHandle open_one(void)
{
        return mvt_opaque_open(&mvt_peer, 64, 512);
}

/* ---- opening ---- */

START_TEST(an_endpoint_must_be_in_the_profile)
{
        static const char *const others[] = {
                "",     "pee", "peers",
                "Peer", "log", "a name that is longer than any that a profile may have: 64 bytes at most"};
        MvChannelHandle channel = NULL;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                const struct MvOpenChannelParams params = mvt_opaque_params(others[i], 16, 512);
                expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_UNKNOWNCHANNELENDPOINT, "endpoint");
                ck_assert_ptr_null(channel);
        }
}
END_TEST

START_TEST(a_receive_buffer_of_16_bytes_at_any_address_will_do)
{
        struct MvOpenChannelParams params = mvt_opaque_params("peer", 15, 512);
        MvChannelHandle channel = NULL;
        params.v1.receive_buffer = mvt_receive_buffer + 3;
        expect_reject(mvOpenChannel(&params, &channel), MV_STATUS_INVALIDBUFFERSIZE, "receive_buffer_len");
        params.v1.receive_buffer_len = 16;
        channel = mvt_channel_open(&params);
        mvt_stream_peer_accept(&mvt_peer);
        mvt_stream_peer_say(&mvt_peer, "sixteen bytes, and then some more");
        mvt_opaque_expect(channel, "sixteen bytes, and then some more");
        ck_assert_uint_eq(mvt_receive_buffer[2], 0);
        ck_assert_uint_eq(mvt_receive_buffer[19], 0);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(what_is_written_before_the_connection_stands_is_sent_then)
{
        const struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
        MvChannelHandle channel = mvt_channel_open(&params);
        const uint8_t *bytes;
        mvt_opaque_write(channel, "early");
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 0);
        mvt_stream_peer_accept(&mvt_peer);
        mvt_stream_peer_expect(&mvt_peer, "early");
        wait_until(mvt_closure_reason(channel) == MV_CLOSUREREASON_NONE);
        ck_assert_uint_eq(mvt_all_records(), 1); /* the network's: a connection that stands is no event */
        mvt_channel_close(&channel);
}
END_TEST

/* ---- reading ---- */

START_TEST(bytes_are_read_where_they_lie_in_the_applications_own_buffer)
{
        MvChannelHandle channel = open_one();
        const uint8_t *bytes;
        mvt_stream_peer_say(&mvt_peer, "hello");
        wait_until(mvt_readables() == 1);
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 5);
        ck_assert_ptr_eq(bytes, mvt_receive_buffer);
        ck_assert_mem_eq(bytes, "hello", 5);
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 5); /* looking uses nothing up */
        expect_okay(mvReadChannelComplete(channel, 2));
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 3);
        ck_assert_ptr_eq(bytes, mvt_receive_buffer + 2);
        expect_okay(mvReadChannelComplete(channel, 0));
        expect_okay(mvReadChannelComplete(channel, 3));
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 0);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(what_wraps_around_is_read_in_two_parts)
{
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, 16, 512);
        const uint8_t *bytes;
        mvt_stream_peer_say(&mvt_peer, "0123456789");
        mvt_opaque_expect(channel, "0123456789");
        mvt_stream_peer_say(&mvt_peer, "abcdefghijklm");
        wait_until(mvt_read((uintptr_t)&mvt_receive_buffer[6]) == 'm');
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 6);
        ck_assert_mem_eq(bytes, "abcdef", 6);
        expect_okay(mvReadChannelComplete(channel, 6));
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 7);
        ck_assert_ptr_eq(bytes, mvt_receive_buffer);
        ck_assert_mem_eq(bytes, "ghijklm", 7);
        expect_okay(mvReadChannelComplete(channel, 7));
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(giving_back_more_than_there_is_gives_back_all_and_is_a_misuse)
{
        MvChannelHandle channel = open_one();
        const uint8_t *bytes;
        mvt_stream_peer_say(&mvt_peer, "abc");
        wait_until(mvt_opaque_look(channel, &bytes) == 3);
        expect_okay(mvReadChannelComplete(channel, 4));
        ck_assert_uint_eq(mvsim_findings("complete-too-much"), 1);
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 0);
        expect_okay(mvReadChannelComplete(channel, UINT32_MAX));
        mvt_stream_peer_say(&mvt_peer, "def");
        mvt_opaque_expect(channel, "def");
        mvt_channel_close(&channel);
}
END_TEST

/* ---- READABLE ---- */

START_TEST(readable_comes_once_until_the_application_looks)
{
        MvChannelHandle channel = open_one();
        const uint8_t *bytes;
        mvt_stream_peer_say(&mvt_peer, "a");
        wait_until(mvt_readables() == 1);
        mvt_stream_peer_say(&mvt_peer, "b");
        wait_until(mvt_read((uintptr_t)&mvt_receive_buffer[1]) == 'b'); /* not looked at through the API */
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_readables(), 1);
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 2);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_readables(), 1);
        mvt_stream_peer_say(&mvt_peer, "c"); /* one who waits for more of a message hears of it */
        wait_until(mvt_readables() == 2);
        ck_assert_uint_eq(mvt_opaque_look(channel, &bytes), 3);
        expect_okay(mvReadChannelComplete(channel, 3));
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_readables(), 2);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(one_who_takes_a_part_for_each_readable_gets_all)
{
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, 16, 512);
        const uint8_t *bytes;
        char all[41] = "";
        mvt_stream_peer_say(&mvt_peer, "0123456789abcdefghijklmnopqrstuvwxyz*+-/");
        for (unsigned i = 0; i < 40; i++) {
                wait_until(mvt_readables() > i);
                ck_assert_uint_gt(mvt_opaque_look(channel, &bytes), 0);
                all[i] = (char)bytes[0];
                expect_okay(mvReadChannelComplete(channel, 1));
        }
        ck_assert_str_eq(all, "0123456789abcdefghijklmnopqrstuvwxyz*+-/");
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_readables(), 40);
        mvt_channel_close(&channel);
}
END_TEST

/* Within the moment that an event takes, for which the clock must not follow the host's. */
START_TEST(one_who_takes_everything_is_not_told_again)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "abcdef");
        wait_until(mvt_readables() == 1);
        for (const char *text = "abcdef"; *text; text++)
                mvt_opaque_expect(channel, (const char[]){*text, '\0'});
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_readables(), 1);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- writing ---- */

START_TEST(a_stream_write_takes_what_fits)
{
        MvChannelHandle channel;
        static uint8_t data[2000];
        const struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 1024);
        uint32_t written = 0;
        for (size_t i = 0; i < sizeof data; i++)
                data[i] = (uint8_t)(i * 7);
        channel = mvt_channel_open(&params);
        expect_okay(mvWriteChannelStream(channel, data, 0, &written));
        ck_assert_uint_eq(written, 0);
        expect_okay(mvWriteChannelStream(channel, data, sizeof data, &written));
        ck_assert_uint_le(written, 2000);
        ck_assert_uint_ge(written, 1024);
        uint8_t found[2000];
        mvt_stream_peer_accept(&mvt_peer);
        mvt_stream_peer_read(&mvt_peer, found, written);
        ck_assert_mem_eq(found, data, written);
        mvt_channel_close(&channel);
        mvt_stream_peer_expect_end(&mvt_peer);
}
END_TEST

static void drain(uint32_t from, uint32_t len)
{
        uint8_t block[4096];
        while (len > 0) {
                uint32_t part = len < sizeof block ? len : (uint32_t)sizeof block;
                mvt_stream_peer_read(&mvt_peer, block, part);
                uint32_t same = 0;
                while (same < part && block[same] == (uint8_t)(from + same))
                        same++;
                ck_assert_uint_eq(same, part);
                from += part;
                len -= part;
        }
}

START_TEST(a_peer_that_does_not_read_stops_the_writer_and_space_is_told_once)
{
        MvChannelHandle channel = open_one();
        uint32_t available = 77, written;
        uint8_t block[512] = {0};
        uint32_t total = mvt_opaque_fill(channel);
        unsigned before = mvt_spaces();
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_spaces(), before);
        expect_okay(mvWriteChannel(channel, NULL, 0, &available));
        ck_assert_uint_eq(available, 0);
        available = 77;
        expect_reject(mvWriteChannel(channel, block, 1, &available), MV_STATUS_INVALIDBUFFERSIZE, "len");
        ck_assert_uint_eq(available, 77);
        expect_okay(mvWriteChannelStream(channel, block, 5, &written));
        ck_assert_uint_eq(written, 0);
        drain(0, total);
        wait_until(mvt_spaces() > before);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_spaces(), before + 1);
        wait_until(mvWriteChannel(channel, block, 0, &available) == MV_STATUS_OKAY && available == 512);
        mvt_opaque_write(channel, "on");
        mvt_stream_peer_expect(&mvt_peer, "on");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(all_or_nothing)
{
        const struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, params.v1.receive_buffer_len, params.v1.send_buffer_len);
        static uint8_t block[513];
        uint32_t available = 77;
        memset(block, 'x', sizeof block);
        expect_reject(mvWriteChannel(channel, block, 513, &available), MV_STATUS_INVALIDBUFFERSIZE, "len");
        ck_assert_uint_eq(available, 77);
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "larger send buffer"));
        expect_okay(mvWriteChannel(channel, block, 512, &available));
        ck_assert_uint_eq(available, 0); /* the room after the call, before the link had a chance */
        char found[512];
        mvt_stream_peer_read(&mvt_peer, found, sizeof found);
        ck_assert_mem_eq(found, block, sizeof found);
        wait_until(mvWriteChannel(channel, NULL, 0, &available) == MV_STATUS_OKAY && available == 512);
        mvt_opaque_write(channel, "12");
        mvsim_run_for(10000);
        ck_assert_uint_eq(mvt_spaces(), 0); /* what never fits is not waited for */
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_count_that_cannot_be_stored_is_found_late)
{
        MvChannelHandle channel = open_one();
        uint32_t *read_only = (void *)mvt_pages(MVT_PAGES_READ_ONLY, 1);
        const uint8_t *data = (const uint8_t *)"late";
        expect_reject(mvWriteChannel(channel, data, 4, read_only), MV_STATUS_LATEFAULT, "available");
        mvt_stream_peer_expect(&mvt_peer, "late");
        expect_reject(mvWriteChannelStream(channel, data, 4, read_only), MV_STATUS_LATEFAULT, "written");
        mvt_stream_peer_expect(&mvt_peer, "late");
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE); /* alive */
        expect_reject(mvWriteChannel(channel, data, 4, NULL), MV_STATUS_PARAMETERFAULT, "available");
        expect_reject(mvWriteChannelStream(channel, data, 4, NULL), MV_STATUS_PARAMETERFAULT, "written");
        mvt_opaque_write(channel, "next");
        mvt_stream_peer_expect(&mvt_peer, "next");
        mvt_channel_close(&channel);
        mvt_pages_free(read_only, 1);
}
END_TEST

/* Virtual time does not run away from an answer that may be on its way: so long it is the computer's. */
START_TEST(after_a_write_the_clock_follows_the_computers)
{
        MvChannelHandle channel = open_one();
        mvsim_run_for(1000000); /* whatever it has followed so far */
        mvt_opaque_write(channel, "question");
        uint64_t start_ms = mvt_host_ms();
        mvsim_run_for(50000);
        ck_assert_uint_ge(mvt_host_ms() - start_ms, 49);
        mvt_stream_peer_expect(&mvt_peer, "question");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(bytes_can_be_written_from_where_they_were_read)
{
        MvChannelHandle channel = open_one();
        const uint8_t *bytes;
        uint32_t len, written;
        mvt_stream_peer_say(&mvt_peer, "echo");
        wait_until((len = mvt_opaque_look(channel, &bytes)) == 4);
        expect_okay(mvWriteChannelStream(channel, bytes, len, &written));
        expect_okay(mvReadChannelComplete(channel, written));
        mvt_stream_peer_expect(&mvt_peer, "echo");
        mvt_channel_close(&channel);
}
END_TEST

/* ---- other statuses ---- */

START_TEST(other_handles_are_refused)
{
        MvChannelHandle http = mvt_http_open(), none = NULL;
        uint8_t *bytes;
        uint32_t len;
        const MvChannelHandle handles[] = {none, http, (MvChannelHandle)mvt_online.network};
        for (size_t i = 0; i < 3; i++) {
                expect_reject(mvReadChannel(handles[i], &bytes, &len), MV_STATUS_INVALIDHANDLE, "handle");
                expect_reject(mvReadChannelComplete(handles[i], 1), MV_STATUS_INVALIDHANDLE, "handle");
                expect_reject(mvWriteChannel(handles[i], NULL, 0, &len), MV_STATUS_INVALIDHANDLE, "handle");
                expect_reject(mvWriteChannelStream(handles[i], NULL, 0, &len), MV_STATUS_INVALIDHANDLE, "handle");
        }
        mvt_channel_close(&http);
}
END_TEST

START_TEST(a_channel_that_has_ended_refuses_all_four)
{
        MvChannelHandle channel = open_one();
        uint8_t *bytes = NULL;
        uint32_t len = 77;
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_losses() == 1);
        expect_reject(mvReadChannel(channel, &bytes, &len), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadChannelComplete(channel, 1), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvWriteChannel(channel, NULL, 0, &len), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvWriteChannelStream(channel, NULL, 0, &len), MV_STATUS_CHANNELCLOSED, "handle");
        ck_assert_uint_eq(len, 77);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- closing ---- */

START_TEST(what_was_written_is_sent_though_the_channel_is_closed_at_once)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "not read");
        mvt_opaque_write(channel, "the last words");
        mvt_channel_close(&channel);
        mvt_stream_peer_expect(&mvt_peer, "the last words");
        mvt_stream_peer_expect_end(&mvt_peer);
        ck_assert_uint_eq(mvt_losses(), 0);
}
END_TEST

START_TEST(bytes_that_were_not_consumed_are_a_misuse)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "four");
        wait_until(mvt_readables() == 1);
        mvt_channel_close(&channel);
        ck_assert_uint_eq(mvsim_findings("data-unconsumed"), 1);
        for (unsigned i = 0; i < 64; i++)
                ck_assert_uint_eq(mvt_receive_buffer[i], 0xa5);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("opaque");
        TCase *tests = tcase_create("virtual time");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tcp, mvt_opaque_end);
        tcase_add_test(tests, an_endpoint_must_be_in_the_profile);
        tcase_add_test(tests, a_receive_buffer_of_16_bytes_at_any_address_will_do);
        tcase_add_test(tests, what_is_written_before_the_connection_stands_is_sent_then);
        tcase_add_test(tests, bytes_are_read_where_they_lie_in_the_applications_own_buffer);
        tcase_add_test(tests, what_wraps_around_is_read_in_two_parts);
        tcase_add_test(tests, giving_back_more_than_there_is_gives_back_all_and_is_a_misuse);
        tcase_add_test(tests, readable_comes_once_until_the_application_looks);
        tcase_add_test(tests, one_who_takes_a_part_for_each_readable_gets_all);
        tcase_add_test(tests, a_stream_write_takes_what_fits);
        tcase_add_test(tests, all_or_nothing);
        tcase_add_test(tests, a_count_that_cannot_be_stored_is_found_late);
        tcase_add_test(tests, after_a_write_the_clock_follows_the_computers);
        tcase_add_test(tests, bytes_can_be_written_from_where_they_were_read);
        tcase_add_test(tests, other_handles_are_refused);
        tcase_add_test(tests, a_channel_that_has_ended_refuses_all_four);
        tcase_add_test(tests, what_was_written_is_sent_though_the_channel_is_closed_at_once);
        tcase_add_test(tests, bytes_that_were_not_consumed_are_a_misuse);
        suite_add_tcase(s, tests);
        tests = tcase_create("virtual time that follows nothing");
        tcase_add_checked_fixture(tests, boot_without_following, mvt_opaque_end);
        tcase_add_test(tests, one_who_takes_everything_is_not_told_again);
        tcase_add_test(tests, one_who_takes_a_part_for_each_readable_gets_all);
        suite_add_tcase(s, tests);
        tests = tcase_create("a peer that does not read");
        tcase_add_checked_fixture(tests, boot_unix, mvt_opaque_end);
        tcase_add_test(tests, a_peer_that_does_not_read_stops_the_writer_and_space_is_told_once);
        suite_add_tcase(s, tests);
        tests = tcase_create("real time");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tcp_real, mvt_opaque_end);
        tcase_add_test(tests, bytes_are_read_where_they_lie_in_the_applications_own_buffer);
        tcase_add_test(tests, readable_comes_once_until_the_application_looks);
        tcase_add_test(tests, one_who_takes_a_part_for_each_readable_gets_all);
        tcase_add_test(tests, bytes_can_be_written_from_where_they_were_read);
        suite_add_tcase(s, tests);
        return s;
}
