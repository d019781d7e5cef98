/* Fetching configuration items: what the cloud answers, what the calls refuse and in which order. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "online.h"
#include "suite.h"
#include "tempdir.h"

#define DEVICE  MV_CONFIGKEYFETCHSCOPE_DEVICE
#define ACCOUNT MV_CONFIGKEYFETCHSCOPE_ACCOUNT
#define CONFIG  MV_CONFIGKEYFETCHSTORE_CONFIG
#define SECRET  MV_CONFIGKEYFETCHSTORE_SECRET

static struct mvt_tempdir dir;

static void boot(void)
{
        static char profile[1024];
        char file[MVT_PATH_SIZE];
        mvt_tempdir_make(&dir);
        mvt_path(file, &dir, "key.der");
        mvt_write_file(file, "\x30\x00\xff", 3);
        snprintf(profile, sizeof profile,
                 "cloud:\n"
                 "  config:\n"
                 "    device: {host: of the device, empty: \"\"}\n"
                 "    account: {host: of the account, only: here}\n"
                 "  secrets:\n"
                 "    device: {host: secret, key: {file: %s}}\n"
                 "    account: {}\n",
                 file);
        mvt_online_boot(&(struct mvt_device){.profile = profile});
}

static void end(void)
{
        mvt_online_end();
        mvt_tempdir_remove(&dir);
}

static MvChannelHandle open_sized(uint32_t receive_len, uint32_t send_len)
{
        struct MvOpenChannelParams params = mvt_http_params();
        params.v1.channel_type = MV_CHANNELTYPE_CONFIGFETCH;
        params.v1.receive_buffer_len = receive_len;
        params.v1.send_buffer_len = send_len;
        return mvt_channel_open(&params);
}

static MvChannelHandle open_channel(void)
{
        return open_sized(MVT_RECEIVE_SIZE, MVT_SEND_SIZE);
}

static struct MvConfigKeyToFetch key_of(enum MvConfigKeyFetchScope scope, enum MvConfigKeyFetchStore store,
                                        const char *key)
{
        return (struct MvConfigKeyToFetch){scope, store, {(const uint8_t *)key, (uint32_t)strlen(key)}};
}

static unsigned readable(void)
{
        return mvt_records(MV_EVENTTYPE_CHANNELDATAREADABLE, MVT_CHANNEL_TAG);
}

static enum MvStatus send(MvChannelHandle channel, const struct MvConfigKeyToFetch *keys, uint32_t count)
{
        const struct MvConfigKeyFetchParams params = {count, keys};
        return mvSendConfigFetchRequest(channel, &params);
}

static void fetch(MvChannelHandle channel, const struct MvConfigKeyToFetch *keys, uint32_t count)
{
        unsigned before = readable();
        expect_okay(send(channel, keys, count));
        ck_assert_uint_eq(readable(), before);
        wait_until(readable() == before + 1);
}

static void expect_response(MvChannelHandle channel, enum MvConfigFetchResult result, uint32_t count)
{
        struct MvConfigResponseData data = {.num_items = 77};
        expect_okay(mvReadConfigFetchResponseData(channel, &data));
        ck_assert_int_eq(data.result, result);
        ck_assert_uint_eq(data.num_items, count);
}

/* What reading an item leaves. */
struct item {
        uint8_t bytes[4200];
        uint32_t len;
        enum MvConfigKeyFetchResult result;
};

static struct item item;

static enum MvStatus read_item(MvChannelHandle channel, uint32_t index, uint32_t size)
{
        memset(&item, 0xcc, sizeof item);
        const struct MvConfigResponseReadItemParams params = {index, &item.result, {item.bytes, size, &item.len}};
        return mvReadConfigResponseItem(channel, &params);
}

static void expect_item(MvChannelHandle channel, uint32_t index, enum MvConfigKeyFetchResult result, const void *bytes,
                        uint32_t len)
{
        expect_okay(read_item(channel, index, sizeof item.bytes));
        ck_assert_int_eq(item.result, result);
        ck_assert_uint_eq(item.len, len);
        ck_assert(memcmp(item.bytes, bytes, len) == 0);
        ck_assert_uint_eq(item.bytes[len], 0xcc);
}

