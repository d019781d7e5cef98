/* mvOpenChannel: what it refuses, in which order, and what it leaves alone when it does. */
#include <string.h>

#include "online.h"
#include "suite.h"

#define SENTINEL ((MvChannelHandle)(uintptr_t)0x5a5a5a5a)

static uint8_t arena[16 * 512] __attribute__((aligned(512)));

/* Refused, and nothing has changed. */
static void refused(const struct MvOpenChannelParams *params, enum MvStatus status, const char *field)
{
        MvChannelHandle channel = SENTINEL;
        uint32_t handles = mvt_open_handles();
        expect_reject(mvOpenChannel(params, &channel), status, field);
        ck_assert_ptr_eq(channel, SENTINEL);
        ck_assert_uint_eq(mvt_open_handles(), handles);
}

static void accepted(const struct MvOpenChannelParams *params)
{
        MvChannelHandle channel = mvt_channel_open(params);
        mvt_channel_close(&channel);
}

/* ---- the order of the checks ---- */

static void version(struct MvOpenChannelParams *params)
{
        params->version = 2;
}

static void centre(struct MvOpenChannelParams *params)
{
        params->v1.notification_handle = NULL;
}

static void network(struct MvOpenChannelParams *params)
{
        params->v1.network_handle = NULL;
}

static void receive_null(struct MvOpenChannelParams *params)
{
        params->v1.receive_buffer = NULL;
}

static void receive_short(struct MvOpenChannelParams *params)
{
        params->v1.receive_buffer_len = 15;
}

static void send_null(struct MvOpenChannelParams *params)
{
        params->v1.send_buffer = NULL;
}

static void send_askew(struct MvOpenChannelParams *params)
{
        params->v1.send_buffer = mvt_send_buffer + 16;
}

static void send_odd(struct MvOpenChannelParams *params)
{
        params->v1.send_buffer_len = 511;
}

static void send_in_receive(struct MvOpenChannelParams *params)
{
        params->v1.send_buffer = mvt_receive_buffer + 512;
}

static void type(struct MvOpenChannelParams *params)
{
        params->v1.channel_type = (enum MvChannelType)4;
}

static void endpoint(struct MvOpenChannelParams *params)
{
        params->v1.endpoint.data = NULL;
}

static void cut_off(struct MvOpenChannelParams *params)
{
        (void)params;
        mvsim_network_down(MVSIM_OUTAGE_LINK);
}

static void no_handle(struct MvOpenChannelParams *params)
{
        (void)params; /* the caller gives NULL */
}

