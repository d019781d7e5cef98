/* Opaque channels whose connection cannot be made, or ends: when the application hears of it, and what reason it gets.
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "child.h"
#include "opaque.h"
#include "stm32u5xx.h"
#include "suite.h"

static MvChannelHandle open_one(void)
{
        return mvt_opaque_open(&mvt_peer, 64, 512);
}

static MvChannelHandle open_to(const char *endpoint)
{
        const struct MvOpenChannelParams params = mvt_opaque_params(endpoint, 64, 512);
        return mvt_channel_open(&params);
}

/* ---- no connection ---- */

/* A port on which nobody listens, with its listener gone. */
static uint16_t free_port(void)
{
        struct mvt_stream_peer nobody;
        mvt_stream_peer_tcp(&nobody);
        uint16_t port = nobody.port;
        mvt_stream_peer_finish(&nobody);
        return port;
}

START_TEST(a_connection_that_cannot_be_made)
{
        char endpoints[256];
        snprintf(endpoints, sizeof endpoints,
                 "  refused: tcp://127.0.0.1:%u\n  refused6: \"tcp://[::1]:%u\"\n  missing: \"unix:/no/such/socket\"\n"
                 "  unheard: tcp://no..host:1\n  unshaken: tls://127.0.0.1:%u\n",
                 (unsigned)free_port(), (unsigned)free_port(), (unsigned)free_port());
        static const char *const names[] = {"refused", "refused6", "missing", "unshaken", "unheard"};
        mvt_opaque_boot(endpoints, NULL, false);
        MvChannelHandle channel = open_to(names[_i]);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NOTYETOPEN);
        mvt_online_end();
}
END_TEST

/* Over TLS, to a peer that does not speak it. */
static MvChannelHandle open_to_mute(const char *more)
{
        char endpoints[64];
        mvt_stream_peer_tcp(&mvt_peer);
        snprintf(endpoints, sizeof endpoints, "  mute: tls://127.0.0.1:%u\n", (unsigned)mvt_peer.port);
        mvt_opaque_boot(endpoints, more, false);
        return open_to("mute");
}

START_TEST(a_peer_that_never_shakes_hands_is_given_up)
{
        MvChannelHandle channel = open_to_mute("opaque: {connect_timeout_ms: 50}\n");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NOTYETOPEN);
        mvt_opaque_end();
}
END_TEST

START_TEST(the_network_goes_while_connecting)
{
        MvChannelHandle channel = open_to_mute(NULL);
        mvsim_run_for(20000);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NOTYETOPEN);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_opaque_end();
}
END_TEST

START_TEST(a_name_is_looked_up)
{
        char endpoints[64];
        mvt_stream_peer_tcp(&mvt_peer);
        snprintf(endpoints, sizeof endpoints, "  peer: tcp://localhost:%u\n", (unsigned)mvt_peer.port);
        mvt_opaque_boot(endpoints, NULL, false);
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "hello");
        mvt_opaque_expect(channel, "hello");
        mvt_channel_close(&channel);
        mvt_opaque_end();
}
END_TEST

START_TEST(closed_while_connecting)
{
        for (unsigned i = 0; i < 4; i++) {
                const struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
                MvChannelHandle channel = mvt_channel_open(&params);
                mvt_opaque_write(channel, "never sent");
                mvt_channel_close(&channel);
        }
        mvsim_run_for(1000000);
        ck_assert_uint_eq(mvt_losses(), 0);
        ck_assert_uint_eq(mvt_all_records(), 1);
}
END_TEST

/* ---- the peer ends it ---- */

START_TEST(what_was_sent_before_an_orderly_end_is_read_first)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "the last words");
        mvt_stream_peer_close(&mvt_peer);
        wait_until(mvt_readables() == 1);
        mvsim_run_for(100000);
        ck_assert_uint_eq(mvt_losses(), 0);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        mvt_opaque_expect(channel, "the last words");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
}
END_TEST

START_TEST(more_than_the_buffer_holds_is_read_before_an_orderly_end)
{
        static char text[3001];
        for (size_t i = 0; i < sizeof text - 1; i++)
                text[i] = (char)('!' + i % 90);
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, text);
        mvt_stream_peer_close(&mvt_peer);
        mvt_opaque_expect(channel, text);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
}
END_TEST

