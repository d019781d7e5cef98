/*
 * The receive buffer's ring against what must come out of it: every offset of small buffers, and random steps of a peer
 * and an application against a reference, over a plain socket and TLS. A failure names its seed; MVT_SEED repeats it.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "opaque.h"
#include "suite.h"
#include "tools.h"

#define ROUNDS 40 /* how often the bytes of random traffic fill the buffer */

/* ---- every offset ---- */

/* In a buffer of `size` bytes that starts at an odd address: a block of every length, at every place. */
START_TEST(every_length_at_every_place)
{
        const uint32_t size = 16 + (uint32_t)_i;
        struct MvOpenChannelParams params = mvt_opaque_params("peer", size, 512);
        params.v1.receive_buffer = mvt_receive_buffer + 1;
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_stream_peer_accept(&mvt_peer);
        uint8_t next = 0, wanted = 0;
        uint32_t place = 0;
        for (uint32_t len = 1; len <= size; len++) {
                for (uint32_t i = 0; i < size; i++) {
                        uint8_t block[64];
                        const uint8_t *bytes;
                        for (uint32_t k = 0; k < len; k++)
                                block[k] = next++;
                        mvt_stream_peer_send(&mvt_peer, block, len);
                        for (uint32_t left = len; left > 0;) {
                                uint32_t together;
                                wait_until((together = mvt_opaque_look(channel, &bytes)) > 0);
                                ck_assert_ptr_eq(bytes, mvt_receive_buffer + 1 + place);
                                ck_assert_uint_le(place + together, size);
                                uint32_t same = 0;
                                while (same < together && bytes[same] == wanted)
                                        same++, wanted++;
                                ck_assert_uint_eq(same, together);
                                expect_okay(mvReadChannelComplete(channel, together));
                                place = (place + together) % size;
                                left -= together;
                        }
                }
        }
        ck_assert_uint_eq(mvt_receive_buffer[0], 0);
        ck_assert_uint_eq(mvt_receive_buffer[1 + size], 0);
        mvt_channel_close(&channel);
}
END_TEST

/* ---- random steps ---- */

static uint32_t state;

static uint32_t draw(uint32_t below)
{
        state = state * 1664525U + 1013904223U;
        return (state >> 8) % below;
}

/* The n-th byte of the stream in either direction. */
static uint8_t byte_at(size_t n)
{
        return (uint8_t)(n * 31 + (n >> 8) * 7);
}

/* Not an assertion for each: Check writes to a file for every one that holds. */
static void expect_bytes(const uint8_t *bytes, size_t from, size_t len)
{
        size_t same = 0;
        while (same < len && bytes[same] == byte_at(from + same))
                same++;
        ck_assert_uint_eq(same, len);
}

struct traffic {
        size_t bytes;            /* in all, either way */
        size_t sent, consumed;   /* to the device */
        size_t written, arrived; /* from it */
};

static void peer_sends(struct traffic *traffic)
{
        uint8_t block[300];
        size_t len = 1 + draw(sizeof block);
        if (len > traffic->bytes - traffic->sent)
                len = traffic->bytes - traffic->sent;
        if (traffic->sent - traffic->consumed > 20000) /* the socket takes so much without blocking the test */
                return;
        for (size_t i = 0; i < len; i++)
                block[i] = byte_at(traffic->sent + i);
        if (len > 0)
                mvt_stream_peer_send(&mvt_peer, block, len);
        traffic->sent += len;
}

static void peer_reads(struct traffic *traffic)
{
        uint8_t block[300];
        size_t len = 1 + draw(sizeof block);
        if (len > traffic->written - traffic->arrived)
                len = traffic->written - traffic->arrived;
        mvt_stream_peer_read(&mvt_peer, block, len);
        expect_bytes(block, traffic->arrived, len);
        traffic->arrived += len;
}

static void application_reads(MvChannelHandle channel, struct traffic *traffic)
{
        const uint8_t *bytes;
        uint32_t len = mvt_opaque_look(channel, &bytes);
        expect_bytes(bytes, traffic->consumed, len);
        uint32_t part = len == 0 || draw(2) ? len : draw(len + 1);
        expect_okay(mvReadChannelComplete(channel, part));
        traffic->consumed += part;
}

/* All or nothing, or as much as fits; a small peer's socket must not fill up, or peer and application wait for ever. */
static void application_writes(MvChannelHandle channel, struct traffic *traffic)
{
        uint8_t block[700];
        uint32_t len = draw(sizeof block), count = 0;
        if (len > traffic->bytes - traffic->written)
                len = (uint32_t)(traffic->bytes - traffic->written);
        for (uint32_t i = 0; i < len; i++)
                block[i] = byte_at(traffic->written + i);
        if (draw(2)) {
                expect_okay(mvWriteChannelStream(channel, block, len, &count));
                ck_assert_uint_le(count, len);
                traffic->written += count;
        } else if (mvWriteChannel(channel, block, len, &count) == MV_STATUS_OKAY) {
                traffic->written += len;
        }
}