static void expect_text(MvChannelHandle channel, uint32_t index, const char *text)
{
        expect_item(channel, index, MV_CONFIGKEYFETCHRESULT_OK, text, (uint32_t)strlen(text));
}

/* ---- what the cloud answers ---- */

START_TEST(items_come_in_the_order_of_the_request_each_with_its_result)
{
        MvChannelHandle channel = open_channel();
        const struct MvConfigKeyToFetch keys[] = {
                key_of(ACCOUNT, CONFIG, "host"), key_of(DEVICE, SECRET, "host"),  key_of(DEVICE, CONFIG, "only"),
                key_of(DEVICE, CONFIG, "host"),  key_of(DEVICE, CONFIG, "empty"), key_of(DEVICE, SECRET, "key"),
                key_of(ACCOUNT, SECRET, "host"), key_of(DEVICE, CONFIG, "host"),
        };
        fetch(channel, keys, 8);
        expect_response(channel, MV_CONFIGFETCHRESULT_OK, 8);
        expect_text(channel, 3, "of the device");
        expect_text(channel, 0, "of the account");
        expect_text(channel, 1, "secret");
        expect_item(channel, 2, MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND, "", 0);
        expect_text(channel, 4, "");
        expect_item(channel, 5, MV_CONFIGKEYFETCHRESULT_OK, "\x30\x00\xff", 3);
        expect_item(channel, 6, MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND, "", 0);
        expect_text(channel, 7, "of the device");
        expect_text(channel, 3, "of the device");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(one_channel_after_another_uses_the_same_buffers)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        for (int i = 0; i < 5; i++) {
                MvChannelHandle channel = open_channel();
                fetch(channel, &key, 1);
                expect_text(channel, 0, "of the device");
                mvt_channel_close(&channel);
        }
}
END_TEST

static const struct {
        enum mvsim_store store;
        enum MvConfigKeyFetchStore fetched_store;
        enum mvsim_scope scope;
        enum MvConfigKeyFetchScope fetched_scope;
} places[] = {
        {MVSIM_STORE_CONFIG, CONFIG, MVSIM_SCOPE_DEVICE, DEVICE},
        {MVSIM_STORE_CONFIG, CONFIG, MVSIM_SCOPE_ACCOUNT, ACCOUNT},
        {MVSIM_STORE_SECRETS, SECRET, MVSIM_SCOPE_DEVICE, DEVICE},
        {MVSIM_STORE_SECRETS, SECRET, MVSIM_SCOPE_ACCOUNT, ACCOUNT},
};

static void expect_now(const struct MvConfigKeyToFetch *key, enum MvConfigKeyFetchResult result, const char *text)
{
        mvsim_run_for(1000000);
        MvChannelHandle channel = open_channel();
        fetch(channel, key, 1);
        expect_item(channel, 0, result, text, (uint32_t)strlen(text));
        mvt_channel_close(&channel);
}

START_TEST(items_can_be_changed_while_the_device_runs)
{
        const struct MvConfigKeyToFetch key = key_of(places[_i].fetched_scope, places[_i].fetched_store, "host");
        const struct MvConfigKeyToFetch added = key_of(places[_i].fetched_scope, places[_i].fetched_store, "new key");
        ck_assert_int_eq(mvsim_set_config(places[_i].store, places[_i].scope, "host", "changed", 7), 0);
        ck_assert_int_eq(mvsim_set_config(places[_i].store, places[_i].scope, "new key", "added", 5), 0);
        expect_now(&key, MV_CONFIGKEYFETCHRESULT_OK, "changed");
        expect_now(&added, MV_CONFIGKEYFETCHRESULT_OK, "added");
        ck_assert_int_eq(mvsim_set_config(places[_i].store, places[_i].scope, "host", NULL, 0), 0);
        expect_now(&key, MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND, "");
        ck_assert_int_eq(mvsim_set_config(places[_i].store, places[_i].scope, "host", "", 0), 0);
        expect_now(&key, MV_CONFIGKEYFETCHRESULT_OK, "");
        expect_now(&added, MV_CONFIGKEYFETCHRESULT_OK, "added");
}
END_TEST