START_TEST(an_orderly_end_without_bytes)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_close(&mvt_peer);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
}
END_TEST

START_TEST(a_peer_that_has_said_all_may_still_listen)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "question");
        mvt_stream_peer_half_close(&mvt_peer);
        wait_until(mvt_readables() == 1);
        mvt_opaque_write(channel, "answer");
        mvt_stream_peer_expect(&mvt_peer, "answer");
        mvt_opaque_write(channel, "more");
        mvt_opaque_expect(channel, "question"); /* which ends the channel; what was written is sent all the same */
        mvt_stream_peer_expect(&mvt_peer, "more");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
        mvt_stream_peer_expect_end(&mvt_peer);
}
END_TEST

START_TEST(a_reset_ends_it_at_once)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "lost");
        wait_until(mvt_readables() == 1);
        mvt_stream_peer_reset(&mvt_peer);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELRESETBYSERVER);
}
END_TEST

START_TEST(a_reset_in_the_middle_of_writing)
{
        static const uint8_t block[512];
        MvChannelHandle channel = open_one();
        uint32_t written;
        for (unsigned i = 0; i < 50; i++)
                expect_okay(mvWriteChannelStream(channel, block, sizeof block, &written));
        mvt_stream_peer_reset(&mvt_peer);
        enum MvStatus status = MV_STATUS_OKAY;
        wait_until((status = mvWriteChannelStream(channel, block, sizeof block, &written)) != MV_STATUS_OKAY);
        ck_assert_int_eq(status, MV_STATUS_CHANNELCLOSED);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELRESETBYSERVER);
}
END_TEST

/* The first write is answered by a reset, as nobody is there any more; the bytes before count. */
START_TEST(writing_to_a_peer_that_has_gone_loses_no_byte_of_its_last)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "the last words");
        mvt_stream_peer_close(&mvt_peer);
        for (unsigned i = 0; i < 20; i++) {
                mvt_opaque_write(channel, "anybody?");
                mvsim_run_for(1000);
        }
        mvt_opaque_expect(channel, "the last words");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
}
END_TEST

START_TEST(the_network_goes)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "lost");
        wait_until(mvt_readables() == 1);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NETWORKDISCONNECTED);
        mvt_stream_peer_expect_end(&mvt_peer);
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
}
END_TEST

START_TEST(the_network_handle_is_released)
{
        MvChannelHandle channel = open_one();
        mvt_network_release(&mvt_online.network);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NETWORKDISCONNECTED);
}
END_TEST

START_TEST(a_receive_buffer_that_is_unmapped_ends_it)
{
        uint8_t *pages = mvt_pages(MVT_PAGES_RW, 1);
        struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
        params.v1.receive_buffer = pages;
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_stream_peer_accept(&mvt_peer);
        mvt_pages_free(pages, 1);
        mvt_stream_peer_say(&mvt_peer, "nowhere to go");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CONNECTIONTERMINATED);
}
END_TEST

/* ---- and again ---- */

START_TEST(the_same_buffers_serve_the_next_channel_at_once)
{
        for (unsigned i = 0; i < 20; i++) {
                char text[16];
                snprintf(text, sizeof text, "round %u", i);
                MvChannelHandle channel = open_one();
                mvt_stream_peer_say(&mvt_peer, text);
                mvt_opaque_write(channel, text);
                mvt_opaque_expect(channel, text);
                mvt_stream_peer_say(&mvt_peer, "late");
                mvt_channel_close(&channel);
                mvt_stream_peer_expect(&mvt_peer, text);
                mvt_stream_peer_close(&mvt_peer);
                mvsim_run_for(i % 8 == 7 ? 1000000 : 1);
        }
        ck_assert_uint_eq(mvt_losses(), 0);
}
END_TEST