static const struct {
        void (*spoil)(struct MvOpenChannelParams *params);
        enum MvStatus status;
        const char *field;
} faults[] = {
        {version, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version"},
        {centre, MV_STATUS_INVALIDHANDLE, "notification_handle"},
        {network, MV_STATUS_INVALIDHANDLE, "network_handle"},
        {receive_null, MV_STATUS_PARAMETERFAULT, "receive_buffer"},
        {receive_short, MV_STATUS_INVALIDBUFFERSIZE, "receive_buffer_len"},
        {send_null, MV_STATUS_PARAMETERFAULT, "send_buffer"},
        {send_askew, MV_STATUS_INVALIDBUFFERALIGNMENT, "send_buffer"},
        {send_odd, MV_STATUS_INVALIDBUFFERSIZE, "send_buffer_len"},
        {send_in_receive, MV_STATUS_BUFFERALREADYINUSE, "send_buffer"},
        {type, MV_STATUS_UNKNOWNCHANNELTYPE, "channel_type"},
        {endpoint, MV_STATUS_PARAMETERFAULT, "endpoint.data"},
        {no_handle, MV_STATUS_PARAMETERFAULT, "handle"},
        {cut_off, MV_STATUS_NETWORKNOTCONNECTED, ""},
};

#define FAULTS ((int)(sizeof faults / sizeof *faults))

/* The later fault is made first, so that the earlier one stands where both change the same field. */
START_TEST(of_two_faults_the_first_declared_wins)
{
        for (int later = _i; later < FAULTS; later++) {
                struct MvOpenChannelParams params = mvt_http_params();
                MvChannelHandle channel = SENTINEL;
                bool null_handle = faults[_i].spoil == no_handle || faults[later].spoil == no_handle;
                faults[later].spoil(&params);
                faults[_i].spoil(&params);
                expect_reject(mvOpenChannel(&params, null_handle ? NULL : &channel), faults[_i].status,
                              faults[_i].field);
                ck_assert_ptr_eq(channel, SENTINEL);
                mvsim_network_up();
                mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        }
        struct MvOpenChannelParams params = mvt_http_params();
        accepted(&params);
}
END_TEST

START_TEST(the_network_is_asked_before_the_counts)
{
        MvChannelHandle channels[4];
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.send_buffer_len = 512;
        params.v1.receive_buffer_len = 512;
        for (size_t i = 0; i < 4; i++) {
                params.v1.receive_buffer = arena + 1024 * i;
                params.v1.send_buffer = arena + 1024 * i + 512;
                channels[i] = mvt_channel_open(&params);
        }
        params = mvt_http_params();
        refused(&params, MV_STATUS_TOOMANYCHANNELS, "");
        mvsim_network_down(MVSIM_OUTAGE_SERVER);
        refused(&params, MV_STATUS_NETWORKNOTCONNECTED, "");
        mvsim_network_up();
        mvt_network_wait(mvt_online.network, MV_NETWORKSTATUS_CONNECTED);
        refused(&params, MV_STATUS_TOOMANYCHANNELS, ""); /* the dead ones count until they are closed */
        for (size_t i = 0; i < 4; i++)
                mvt_channel_close(&channels[i]);
        accepted(&params);
}
END_TEST

/* ---- single parameters ---- */

START_TEST(version_is_1)
{
        static const uint32_t wrong[] = {0, 2, UINT32_MAX};
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                struct MvOpenChannelParams params = mvt_http_params();
                params.version = wrong[i];
                refused(&params, MV_STATUS_UNSUPPORTEDSTRUCTUREVERSION, "version");
        }
}
END_TEST

START_TEST(params_and_handle_must_be_accessible)
{
        struct mvt_bad_pointers bad;
        struct MvOpenChannelParams params = mvt_http_params();
        mvt_bad_pointers_make(&bad, sizeof params, false);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++)
                refused(p->pointer, MV_STATUS_PARAMETERFAULT, "params");
        mvt_bad_pointers_free(&bad);
        mvt_bad_pointers_make(&bad, sizeof(MvChannelHandle), true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++)
                expect_reject(mvOpenChannel(&params, p->pointer), MV_STATUS_PARAMETERFAULT, "handle");
        mvt_bad_pointers_free(&bad);
        accepted(&params); /* nothing of what was refused holds the buffers */
}
END_TEST

START_TEST(params_may_end_where_the_memory_does)
{
        uint8_t *pages = mvt_pages(MVT_PAGES_RW, 1);
        struct MvOpenChannelParams params = mvt_http_params();
        uint8_t *at = pages + mvt_page_size() - sizeof params;
        memcpy(at, &params, sizeof params);
        accepted((const void *)at);
        mvt_pages_free(pages, 1);
}
END_TEST

START_TEST(handles_must_be_open_and_of_their_kind)
{
        static const uint8_t none[1];
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.notification_handle = (MvNotificationHandle)mvt_online.network;
        refused(&params, MV_STATUS_INVALIDHANDLE, "notification_handle");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "a network request"));
        params = mvt_http_params();
        params.v1.network_handle = (MvNetworkHandle)mvt_online.centre;
        refused(&params, MV_STATUS_INVALIDHANDLE, "network_handle");
        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "a notification centre"));
        params.v1.network_handle = (MvNetworkHandle)(void *)none;
        refused(&params, MV_STATUS_INVALIDHANDLE, "network_handle");
        MvNetworkHandle released = mvt_network_request(mvt_online.centre, 1);
        params.v1.network_handle = released;
        accepted(&params);
        mvt_network_release(&released);
        refused(&params, MV_STATUS_INVALIDHANDLE, "network_handle");
}
END_TEST