START_TEST(a_change_concerns_one_store_and_one_scope)
{
        const struct MvConfigKeyToFetch keys[] = {key_of(DEVICE, CONFIG, "host"), key_of(ACCOUNT, CONFIG, "host"),
                                                  key_of(DEVICE, SECRET, "host"), key_of(ACCOUNT, SECRET, "host")};
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_SECRETS, MVSIM_SCOPE_ACCOUNT, "host", "x", 1), 0);
        MvChannelHandle channel = open_channel();
        fetch(channel, keys, 4);
        expect_text(channel, 0, "of the device");
        expect_text(channel, 1, "of the account");
        expect_text(channel, 2, "secret");
        expect_text(channel, 3, "x");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_change_under_way_is_in_the_answer)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        expect_okay(send(channel, &key, 1));
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "host", "late", 4), 0);
        wait_until(readable() == 1);
        expect_text(channel, 0, "late");
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "host", "too late", 8), 0);
        expect_text(channel, 0, "late");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_change_outlives_the_application)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host"), only = key_of(ACCOUNT, CONFIG, "only");
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "host", "changed", 7), 0);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_ACCOUNT, "only", NULL, 0), 0);
        mvt_online_restart();
        expect_now(&key, MV_CONFIGKEYFETCHRESULT_OK, "changed");
        expect_now(&only, MV_CONFIGKEYFETCHRESULT_KEYNOTFOUND, "");
}
END_TEST

START_TEST(a_change_that_cannot_be_is_refused)
{
        char key[102], value[4097] = "";
        memset(key, 'k', 101);
        key[101] = '\0';
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, key, "", 0), -EINVAL);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "", "", 0), -EINVAL);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "a\n", "", 0), -EINVAL);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "a", value, 4097), -EINVAL);
        ck_assert_int_eq(mvsim_set_config((enum mvsim_store)2, MVSIM_SCOPE_DEVICE, "a", "", 0), -EINVAL);
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, (enum mvsim_scope)2, "a", "", 0), -EINVAL);
        key[100] = '\0';
        ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, key, value, 4096), 0);
        const struct MvConfigKeyToFetch long_key = key_of(DEVICE, CONFIG, key);
        MvChannelHandle channel = open_channel();
        fetch(channel, &long_key, 1);
        expect_response(channel, MV_CONFIGFETCHRESULT_RESPONSETOOLARGE, 0);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_file_is_read_anew_and_one_that_is_gone_is_a_server_error)
{
        const struct MvConfigKeyToFetch keys[] = {key_of(DEVICE, SECRET, "key"), key_of(DEVICE, CONFIG, "host")};
        static char big[4097];
        char file[MVT_PATH_SIZE];
        mvt_path(file, &dir, "key.der");
        mvt_write_file(file, "newer", 5);
        expect_now(&keys[0], MV_CONFIGKEYFETCHRESULT_OK, "newer");
        mvt_write_file(file, big, sizeof big);
        expect_now(&keys[0], MV_CONFIGKEYFETCHRESULT_SERVERERROR, "");
        ck_assert_int_eq(unlink(file), 0);
        MvChannelHandle channel = open_channel();
        fetch(channel, keys, 2);
        expect_response(channel, MV_CONFIGFETCHRESULT_OK, 2);
        expect_item(channel, 0, MV_CONFIGKEYFETCHRESULT_SERVERERROR, "", 0);
        expect_text(channel, 1, "of the device");
        mvt_channel_close(&channel);
        mvsim_run_for(1000000);
        ck_assert_int_eq(mkdir(file, 0700), 0);
        expect_now(&keys[0], MV_CONFIGKEYFETCHRESULT_SERVERERROR, "");
}
END_TEST