START_TEST(four_channels_at_once)
{
        static uint8_t receive[4][64], send[4][512] __attribute__((aligned(512)));
        struct mvt_stream_peer ends[4];
        MvChannelHandle channels[4];
        char text[32];
        for (unsigned i = 0; i < 4; i++) {
                struct MvOpenChannelParams params = mvt_opaque_params("peer", 64, 512);
                params.v1.receive_buffer = receive[i];
                params.v1.send_buffer = send[i];
                params.v1.notification_tag = i;
                channels[i] = mvt_channel_open(&params);
                ends[i] = mvt_peer;
                mvt_stream_peer_accept(&ends[i]);
        }
        for (unsigned round = 0; round < 40; round++) {
                unsigned i = round % 4;
                snprintf(text, sizeof text, "to %u, round %u", i, round);
                mvt_opaque_write(channels[i], text);
                mvt_stream_peer_say(&ends[3 - i], text);
                mvt_stream_peer_expect(&ends[i], text);
                mvt_opaque_expect(channels[3 - i], text);
        }
        for (unsigned i = 0; i < 4; i++) {
                mvt_channel_close(&channels[i]);
                mvt_stream_peer_expect_end(&ends[i]);
                mvt_stream_peer_close(&ends[i]);
        }
}
END_TEST

START_TEST(the_device_may_be_switched_off_with_channels_open)
{
        MvChannelHandle channel = open_one();
        mvt_device_leaves_handles();
        mvt_opaque_write(channel, "goodbye");
        mvsim_shutdown();
        mvt_stream_peer_expect(&mvt_peer, "goodbye");
        mvt_stream_peer_expect_end(&mvt_peer);
        mvt_online.network = NULL;
        mvt_online.centre = NULL;
}
END_TEST

/* ---- nothing more can come ---- */

/* The peer has said all and the application does not read it: its sleep would last for ever. */
static void sleep_over_bytes(void)
{
        MvChannelHandle channel;
        mvt_opaque_boot_tcp();
        channel = open_one();
        mvt_stream_peer_say(&mvt_peer, "the last words");
        mvt_stream_peer_close(&mvt_peer);
        fprintf(stderr, "channel 0x%08x\n", (unsigned)(uintptr_t)channel);
        for (;;)
                __WFI();
}

START_TEST(sleeping_over_the_last_bytes_is_a_deadlock)
{
        struct mvt_child child;
        char line[128];
        unsigned channel = 0;
        mvt_child_run(&child, sleep_over_bytes);
        ck_assert_msg(child.exit_status == MVSIM_EXIT_DEADLOCK, "exit status %d, signal %d:\n%s", child.exit_status,
                      child.signal, child.output);
        ck_assert_int_eq(sscanf(child.output, "channel %x", &channel), 1);
        snprintf(line, sizeof line, "channel 0x%08x is open, its peer sends no more, and there are bytes on it",
                 channel);
        ck_assert_msg(strstr(child.output, line) != NULL, "%s", child.output);
}
END_TEST

/* ---- the event log ---- */

static const char *log_of_a_visit(void)
{
        static char text[65536];
        char path[MVT_PATH_SIZE], more[MVT_PATH_SIZE + 64];
        mvt_tempdir_make(&mvt_peer_dir);
        mvt_path(path, &mvt_peer_dir, "trace.log");
        mvt_stream_peer_tcp(&mvt_peer);
        snprintf(more, sizeof more, "trace: {file: \"%s\"}\n", path);
        mvt_opaque_boot_peer(more, false);
        MvChannelHandle channel = open_one();
        mvt_opaque_write(channel, "hello");
        mvt_stream_peer_expect(&mvt_peer, "hello");
        mvt_stream_peer_say(&mvt_peer, "the last words");
        mvt_stream_peer_close(&mvt_peer);
        mvt_opaque_expect(channel, "the last words");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELCLOSEDBYSERVER);
        mvt_stream_peer_finish(&mvt_peer);
        mvt_online_end();
        mvt_read_file(path, text, sizeof text);
        mvt_tempdir_remove(&mvt_peer_dir);
        return text;
}

START_TEST(the_event_log_tells_a_connections_life)
{
        const char *at = log_of_a_visit();
        static const char *const events[] = {" connect channel=0x", " endpoint=\"peer\"\n", " opened channel=0x",
                                             " sent channel=0x",    " bytes=5\n",           " received channel=0x",
                                             " bytes=14\n",         " closed channel=0x",   " in=14 out=5\n"};
        for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
                const char *found = strstr(at, events[i]);
                ck_assert_msg(found != NULL, "\"%s\" is not in:\n%s", events[i], at);
                at = found;
        }
}
END_TEST

/* ---- TLS ---- */