static void run(uint32_t seed, uint32_t receive_len)
{
        struct traffic traffic = {.bytes = (size_t)mvt_rounds(ROUNDS, 8) * receive_len};
        state = seed;
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, receive_len, 512 * (1 + draw(3)));
        uint64_t start = mvt_host_ms();
        while (traffic.consumed < traffic.bytes || traffic.arrived < traffic.bytes) {
                switch (draw(5)) {
                case 0: peer_sends(&traffic); break;
                case 1: peer_reads(&traffic); break;
                case 2: application_reads(channel, &traffic); break;
                case 3: application_writes(channel, &traffic); break;
                default: mvsim_run_for(draw(300)); break;
                }
                mvt_check_patience(start, "all bytes have come, in order", __FILE__, __LINE__);
        }
        mvt_channel_close(&channel);
        mvt_stream_peer_expect_end(&mvt_peer);
        mvt_stream_peer_close(&mvt_peer);
}

START_TEST(random_traffic_arrives_whole_and_in_order)
{
        static const uint32_t sizes[] = {16, 17, 61, 100};
        const char *given = getenv("MVT_SEED");
        uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : 1000 + (uint32_t)_i;
        fprintf(stderr, "# seed %u\n", (unsigned)seed);
        run(seed, sizes[_i % 4]);
}
END_TEST

/* ---- both ways at once ---- */

#define FLOOD (1U << 18)

static bool flood_came_back; /* what the peer took was right */

static void *send_flood(void *unused)
{
        static uint8_t block[FLOOD];
        (void)unused;
        for (size_t i = 0; i < sizeof block; i++)
                block[i] = byte_at(i);
        for (size_t sent = 0; sent < sizeof block;) {
                ssize_t more = send(mvt_peer.fd, block + sent, sizeof block - sent, MSG_NOSIGNAL);
                if (more <= 0)
                        break;
                sent += (size_t)more;
        }
        return NULL;
}

static void *take_flood(void *unused)
{
        static uint8_t block[FLOOD];
        (void)unused;
        flood_came_back = recv(mvt_peer.fd, block, sizeof block, MSG_WAITALL) == FLOOD;
        for (size_t i = 0; i < sizeof block; i++)
                flood_came_back &= block[i] == byte_at(i);
        return NULL;
}

/* Nobody waits here for anybody: what the link thread does and what the calls do themselves meets in every way. */
START_TEST(floods_in_both_directions_keep_their_order)
{
        pthread_t threads[2];
        static const uint32_t sizes[] = {64, 512, 4096};
        uint8_t block[600];
        MvChannelHandle channel = mvt_opaque_open(&mvt_peer, sizes[_i], 512);
        struct traffic traffic = {.bytes = FLOOD};
        flood_came_back = false;
        mvt_stream_peer_thread(&threads[0], send_flood, NULL);
        mvt_stream_peer_thread(&threads[1], take_flood, NULL);
        uint64_t start = mvt_host_ms();
        while (traffic.consumed < FLOOD || traffic.written < FLOOD) {
                uint32_t written, len = (uint32_t)(1 + traffic.consumed % sizeof block);
                application_reads(channel, &traffic);
                for (uint32_t i = 0; i < len; i++)
                        block[i] = byte_at(traffic.written + i);
                if (len > FLOOD - traffic.written)
                        len = (uint32_t)(FLOOD - traffic.written);
                expect_okay(mvWriteChannelStream(channel, block, len, &written));
                traffic.written += written;
                mvt_check_patience(start, "all bytes have come and gone", __FILE__, __LINE__);
        }
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        ck_assert(flood_came_back);
        mvt_channel_close(&channel);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("opaque ring");
        TCase *tests = tcase_create("every place");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_unix, mvt_opaque_end);
        tcase_set_timeout(tests, 30);
        tcase_add_loop_test(tests, every_length_at_every_place, 0, 1);
        suite_add_tcase(s, tests);
        tests = tcase_create("random, a Unix socket");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_unix, mvt_opaque_end);
        tcase_set_timeout(tests, 30);
        tcase_add_loop_test(tests, random_traffic_arrives_whole_and_in_order, 0, 4);
        suite_add_tcase(s, tests);
        tests = tcase_create("floods");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_unix_real, mvt_opaque_end);
        tcase_set_timeout(tests, 30);
        tcase_add_loop_test(tests, floods_in_both_directions_keep_their_order, 0, 3);
        suite_add_tcase(s, tests);
        tests = tcase_create("random, TLS");
        tcase_add_checked_fixture(tests, mvt_opaque_boot_tls, mvt_opaque_end);
        tcase_set_timeout(tests, 30);
        tcase_add_loop_test(tests, random_traffic_arrives_whole_and_in_order, 0, 4);
        suite_add_tcase(s, tests);
        return s;
}
