#include "online.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "mvsim/cortex.h"

#define SLOTS       8
#define RECORDS_MAX 256
#define HEADERS_MAX 40
#define TEXT_SIZE   65536

struct mvt_online mvt_online;
uint8_t mvt_send_buffer[MVT_SEND_SIZE] __attribute__((aligned(512)));
uint8_t mvt_receive_buffer[MVT_RECEIVE_SIZE] __attribute__((aligned(512)));

static struct MvNotification ring[SLOTS] __attribute__((aligned(8)));
static unsigned next_slot;
static struct MvNotification records[RECORDS_MAX];
static volatile unsigned record_count;

static void handler(void)
{
        struct MvNotification *slot = &ring[next_slot];
        next_slot = (next_slot + 1) % SLOTS;
        if (record_count < RECORDS_MAX)
                records[record_count] = *slot;
        slot->event_type = MV_EVENTTYPE_NOEVENT;
        record_count = record_count + 1;
}

/* libuv makes a pipe for signals with the first loop of a process, and keeps it. */
void mvt_online_prepare(void)
{
        uv_loop_t loop;
        ck_assert_int_eq(uv_loop_init(&loop), 0);
        ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void go_online(void)
{
        next_slot = 0;
        record_count = 0;
        mvsim_nvic_set_vector(MVT_ONLINE_IRQ, handler);
        mvt_online.centre = mvt_centre_open(MVT_ONLINE_IRQ, ring, SLOTS);
        mvt_online.network = mvt_network_connect(mvt_online.centre, MVT_NETWORK_TAG);
}

void mvt_online_boot(const struct mvt_device *options)
{
        mvt_online_prepare();
        mvt_device_boot(options);
        go_online();
}

static void restart(void *unused)
{
        (void)unused;
        mvRestart(MV_RESTARTMODE_AUTOAPPLYUPDATE);
}

void mvt_online_restart(void)
{
        ck_assert(mvsim_catch(restart, NULL, NULL));
        ck_assert_int_eq(mvsim_boot_again(), 0);
        go_online();
}

void mvt_online_boot_virtual(void)
{
        mvt_online_boot(NULL);
}

void mvt_online_boot_with_server(uint16_t port, const char *ca_file, bool real_time)
{
        char profile[1024];
        snprintf(profile, sizeof profile,
                 "network:\n  connect_ms: 20\n"
                 "http:\n  ca_file: %s\n  rewrite:\n"
                 "    - from: https://api.example.com\n      to: https://127.0.0.1:%u\n",
                 ca_file, port);
        mvt_online_boot(&(struct mvt_device){.real_time = real_time, .profile = profile});
}

void mvt_online_end(void)
{
        if (mvt_online.network)
                mvt_network_release(&mvt_online.network);
        if (mvt_online.centre)
                mvt_centre_close(&mvt_online.centre);
        mvt_device_end();
}

unsigned mvt_all_records(void)
{
        ck_assert_uint_lt(record_count, RECORDS_MAX);
        return record_count;
}

unsigned mvt_records(enum MvEventType type, uint32_t tag)
{
        unsigned found = 0;
        for (unsigned i = 0; i < mvt_all_records(); i++)
                found += records[i].event_type == type && records[i].tag == tag;
        return found;
}

/* ---- channels ---- */

struct MvOpenChannelParams mvt_http_params(void)
{
        static const uint8_t endpoint[1];
        return (struct MvOpenChannelParams){
                .version = 1,
                .v1 =
                        {
                                .notification_handle = mvt_online.centre,
                                .notification_tag = MVT_CHANNEL_TAG,
                                .network_handle = mvt_online.network,
                                .receive_buffer = mvt_receive_buffer,
                                .receive_buffer_len = sizeof mvt_receive_buffer,
                                .send_buffer = mvt_send_buffer,
                                .send_buffer_len = sizeof mvt_send_buffer,
                                .channel_type = MV_CHANNELTYPE_HTTP,
                                .endpoint = {endpoint, 0},
                        },
        };
}

MvChannelHandle mvt_channel_open(const struct MvOpenChannelParams *params)
{
        MvChannelHandle channel = NULL;
        expect_okay(mvOpenChannel(params, &channel));
        ck_assert_ptr_nonnull(channel);
        return channel;
}

MvChannelHandle mvt_http_open(void)
{
        struct MvOpenChannelParams params = mvt_http_params();
        return mvt_channel_open(&params);
}

void mvt_channel_close(MvChannelHandle *channel)
{
        expect_okay(mvCloseChannel(channel));
        ck_assert_ptr_null(*channel);
}

enum MvClosureReason mvt_closure_reason(MvChannelHandle channel)
{
        enum MvClosureReason reason = MV_CLOSUREREASON__MAX;
        expect_okay(mvGetChannelClosureReason(channel, &reason));
        return reason;
}

/* ---- HTTP ---- */

static struct MvSizedString sized(const char *text)
{
        return (struct MvSizedString){(const uint8_t *)text, text ? (uint32_t)strlen(text) : 0};
}

const struct MvHttpRequest *mvt_http_request(const struct mvt_request *request)
{
        static struct MvHttpHeader headers[HEADERS_MAX];
        static struct MvHttpRequest result;
        uint32_t count = 0;
        for (; request->headers && request->headers[count]; count++) {
                ck_assert_uint_lt(count, HEADERS_MAX);
                headers[count].data = (const uint8_t *)request->headers[count];
                headers[count].length = (uint32_t)strlen(request->headers[count]);
        }
        result = (struct MvHttpRequest){
                .method = sized(request->method ? request->method : "GET"),
                .url = sized(request->url),
                .num_headers = count,
                .headers = count ? headers : NULL,
                .body = sized(request->body),
                .timeout_ms = request->timeout_ms ? request->timeout_ms : 10000,
        };
        return &result;
}

void mvt_http_exchange(MvChannelHandle channel, const struct mvt_request *request)
{
        unsigned before = mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
        expect_okay(mvSendHttpRequest(channel, mvt_http_request(request)));
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG) != before);
        ck_assert_uint_eq(mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG), before + 1);
}