START_TEST(bytes_both_ways_over_tls)
{
        static char text[2001], found[2001];
        uint32_t written, total = 0;
        for (size_t i = 0; i < sizeof text - 1; i++)
                text[i] = (char)('!' + i % 90);
        MvChannelHandle channel = open_one();
        mvt_stream_peer_say(&mvt_peer, text);
        mvt_opaque_expect(channel, text);
        while (total < sizeof text - 1) {
                expect_okay(mvWriteChannelStream(channel, (const uint8_t *)text + total,
                                                 (uint32_t)(sizeof text - 1 - total), &written));
                total += written;
                mvsim_run_for(1000);
        }
        mvt_stream_peer_read(&mvt_peer, found, sizeof text - 1);
        ck_assert_str_eq(found, text);
        mvt_opaque_write(channel, "the last words");
        mvt_channel_close(&channel);
        mvt_stream_peer_expect(&mvt_peer, "the last words");
        mvt_stream_peer_expect_end(&mvt_peer);
}
END_TEST

START_TEST(what_is_written_while_hands_are_shaken_anew_is_sent_afterwards)
{
        mvt_peer_begin_tls(mvt_stream_peer_tls12);
        mvt_opaque_boot_peer(NULL, false);
        MvChannelHandle channel = open_one();
        mvt_stream_peer_renegotiate(&mvt_peer);
        mvt_opaque_write(channel, "meanwhile");
        mvt_stream_peer_expect(&mvt_peer, "meanwhile");
        mvt_stream_peer_say(&mvt_peer, "an answer");
        mvt_opaque_expect(channel, "an answer");
        mvt_channel_close(&channel);
        mvt_opaque_end();
}
END_TEST

START_TEST(a_certificate_that_is_refused)
{
        struct mvt_pki other;
        struct mvt_certificate certificates[3];
        mvt_pki_init(&mvt_peer_pki);
        mvt_pki_init(&other);
        mvt_pki_issue(&mvt_peer_pki, "DNS:api.example.com,IP:127.0.0.2", 30, &certificates[0]);
        mvt_pki_issue(&mvt_peer_pki, "IP:127.0.0.1", -1, &certificates[1]);
        mvt_pki_issue(&other, "IP:127.0.0.1", 30, &certificates[2]);
        mvt_stream_peer_tls(&mvt_peer, &certificates[_i]);
        mvt_opaque_boot_peer(NULL, false);
        MvChannelHandle channel = open_to("peer");
        ck_assert(!mvt_stream_peer_try_accept(&mvt_peer));
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_NOTYETOPEN);
        mvt_opaque_end();
        mvt_pki_finish(&other);
}
END_TEST

START_TEST(authorities_that_cannot_be_read)
{
        char profile[256], said[MVT_OUTPUT_SIZE];
        mvt_stream_peer_tcp(&mvt_peer);
        snprintf(profile, sizeof profile,
                 "endpoints: {peer: \"tls://127.0.0.1:%u\"}\nopaque: {ca_file: /no/such/file.pem}\n",
                 (unsigned)mvt_peer.port);
        mvt_online_boot(&(struct mvt_device){.profile = profile});
        mvt_capture_begin();
        MvChannelHandle channel = open_to("peer");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_UNEXPECTEDLYTERMINATED);
        mvt_capture_end(said);
        ck_assert_msg(strstr(said, ": opaque.ca_file /no/such/file.pem: No such file or directory\n"), "%s", said);
        mvt_opaque_end();
}
END_TEST

START_TEST(tls_that_is_cut_is_no_orderly_end)
{
        MvChannelHandle channel = open_one();
        mvt_stream_peer_cut(&mvt_peer);
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CHANNELRESETBYSERVER);
}
END_TEST

START_TEST(bytes_that_are_no_tls_end_it)
{
        MvChannelHandle channel = open_one();
        struct mvt_stream_peer plain = {.listener = -1, .fd = mvt_peer.fd};
        mvt_stream_peer_say(&plain, "this is not a record of TLS, whatever one thinks");
        mvt_opaque_expect_closure(&channel, MV_CLOSUREREASON_CONNECTIONTERMINATED);
}
END_TEST

/* ---- an application that does not read ---- */

