#include "opaque.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

void mvt_opaque_boot(const char *endpoints, const char *more, bool real_time)
{
        static char profile[4096];
        ck_assert_int_lt(snprintf(profile, sizeof profile,
                                  "network: {connect_ms: 20}\nlog: {level: error}\nendpoints:\n" MVT_NOWHERE "%s%s",
                                  endpoints, more ? more : ""),
                         (int)sizeof profile);
        mvt_online_boot(&(struct mvt_device){.real_time = real_time, .profile = profile});
}

/* ---- one peer ---- */

struct mvt_stream_peer mvt_peer;
struct mvt_pki mvt_peer_pki;
struct mvt_tempdir mvt_peer_dir;

void mvt_opaque_boot_peer(const char *more, bool real_time)
{
        char endpoints[256], authorities[MVT_PATH_SIZE + 32];
        if (mvt_peer.path[0])
                snprintf(endpoints, sizeof endpoints, "  peer: \"unix:%s\"\n", mvt_peer.path);
        else
                snprintf(endpoints, sizeof endpoints, "  peer: %s://127.0.0.1:%u\n", mvt_peer.tls ? "tls" : "tcp",
                         (unsigned)mvt_peer.port);
        snprintf(authorities, sizeof authorities, "opaque: {ca_file: \"%s\"}\n", mvt_peer_pki.ca_file);
        mvt_opaque_boot(endpoints, mvt_peer.tls ? authorities : more, real_time);
}

void mvt_peer_begin_unix(void)
{
        mvt_tempdir_make(&mvt_peer_dir);
        mvt_stream_peer_unix(&mvt_peer, &mvt_peer_dir);
}

void mvt_peer_begin_tls(void (*listen)(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate))
{
        struct mvt_certificate certificate;
        mvt_pki_init(&mvt_peer_pki);
        mvt_pki_issue(&mvt_peer_pki, "IP:127.0.0.1", 30, &certificate);
        listen(&mvt_peer, &certificate);
}

void mvt_opaque_boot_tcp(void)
{
        mvt_stream_peer_tcp(&mvt_peer);
        mvt_opaque_boot_peer(NULL, false);
}

void mvt_opaque_boot_tcp_real(void)
{
        mvt_stream_peer_tcp(&mvt_peer);
        mvt_opaque_boot_peer(NULL, true);
}

void mvt_opaque_boot_unix(void)
{
        mvt_peer_begin_unix();
        mvt_opaque_boot_peer(NULL, false);
}

void mvt_opaque_boot_unix_real(void)
{
        mvt_peer_begin_unix();
        mvt_opaque_boot_peer(NULL, true);
}

void mvt_opaque_boot_tls(void)
{
        mvt_peer_begin_tls(mvt_stream_peer_tls);
        mvt_opaque_boot_peer(NULL, false);
}

void mvt_opaque_end(void)
{
        mvt_stream_peer_finish(&mvt_peer);
        mvt_online_end();
        mvt_tempdir_remove(&mvt_peer_dir);
        mvt_pki_finish(&mvt_peer_pki);
}

/* ---- channels ---- */

struct MvOpenChannelParams mvt_opaque_params(const char *endpoint, uint32_t receive_len, uint32_t send_len)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.channel_type = MV_CHANNELTYPE_OPAQUEBYTES;
        params.v1.endpoint = (struct MvSizedString){(const uint8_t *)endpoint, (uint32_t)strlen(endpoint)};
        params.v1.receive_buffer_len = receive_len;
        params.v1.send_buffer_len = send_len;
        return params;
}

MvChannelHandle mvt_opaque_open(struct mvt_stream_peer *peer, uint32_t receive_len, uint32_t send_len)
{
        const struct MvOpenChannelParams params = mvt_opaque_params("peer", receive_len, send_len);
        MvChannelHandle channel = mvt_channel_open(&params);
        mvt_stream_peer_accept(peer);
        wait_until(mvt_closure_reason(channel) == MV_CLOSUREREASON_NONE);
        return channel;
}

uint32_t mvt_opaque_look(MvChannelHandle channel, const uint8_t **ret_bytes)
{
        uint8_t *bytes = (uint8_t *)1;
        uint32_t len = UINT32_MAX;
        expect_okay(mvReadChannel(channel, &bytes, &len));
        ck_assert((len == 0) == (bytes == NULL));
        *ret_bytes = bytes;
        return len;
}

void mvt_opaque_expect(MvChannelHandle channel, const char *text)
{
        const uint8_t *bytes = NULL;
        uint32_t len = 0;
        for (size_t left = strlen(text); left > 0; left -= len, text += len) {
                wait_until((len = mvt_opaque_look(channel, &bytes)) > 0);
                if (len > left)
                        len = (uint32_t)left;
                ck_assert_mem_eq(bytes, text, len);
                expect_okay(mvReadChannelComplete(channel, len));
        }
}

void mvt_opaque_write(MvChannelHandle channel, const char *text)
{
        uint32_t available = UINT32_MAX;
        expect_okay(mvWriteChannel(channel, (const uint8_t *)text, (uint32_t)strlen(text), &available));
        ck_assert_uint_ne(available, UINT32_MAX);
}

/* The link thread does one thing after the other: when it has failed to connect this, it has done all before. */
static void await_link(void)
{
        static uint8_t receive[16], send[512] __attribute__((aligned(512)));
        struct MvOpenChannelParams params = mvt_opaque_params("nowhere", sizeof receive, sizeof send);
        unsigned before = mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, 0x77);
        params.v1.receive_buffer = receive;
        params.v1.send_buffer = send;
        params.v1.notification_tag = 0x77;
        MvChannelHandle channel = mvt_channel_open(&params);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, 0x77) > before);
        mvt_channel_close(&channel);
        mvsim_run_for(1000000); /* not more than 8 in a second */
}

/* Never more than there is room for, so that WRITESPACE does not come. */
static uint32_t write_what_fits(MvChannelHandle channel, uint32_t total)
{
        uint8_t block[512];
        uint32_t room, written;
        expect_okay(mvWriteChannel(channel, NULL, 0, &room));
        for (unsigned i = 0; i < sizeof block; i++)
                block[i] = (uint8_t)(total + i);
        expect_okay(mvWriteChannelStream(channel, block, room < sizeof block ? room : sizeof block, &written));
        return written;
}

uint32_t mvt_opaque_fill(MvChannelHandle channel)
{
        uint32_t total = 0, before, written;
        do {
                before = total;
                for (unsigned tries = 0; tries < 100; tries++) {
                        written = write_what_fits(channel, total);
                        total += written;
                        ck_assert_uint_lt(total, 64U << 20);
                        if (written > 0)
                                tries = 0;
                        else
                                sched_yield();
                }
                await_link();
        } while (total > before);
        return total;
}

unsigned mvt_readables(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

unsigned mvt_spaces(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAWRITESPACE, MVT_CHANNEL_TAG);
}

unsigned mvt_losses(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG);
}

void mvt_opaque_expect_closure(MvChannelHandle *channel, enum MvClosureReason reason)
{
        uint8_t *bytes = NULL;
        uint32_t len = 0;
        wait_until(mvt_losses() > 0);
        ck_assert_uint_eq(mvt_losses(), 1);
        ck_assert_int_eq(mvt_closure_reason(*channel), reason);
        expect_reject(mvReadChannel(*channel, &bytes, &len), MV_STATUS_CHANNELCLOSED, "handle");
        mvt_channel_close(channel);
        mvsim_run_for(10000);
        ck_assert_uint_eq(mvt_losses(), 1);
}