START_TEST(receive_buffer_has_512_bytes_at_any_address)
{
        static const uint32_t wrong[] = {0, 1, 15, 16, 511};
        struct MvOpenChannelParams params = mvt_http_params();
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
                params.v1.receive_buffer_len = wrong[i];
                refused(&params, MV_STATUS_INVALIDBUFFERSIZE, "receive_buffer_len");
        }
        params.v1.receive_buffer_len = 512;
        accepted(&params);
        params.v1.receive_buffer = mvt_receive_buffer + 1;
        params.v1.receive_buffer_len = 513;
        accepted(&params);
}
END_TEST

START_TEST(send_buffer_lies_on_the_grid)
{
        static const uint32_t wrong_sizes[] = {0, 1, 511, 513, 1023};
        static const size_t wrong_places[] = {1, 16, 256, 511};
        struct MvOpenChannelParams params = mvt_http_params();
        for (size_t i = 0; i < sizeof wrong_sizes / sizeof *wrong_sizes; i++) {
                params.v1.send_buffer_len = wrong_sizes[i];
                refused(&params, MV_STATUS_INVALIDBUFFERSIZE, "send_buffer_len");
        }
        params.v1.send_buffer_len = 512;
        for (size_t i = 0; i < sizeof wrong_places / sizeof *wrong_places; i++) {
                params.v1.send_buffer = mvt_send_buffer + wrong_places[i];
                refused(&params, MV_STATUS_INVALIDBUFFERALIGNMENT, "send_buffer");
        }
        params.v1.send_buffer = mvt_send_buffer + 512;
        accepted(&params);
}
END_TEST

START_TEST(buffers_must_be_writable)
{
        struct mvt_bad_pointers bad;
        mvt_bad_pointers_make(&bad, 512, true);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                struct MvOpenChannelParams params = mvt_http_params();
                params.v1.receive_buffer = p->pointer;
                params.v1.receive_buffer_len = 512;
                refused(&params, MV_STATUS_PARAMETERFAULT, "receive_buffer");
                params = mvt_http_params();
                params.v1.send_buffer = p->pointer;
                params.v1.send_buffer_len = 512;
                refused(&params, MV_STATUS_PARAMETERFAULT, "send_buffer");
        }
        mvt_bad_pointers_free(&bad);
}
END_TEST

START_TEST(a_type_that_is_not_known_is_refused)
{
        static const enum MvChannelType others[] = {(enum MvChannelType)4, MV_CHANNELTYPE__MAX};
        struct MvOpenChannelParams params = mvt_http_params();
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
                params.v1.channel_type = others[i];
                refused(&params, MV_STATUS_UNKNOWNCHANNELTYPE, "channel_type");
        }
}
END_TEST

START_TEST(the_least_receive_buffer_depends_on_the_type)
{
        static const enum MvChannelType types[] = {MV_CHANNELTYPE_OPAQUEBYTES, MV_CHANNELTYPE_HTTP, MV_CHANNELTYPE_MQTT,
                                                   MV_CHANNELTYPE_CONFIGFETCH};
        struct MvOpenChannelParams params = mvt_http_params();
        for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
                params.v1.channel_type = types[i];
                params.v1.receive_buffer_len = types[i] == MV_CHANNELTYPE_OPAQUEBYTES ? 15 : 511;
                refused(&params, MV_STATUS_INVALIDBUFFERSIZE, "receive_buffer_len");
        }
}
END_TEST

START_TEST(endpoint_must_be_readable_even_when_empty)
{
        struct mvt_bad_pointers bad;
        struct MvOpenChannelParams params = mvt_http_params();
        mvt_bad_pointers_make(&bad, 9, false);
        params.v1.endpoint.length = 9;
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                params.v1.endpoint.data = p->pointer;
                refused(&params, MV_STATUS_PARAMETERFAULT, "endpoint.data");
        }
        params.v1.endpoint.data = bad.read_only; /* nobody looks at it for HTTP, but it can be read */
        accepted(&params);
        params.v1.endpoint = (struct MvSizedString){NULL, 0};
        refused(&params, MV_STATUS_PARAMETERFAULT, "endpoint.data");
        mvt_bad_pointers_free(&bad);
}
END_TEST