/* 16 and 8 for each item go to the receive buffer besides the values. */
START_TEST(an_answer_must_fit_the_receive_buffer)
{
        const struct MvConfigKeyToFetch keys[] = {key_of(DEVICE, CONFIG, "v"), key_of(DEVICE, CONFIG, "missing")};
        for (uint32_t extra = 0; extra < 2; extra++) {
                const uint32_t len = 1024 - 16 - 2 * 8 + extra;
                static uint8_t bytes[1024];
                ck_assert_int_eq(mvsim_set_config(MVSIM_STORE_CONFIG, MVSIM_SCOPE_DEVICE, "v", bytes, len), 0);
                MvChannelHandle channel = open_sized(1024, MVT_SEND_SIZE);
                fetch(channel, keys, 2);
                if (extra == 0) {
                        expect_response(channel, MV_CONFIGFETCHRESULT_OK, 2);
                        expect_item(channel, 0, MV_CONFIGKEYFETCHRESULT_OK, bytes, len);
                } else {
                        expect_response(channel, MV_CONFIGFETCHRESULT_RESPONSETOOLARGE, 0);
                        expect_reject(read_item(channel, 0, 600), MV_STATUS_INDEXINVALID, "item_index");
                        ck_assert_ptr_nonnull(strstr(mvsim_last_reject()->message, "RESPONSETOOLARGE"));
                }
                mvt_channel_close(&channel);
        }
}
END_TEST

/* ---- mvSendConfigFetchRequest ---- */

START_TEST(a_channel_has_one_fetch)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        expect_okay(send(channel, &key, 1));
        expect_reject(send(channel, &key, 1), MV_STATUS_REQUESTALREADYSENT, "handle");
        wait_until(readable() == 1);
        expect_reject(send(channel, &key, 0), MV_STATUS_REQUESTALREADYSENT, "handle");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_fetch_asks_for_one_to_eight_items)
{
        struct MvConfigKeyToFetch keys[9];
        MvChannelHandle channel = open_channel();
        for (int i = 0; i < 9; i++)
                keys[i] = key_of(DEVICE, CONFIG, "host");
        expect_reject(send(channel, keys, 9), MV_STATUS_TOOMANYCONFIGKEYS, "num_items");
        expect_reject(send(channel, (void *)MVT_UNMAPPED, 0xffffffff), MV_STATUS_TOOMANYCONFIGKEYS, "num_items");
        expect_reject(send(channel, (void *)MVT_UNMAPPED, 0), MV_STATUS_REQUIREDELEMENTMISSING, "num_items");
        fetch(channel, keys, 8); /* nothing of that harmed the channel */
        expect_text(channel, 7, "of the device");
        mvt_channel_close(&channel);
}
END_TEST