const struct MvHttpResponseData *mvt_http_data(MvChannelHandle channel)
{
        static struct MvHttpResponseData data;
        memset(&data, 0x5a, sizeof data);
        expect_okay(mvReadHttpResponseData(channel, &data));
        return &data;
}

const char *mvt_http_headers(MvChannelHandle channel)
{
        static char text[TEXT_SIZE];
        uint32_t count = mvt_http_data(channel)->num_headers;
        char *end = text;
        *end = '\0';
        for (uint32_t i = 0; i < count; i++) {
                char line[1024] = "";
                expect_okay(mvReadHttpResponseHeader(channel, i, (uint8_t *)line, sizeof line - 1));
                end += snprintf(end, (size_t)(text + sizeof text - end), "%s\n", line);
                ck_assert(end < text + sizeof text);
        }
        return text;
}

const char *mvt_http_body(MvChannelHandle channel)
{
        static char text[TEXT_SIZE];
        uint32_t len = mvt_http_data(channel)->body_length;
        ck_assert_uint_lt(len, sizeof text);
        memset(text, 0, sizeof text);
        expect_okay(mvReadHttpResponseBody(channel, 0, (uint8_t *)text, len));
        return text;
}

/* ---- memory that a call must refuse ---- */

void mvt_bad_pointers_make(struct mvt_bad_pointers *ret, size_t size, bool for_writing)
{
        *ret = (struct mvt_bad_pointers){
                .read_only = mvt_pages(MVT_PAGES_READ_ONLY, 1),
                .last_page = mvt_pages(MVT_PAGES_RW, 1),
        };
        struct mvt_bad_pointer *next = ret->list;
        *next++ = (struct mvt_bad_pointer){"NULL", NULL};
        *next++ = (struct mvt_bad_pointer){"inaccessible", ret->last_page + mvt_page_size()};
        *next++ = (struct mvt_bad_pointer){"one byte short", ret->last_page + mvt_page_size() - (size - 1)};
        *next++ = (struct mvt_bad_pointer){"secure", (void *)mvsim_last_reject()};
        if (for_writing)
                *next++ = (struct mvt_bad_pointer){"read-only", ret->read_only};
}

void mvt_bad_pointers_free(struct mvt_bad_pointers *bad)
{
        mvt_pages_free(bad->read_only, 1);
        mvt_pages_free(bad->last_page, 1);
}