/* ---- overlaps ---- */

/* What is lent in the arena: a ring of 4 records at 512, a log buffer of 1024 at 2048, a channel's two at 4096. */
enum { RING = 512, RING_END = RING + 64, LOG = 2048, LOG_END = LOG + 1024, OTHER = 4096, OTHER_END = OTHER + 1024 };

static const struct {
        uint32_t start, len;
        bool refused;
} receive_ranges[] =
        {
                {0, 512, false},          {0, 513, true},           {RING_END - 1, 512, true},  {RING_END, 512, false},
                {RING - 1, 600, true},    {LOG - 512, 512, false},  {LOG - 511, 512, true},     {LOG + 16, 512, true},
                {LOG_END - 1, 512, true}, {LOG_END, 512, false},    {LOG_END, 1024, false},     {LOG_END, 1025, true},
                {OTHER, 512, true},       {OTHER + 512, 512, true}, {OTHER_END - 1, 512, true}, {OTHER_END, 512, false},
},
  send_ranges[] = {
          {0, 512, false},       {0, 1024, true},    {RING, 512, true},        {1024, 1024, false},
          {1024, 1536, true},    {LOG, 512, true},   {LOG + 512, 512, true},   {LOG_END, 1024, false},
          {LOG_END, 1536, true}, {OTHER, 512, true}, {OTHER + 512, 512, true}, {OTHER_END, 512, false},
};

START_TEST(a_buffer_may_not_overlap_what_is_lent)
{
        struct MvNotification *ring = (struct MvNotification *)(void *)(arena + RING);
        MvNotificationHandle other_centre = mvt_centre_open(27, ring, 4);
        expect_okay(mvServerLoggingInit(arena + LOG, LOG_END - LOG));
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = arena + OTHER;
        params.v1.receive_buffer_len = 512;
        params.v1.send_buffer = arena + OTHER + 512;
        params.v1.send_buffer_len = 512;
        MvChannelHandle other = mvt_channel_open(&params);
        for (size_t i = 0; i < sizeof receive_ranges / sizeof *receive_ranges; i++) {
                mvsim_run_for(200000); /* not more than 8 in a second */
                params = mvt_http_params();
                params.v1.receive_buffer = arena + receive_ranges[i].start;
                params.v1.receive_buffer_len = receive_ranges[i].len;
                if (receive_ranges[i].refused)
                        refused(&params, MV_STATUS_BUFFERALREADYINUSE, "receive_buffer");
                else
                        accepted(&params);
        }
        for (size_t i = 0; i < sizeof send_ranges / sizeof *send_ranges; i++) {
                mvsim_run_for(200000);
                params = mvt_http_params();
                params.v1.send_buffer = arena + send_ranges[i].start;
                params.v1.send_buffer_len = send_ranges[i].len;
                if (send_ranges[i].refused)
                        refused(&params, MV_STATUS_BUFFERALREADYINUSE, "send_buffer");
                else
                        accepted(&params);
        }
        mvt_channel_close(&other);
        mvt_centre_close(&other_centre);
}
END_TEST

START_TEST(the_two_buffers_may_touch_but_not_overlap)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer = arena + 512;
        params.v1.receive_buffer_len = 512;
        params.v1.send_buffer_len = 512;
        params.v1.send_buffer = arena + 512;
        refused(&params, MV_STATUS_BUFFERALREADYINUSE, "send_buffer");
        params.v1.send_buffer = arena;
        accepted(&params);
        params.v1.send_buffer = arena + 1024;
        accepted(&params);
        params.v1.receive_buffer_len = 513;
        refused(&params, MV_STATUS_BUFFERALREADYINUSE, "send_buffer");
        params.v1.receive_buffer = arena + 511;
        params.v1.send_buffer = arena;
        refused(&params, MV_STATUS_BUFFERALREADYINUSE, "send_buffer");
}
END_TEST

/* ---- how many, how often ---- */