static const struct {
        struct MvConfigKeyToFetch key;
        enum MvStatus status;
        const char *field;
} wrongs[] = {
        {{DEVICE, (enum MvConfigKeyFetchStore)2, {(const uint8_t *)"a", 1}},
         MV_STATUS_UNKNOWNCONFIGSTORE,
         "keys_to_fetch[].store"},
        {{(enum MvConfigKeyFetchScope)2, (enum MvConfigKeyFetchStore)2, {(const uint8_t *)"a", 1}},
         MV_STATUS_UNKNOWNCONFIGSCOPE,
         "keys_to_fetch[].scope"},
        {{DEVICE, CONFIG, {(const uint8_t *)"", 0}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.length"},
        {{DEVICE, CONFIG, {NULL, 101}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.length"},
        {{DEVICE, CONFIG, {(const uint8_t *)"a\tb", 3}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.data"},
        {{DEVICE, CONFIG, {(const uint8_t *)"a\x7f", 2}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.data"},
        {{DEVICE, CONFIG, {(const uint8_t *)"\xc3\xa4", 2}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.data"},
        {{DEVICE, CONFIG, {(const uint8_t *)"a\0", 2}}, MV_STATUS_INVALIDCONFIGKEY, "keys_to_fetch[].key.data"},
};

START_TEST(a_key_that_cannot_be_is_refused_and_the_channel_lives)
{
        const struct MvConfigKeyToFetch keys[] = {key_of(DEVICE, CONFIG, "host"), wrongs[_i].key};
        MvChannelHandle channel = open_channel();
        expect_reject(send(channel, keys, 2), wrongs[_i].status, wrongs[_i].field);
        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_NONE);
        fetch(channel, keys, 1);
        expect_text(channel, 0, "of the device");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_nested_pointer_that_is_bad_kills_the_channel)
{
        struct mvt_bad_pointers bad;
        mvt_bad_pointers_make(&bad, sizeof(struct MvConfigKeyToFetch), false);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                const struct MvConfigKeyToFetch key = {DEVICE, CONFIG, {p->pointer, sizeof key}};
                for (int nested = 0; nested < 2; nested++) {
                        MvChannelHandle channel = open_channel();
                        expect_reject(send(channel, nested ? &key : p->pointer, 1), MV_STATUS_LATEFAULT,
                                      nested ? "keys_to_fetch[].key.data" : "keys_to_fetch");
                        ck_assert_int_eq(mvt_closure_reason(channel), MV_CLOSUREREASON_CONNECTIONTERMINATED);
                        expect_reject(send(channel, &key, 1), MV_STATUS_CHANNELCLOSED, "handle");
                        mvt_channel_close(&channel);
                        mvsim_run_for(1000000);
                }
        }
        mvt_bad_pointers_free(&bad);
}
END_TEST

START_TEST(a_fetch_must_fit_the_send_buffer)
{
        char text[101];
        struct MvConfigKeyToFetch keys[5];
        MvChannelHandle channel = open_sized(MVT_RECEIVE_SIZE, 512);
        memset(text, 'k', 100);
        text[100] = '\0';
        for (int i = 0; i < 5; i++)
                keys[i] = key_of(DEVICE, CONFIG, text);
        keys[4].key.length = 512 - 16 - 5 * 8 - 4 * 100 + 1;
        expect_reject(send(channel, keys, 5), MV_STATUS_INVALIDBUFFERSIZE, "");
        keys[4].key.length--;
        fetch(channel, keys, 5);
        expect_response(channel, MV_CONFIGFETCHRESULT_OK, 5);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(only_a_configuration_channel_will_do)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        struct MvConfigResponseData data;
        MvChannelHandle channel = mvt_http_open();
        expect_reject(send(channel, &key, 1), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(mvReadConfigFetchResponseData(channel, &data), MV_STATUS_INVALIDHANDLE, "handle");
        expect_reject(read_item(channel, 0, 16), MV_STATUS_INVALIDHANDLE, "handle");
        mvt_channel_close(&channel);
        channel = open_channel();
        const struct MvHttpRequest *request = mvt_http_request(&(struct mvt_request){.url = "https://a"});
        expect_reject(mvSendHttpRequest(channel, request), MV_STATUS_INVALIDHANDLE, "handle");
        mvt_channel_close(&channel);
        expect_reject(send(NULL, &key, 1), MV_STATUS_INVALIDHANDLE, "handle");
}
END_TEST

/* ---- the reads ---- */

START_TEST(nothing_can_be_read_before_the_answer)
{
        struct MvConfigResponseData data = {.num_items = 77};
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        for (int i = 0; i < 2; i++) {
                expect_reject(mvReadConfigFetchResponseData(channel, &data), MV_STATUS_RESPONSENOTPRESENT, "handle");
                expect_reject(read_item(channel, 0, 16), MV_STATUS_RESPONSENOTPRESENT, "handle");
                if (i == 0)
                        expect_okay(send(channel, &key, 1));
        }
        ck_assert_uint_eq(data.num_items, 77);
        ck_assert_uint_eq(item.len, 0xcccccccc);
        wait_until(readable() == 1);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(an_index_must_be_in_the_response)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        fetch(channel, &key, 1);
        expect_reject(read_item(channel, 1, 64), MV_STATUS_INDEXINVALID, "item_index");
        expect_reject(read_item(channel, 0xffffffff, 64), MV_STATUS_INDEXINVALID, "item_index");
        ck_assert_uint_eq(item.len, 0xcccccccc);
        expect_text(channel, 0, "of the device");
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_value_longer_than_the_buffer_can_be_read_with_a_larger_one)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        fetch(channel, &key, 1);
        expect_reject(read_item(channel, 0, 12), MV_STATUS_INVALIDBUFFERSIZE, "buf.size");
        ck_assert_uint_eq(item.bytes[0], 0xcc);
        ck_assert_uint_eq(item.len, 0xcccccccc);
        expect_okay(read_item(channel, 0, 13));
        ck_assert_uint_eq(item.len, 13);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(what_an_item_is_written_to_must_be_writable)
{
        struct mvt_bad_pointers bad;
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        fetch(channel, &key, 1);
        mvt_bad_pointers_make(&bad, sizeof(uint32_t), true);
        memset(&item, 0xcc, sizeof item);
        for (const struct mvt_bad_pointer *p = bad.list; p->name; p++) {
                struct MvConfigResponseReadItemParams params = {0, p->pointer, {item.bytes, 64, &item.len}};
                expect_reject(mvReadConfigResponseItem(channel, &params), MV_STATUS_PARAMETERFAULT, "result");
                params = (struct MvConfigResponseReadItemParams){
                        0, &item.result, {p->pointer, sizeof(uint32_t), &item.len}};
                expect_reject(mvReadConfigResponseItem(channel, &params), MV_STATUS_PARAMETERFAULT, "buf.data");
                params = (struct MvConfigResponseReadItemParams){0, &item.result, {item.bytes, 64, p->pointer}};
                expect_reject(mvReadConfigResponseItem(channel, &params), MV_STATUS_PARAMETERFAULT, "buf.length");
        }
        ck_assert_uint_eq(item.bytes[0], 0xcc);
        ck_assert_uint_eq(item.len, 0xcccccccc);
        expect_text(channel, 0, "of the device");
        mvt_bad_pointers_free(&bad);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(a_channel_that_was_lost_has_no_answer)
{
        struct MvConfigResponseData data;
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        if (_i == 0)
                expect_okay(send(channel, &key, 1));
        else
                fetch(channel, &key, 1);
        mvsim_network_down(MVSIM_OUTAGE_LINK);
        wait_until(mvt_records(MV_EVENTTYPE_CHANNELNOTCONNECTED, MVT_CHANNEL_TAG) == 1);
        expect_reject(send(channel, &key, 1), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(mvReadConfigFetchResponseData(channel, &data), MV_STATUS_CHANNELCLOSED, "handle");
        expect_reject(read_item(channel, 0, 64), MV_STATUS_CHANNELCLOSED, "handle");
        mvsim_run_for(1000000);
        ck_assert_uint_eq(readable(), (unsigned)_i);
        mvt_channel_close(&channel);
}
END_TEST

START_TEST(closing_while_the_cloud_looks_is_silent)
{
        const struct MvConfigKeyToFetch key = key_of(DEVICE, CONFIG, "host");
        MvChannelHandle channel = open_channel();
        expect_okay(send(channel, &key, 1));
        mvt_channel_close(&channel);
        unsigned before = mvt_all_records();
        mvsim_run_for(1000000);
        ck_assert_uint_eq(mvt_all_records(), before);
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("config");
        TCase *t = tcase_create("fetch");
        tcase_add_checked_fixture(t, boot, end);
        tcase_add_test(t, items_come_in_the_order_of_the_request_each_with_its_result);
        tcase_add_test(t, one_channel_after_another_uses_the_same_buffers);
        tcase_add_loop_test(t, items_can_be_changed_while_the_device_runs, 0, 4);
        tcase_add_test(t, a_change_concerns_one_store_and_one_scope);
        tcase_add_test(t, a_change_under_way_is_in_the_answer);
        tcase_add_test(t, a_change_outlives_the_application);
        tcase_add_test(t, a_change_that_cannot_be_is_refused);
        tcase_add_test(t, a_file_is_read_anew_and_one_that_is_gone_is_a_server_error);
        tcase_add_test(t, an_answer_must_fit_the_receive_buffer);
        tcase_add_test(t, a_channel_has_one_fetch);
        tcase_add_test(t, a_fetch_asks_for_one_to_eight_items);
        tcase_add_loop_test(t, a_key_that_cannot_be_is_refused_and_the_channel_lives, 0,
                            (int)(sizeof wrongs / sizeof wrongs[0]));
        tcase_add_test(t, a_nested_pointer_that_is_bad_kills_the_channel);
        tcase_add_test(t, a_fetch_must_fit_the_send_buffer);
        tcase_add_test(t, only_a_configuration_channel_will_do);
        tcase_add_test(t, nothing_can_be_read_before_the_answer);
        tcase_add_test(t, an_index_must_be_in_the_response);
        tcase_add_test(t, a_value_longer_than_the_buffer_can_be_read_with_a_larger_one);
        tcase_add_test(t, what_an_item_is_written_to_must_be_writable);
        tcase_add_loop_test(t, a_channel_that_was_lost_has_no_answer, 0, 2);
        tcase_add_test(t, closing_while_the_cloud_looks_is_silent);
        suite_add_tcase(s, t);
        return s;
}