/* So many bytes are sent, or as many as can be: until nobody has taken any for a while. */
static size_t send_up_to(size_t most)
{
        static char block[65536];
        const struct timeval patience = {.tv_usec = 200000};
        size_t sent = 0;
        ssize_t n;
        ck_assert_int_eq(setsockopt(mvt_peer.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
        do {
                n = mvt_peer.ssl ? SSL_write(mvt_peer.ssl, block, sizeof block)
                                 : send(mvt_peer.fd, block, sizeof block, MSG_NOSIGNAL);
                sent += n > 0 ? (size_t)n : 0;
        } while (n > 0 && sent < most);
        return sent;
}

/* What it does not take stays with the peer, but for what the two kernels hold. */
START_TEST(an_application_that_does_not_read_stops_the_peer)
{
        enum { MOST = 100000000 };
        MvChannelHandle channel = open_one();
        ck_assert_uint_lt(send_up_to(MOST), MOST);
        mvt_channel_close(&channel);
}
END_TEST

static void add_ends(TCase *tests)
{
        tcase_add_test(tests, what_was_sent_before_an_orderly_end_is_read_first);
        tcase_add_test(tests, more_than_the_buffer_holds_is_read_before_an_orderly_end);
        tcase_add_test(tests, an_orderly_end_without_bytes);
        tcase_add_test(tests, a_peer_that_has_said_all_may_still_listen);
        tcase_add_test(tests, writing_to_a_peer_that_has_gone_loses_no_byte_of_its_last);
        tcase_add_test(tests, the_same_buffers_serve_the_next_channel_at_once);
        tcase_add_test(tests, the_device_may_be_switched_off_with_channels_open);
}

static void nothing(void)
{
}

Suite *suite(void)
{
        Suite *s = suite_create("opaque trouble");
        TCase *tests = tcase_create("no connection");
        tcase_add_checked_fixture(tests, mvt_online_prepare, nothing);
        tcase_add_loop_test(tests, a_connection_that_cannot_be_made, 0, 5);
        tcase_add_test(tests, a_peer_that_never_shakes_hands_is_given_up);
        tcase_add_test(tests, the_network_goes_while_connecting);
        tcase_add_test(tests, a_name_is_looked_up);
        tcase_add_test(tests, what_is_written_while_hands_are_shaken_anew_is_sent_afterwards);
        tcase_add_loop_test(tests, a_certificate_that_is_refused, 0, 3);
        tcase_add_test(tests, authorities_that_cannot_be_read);
        tcase_add_test(tests, sleeping_over_the_last_bytes_is_a_deadlock);
        tcase_add_test(tests, the_event_log_tells_a_connections_life);
        suite_add_tcase(s, tests);
        tests = tcase_create("TCP");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tcp, mvt_opaque_end);
        add_ends(tests);
        tcase_add_test(tests, closed_while_connecting);
        tcase_add_test(tests, a_reset_ends_it_at_once);
        tcase_add_test(tests, a_reset_in_the_middle_of_writing);
        tcase_add_test(tests, the_network_goes);
        tcase_add_test(tests, the_network_handle_is_released);
        tcase_add_test(tests, a_receive_buffer_that_is_unmapped_ends_it);
        tcase_add_test(tests, an_application_that_does_not_read_stops_the_peer);
        tcase_add_test(tests, four_channels_at_once);
        suite_add_tcase(s, tests);
        tests = tcase_create("TCP, real time");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tcp_real, mvt_opaque_end);
        tcase_add_test(tests, what_was_sent_before_an_orderly_end_is_read_first);
        tcase_add_test(tests, more_than_the_buffer_holds_is_read_before_an_orderly_end);
        tcase_add_test(tests, a_reset_ends_it_at_once);
        tcase_add_test(tests, the_network_goes);
        tcase_add_test(tests, an_application_that_does_not_read_stops_the_peer);
        tcase_add_test(tests, four_channels_at_once);
        suite_add_tcase(s, tests);
        tests = tcase_create("a Unix socket");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_unix, mvt_opaque_end);
        add_ends(tests);
        suite_add_tcase(s, tests);
        tests = tcase_create("TLS");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tls, mvt_opaque_end);
        add_ends(tests);
        tcase_add_test(tests, bytes_both_ways_over_tls);
        tcase_add_test(tests, a_reset_ends_it_at_once);
        tcase_add_test(tests, tls_that_is_cut_is_no_orderly_end);
        tcase_add_test(tests, bytes_that_are_no_tls_end_it);
        tcase_add_test(tests, the_network_goes);
        tcase_add_test(tests, an_application_that_does_not_read_stops_the_peer);
        tcase_add_test(tests, four_channels_at_once);
        suite_add_tcase(s, tests);
        return s;
}