START_TEST(four_are_open_at_once)
{
        MvChannelHandle channels[4];
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.receive_buffer_len = 512;
        params.v1.send_buffer_len = 512;
        for (size_t i = 0; i < 5; i++) {
                params.v1.receive_buffer = arena + 1024 * i;
                params.v1.send_buffer = arena + 1024 * i + 512;
                if (i < 4)
                        channels[i] = mvt_channel_open(&params);
        }
        for (size_t i = 0; i < 4; i++) {
                for (size_t k = 0; k < i; k++)
                        ck_assert_ptr_ne(channels[i], channels[k]);
        }
        refused(&params, MV_STATUS_TOOMANYCHANNELS, "");
        mvt_channel_close(&channels[2]);
        channels[2] = mvt_channel_open(&params);
        for (size_t i = 0; i < 4; i++)
                mvt_channel_close(&channels[i]);
}
END_TEST

START_TEST(eight_are_opened_in_any_second)
{
        struct MvOpenChannelParams params = mvt_http_params();
        uint64_t first = mvsim_now_us();
        accepted(&params);
        mvsim_run_for(500000);
        for (int i = 0; i < 7; i++)
                accepted(&params);
        refused(&params, MV_STATUS_RATELIMITED, "");
        mvsim_run_for(first + 990000 - mvsim_now_us());
        refused(&params, MV_STATUS_RATELIMITED, "");
        mvsim_run_for(20000);
        accepted(&params); /* the first is more than a second ago, the seven are not */
        refused(&params, MV_STATUS_RATELIMITED, "");
        mvsim_run_for(1000000);
        for (int i = 0; i < 8; i++)
                accepted(&params);
        refused(&params, MV_STATUS_RATELIMITED, "");
}
END_TEST

START_TEST(what_was_refused_does_not_count_as_opened)
{
        struct MvOpenChannelParams params = mvt_http_params();
        for (int i = 0; i < 20; i++) {
                params.v1.send_buffer_len = 511;
                refused(&params, MV_STATUS_INVALIDBUFFERSIZE, "send_buffer_len");
        }
        params = mvt_http_params();
        for (int i = 0; i < 8; i++)
                accepted(&params);
}
END_TEST

START_TEST(the_rest_of_its_statuses_by_fault_injection)
{
        static const enum MvStatus statuses[] = {MV_STATUS_UNAVAILABLE, MV_STATUS_UNKNOWNCHANNELENDPOINT};
        struct MvOpenChannelParams params = mvt_http_params();
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
                ck_assert_int_eq(mvsim_fail("mvOpenChannel", 2, statuses[i]), 0);
                accepted(&params);
                refused(&params, statuses[i], "");
                accepted(&params);
        }
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("channel open");
        TCase *tests = tcase_create("channel open");
        tcase_set_timeout(tests, 60);
        tcase_add_checked_fixture(tests, mvt_online_boot_virtual, mvt_online_end);
        tcase_add_loop_test(tests, of_two_faults_the_first_declared_wins, 0, FAULTS);
        tcase_add_test(tests, the_network_is_asked_before_the_counts);
        tcase_add_test(tests, version_is_1);
        tcase_add_test(tests, params_and_handle_must_be_accessible);
        tcase_add_test(tests, params_may_end_where_the_memory_does);
        tcase_add_test(tests, handles_must_be_open_and_of_their_kind);
        tcase_add_test(tests, receive_buffer_has_512_bytes_at_any_address);
        tcase_add_test(tests, send_buffer_lies_on_the_grid);
        tcase_add_test(tests, buffers_must_be_writable);
        tcase_add_test(tests, a_type_that_is_not_known_is_refused);
        tcase_add_test(tests, the_least_receive_buffer_depends_on_the_type);
        tcase_add_test(tests, endpoint_must_be_readable_even_when_empty);
        tcase_add_test(tests, a_buffer_may_not_overlap_what_is_lent);
        tcase_add_test(tests, the_two_buffers_may_touch_but_not_overlap);
        tcase_add_test(tests, four_are_open_at_once);
        tcase_add_test(tests, eight_are_opened_in_any_second);
        tcase_add_test(tests, what_was_refused_does_not_count_as_opened);
        tcase_add_test(tests, the_rest_of_its_statuses_by_fault_injection);
        suite_add_tcase(suite, tests);
        return suite;
}
