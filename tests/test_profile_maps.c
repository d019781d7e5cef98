/* Sections of a profile whose keys are the user's own: the cloud's configuration items, the endpoints. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/tempdir.h"
#include "sim/profile/endpoint.h"
#include "sim/profile/profile.h"
#include "suite.h"

static struct mvt_tempdir dir;
static char path[512];
static char error[1024];

static void set_up(void)
{
        mvt_tempdir_make(&dir);
        snprintf(path, sizeof path, "%s/p.yaml", dir.path);
}

static void tear_down(void)
{
        mvt_tempdir_remove(&dir);
}

static int load(struct mvs_profile *ret, const char *text)
{
        mvt_write_file(path, text, strlen(text));
        error[0] = '\0';
        return mvs_profile_load(ret, path, error, sizeof error);
}

static void write_beside(const char *name, size_t len)
{
        char file[600];
        char *bytes = calloc(1, len + 1);
        snprintf(file, sizeof file, "%s/%s", dir.path, name);
        mvt_write_file(file, bytes, len);
        free(bytes);
}

START_TEST(items_are_read_in_their_order_with_whatever_keys)
{
        struct mvs_profile profile;
        write_beside("key.der", 4096);
        ck_assert_msg(load(&profile, "cloud:\n"
                                     "  logging: false\n"
                                     "  config:\n"
                                     "    device: {broker: mqtt.example.com, \"a key: with ~!\": \"\", port: 8883}\n"
                                     "    account: {}\n"
                                     "  secrets:\n"
                                     "    account:\n"
                                     "      key: {file: key.der}\n"
                                     "      broker: |\n"
                                     "        two\n"
                                     "        lines\n") == 0,
                      "%s", error);
        const struct mvs_profile_map *device = &profile.cloud.config.device;
        ck_assert_uint_eq(device->count, 3);
        ck_assert_str_eq(device->entries[0].key, "broker");
        ck_assert_str_eq(device->entries[0].value, "mqtt.example.com");
        ck_assert_str_eq(device->entries[1].key, "a key: with ~!");
        ck_assert_str_eq(device->entries[1].value, "");
        ck_assert_str_eq(device->entries[2].value, "8883");
        ck_assert_uint_eq(profile.cloud.config.account.count, 0);
        ck_assert_uint_eq(profile.cloud.secrets.device.count, 0);
        const struct mvs_profile_map *account = &profile.cloud.secrets.account;
        ck_assert_uint_eq(account->count, 2);
        ck_assert_ptr_null(account->entries[0].value);
        char file[600];
        snprintf(file, sizeof file, "%s/key.der", dir.path);
        ck_assert_str_eq(account->entries[0].file, file);
        ck_assert_str_eq(account->entries[1].value, "two\nlines\n");
        ck_assert(!profile.cloud.logging);
        mvs_profile_finish(&profile);
}
END_TEST

#define A10    "aaaaaaaaaa"
#define A100   A10 A10 A10 A10 A10 A10 A10 A10 A10 A10
#define DEVICE "cloud.config.device"
#define ENDPOINT \
        "expected tcp://HOST:PORT, tls://HOST:PORT or unix:PATH (a port from 1 to 65535, an IPv6 address in brackets)"

static const struct {
        const char *text;
        const char *expected;
} wrongs[] = {
        {"cloud: {config: {other: {}}}\n", "1:18: cloud.config.other: unknown key; allowed here: account, device"},
        {"cloud: {config: {device: [1]}}\n",
         "1:26: " DEVICE ": found a list, expected `key: value` pairs, indented, with keys of your own"},
        {"cloud: {config: {device: {\"\": 1}}}\n",
         "1:27: " DEVICE ": found \"\", expected a key of 1 to 100 printable ASCII characters"},
        {"cloud: {config: {device: {" A100 "a: 1}}}\n",
         "1:27: " DEVICE ": found \"" A10 A10 A10 A10 "\"..., expected a key of 1 to 100 printable ASCII characters"},
        {"cloud: {config: {device: {k\xc3\xa4se: 1}}}\n",
         "1:27: " DEVICE ": found \"k??se\", expected a key of 1 to 100 printable ASCII characters"},
        {"cloud:\n  config:\n    device:\n      a: 1\n      b: 2\n      a: 3\n",
         "6:7: " DEVICE ".a: this key was already given in line 4; keep one of them"},
        {"cloud: {config: {device: {a: }}}\n",
         "1:30: " DEVICE ".a: found nothing, expected a value (or leave the key out)"},
        {"cloud: {config: {device: {a: [1]}}}\n",
         "1:30: " DEVICE ".a: found a list, expected a value, or {file: PATH}"},
        {"cloud: {config: {device: {a: {path: b}}}}\n",
         "1:30: " DEVICE ".a: found `key: value` pairs, expected a value, or {file: PATH}"},
        {"cloud: {config: {device: {a: {file: [b]}}}}\n", "1:37: " DEVICE ".a: found a list, expected a single value"},
        {"endpoints: []\n",
         "1:12: endpoints: found a list, expected `key: value` pairs, indented, with keys of your own"},
        {"endpoints: {\"\": \"unix:a\"}\n",
         "1:13: endpoints: found \"\", expected a key of 1 to 64 printable ASCII characters"},
        {"endpoints: {a: \"tcp://b:1\", a: \"tcp://b:2\"}\n",
         "1:29: endpoints.a: this key was already given in line 1; keep one of them"},
        {"endpoints: {a: }\n", "1:16: endpoints.a: found nothing, expected a value (or leave the key out)"},
        {"endpoints: {a: {file: b}}\n", "1:16: endpoints.a: found `key: value` pairs, expected a single value"},
        {"endpoints: {a: host:80}\n", "1:16: endpoints.a: found \"host:80\", " ENDPOINT},
        {"endpoints: {a: \"udp://host:80\"}\n", "1:16: endpoints.a: found \"udp://host:80\", " ENDPOINT},
        {"endpoints: {a: \"tcp:/host:80\"}\n", "1:16: endpoints.a: found \"tcp:/host:80\", " ENDPOINT},
        {"endpoints: {a: \"tcp://host\"}\n", "1:16: endpoints.a: found \"tcp://host\", " ENDPOINT},
        {"endpoints: {a: \"tcp://:80\"}\n", "1:16: endpoints.a: found \"tcp://:80\", " ENDPOINT},
        {"endpoints: {a: \"tcp://host:0\"}\n", "1:16: endpoints.a: found \"tcp://host:0\", " ENDPOINT},
        {"endpoints: {a: \"tls://host:65536\"}\n", "1:16: endpoints.a: found \"tls://host:65536\", " ENDPOINT},
        {"endpoints: {a: \"tls://::1:80\"}\n", "1:16: endpoints.a: found \"tls://::1:80\", " ENDPOINT},
        {"endpoints: {a: \"tls://host:80/path\"}\n", "1:16: endpoints.a: found \"tls://host:80/path\", " ENDPOINT},
        {"endpoints: {a: \"unix:\"}\n", "1:16: endpoints.a: found \"unix:\", " ENDPOINT},
        {"endpoints:\n  a: unix:/" A100 A10 "\n", "2:6: endpoints.a: the path of the socket, with the profile's "
                                                  "directory where it is relative, is longer than 107 bytes (put it "
                                                  "into a directory with a shorter name)"},
        {"cloud: {config: {device: {a: \"b\\0c\"}}}\n",
         "1:30: " DEVICE ".a: found \"b?c\", expected text without zero bytes"},
};

START_TEST(what_is_wrong_is_named_with_its_place)
{
        struct mvs_profile profile;
        char whole[1024];
        ck_assert_int_eq(load(&profile, wrongs[_i].text), -EINVAL);
        snprintf(whole, sizeof whole, "%s:%s", path, wrongs[_i].expected);
        ck_assert_str_eq(error, whole);
}
END_TEST

static struct mvs_endpoint endpoint(const char *text)
{
        struct mvs_endpoint found;
        ck_assert_msg(mvs_endpoint_parse(text, &found), "%s", text);
        return found;
}

START_TEST(endpoints_are_names_and_where_they_are)
{
        struct mvs_profile profile;
        char socket[600];
        ck_assert_msg(load(&profile, "endpoints:\n"
                                     "  plain: tcp://collector.example.com:7007\n"
                                     "  with TLS: tls://[::1]:8883\n"
                                     "  here: unix:a.socket\n"
                                     "  there: unix:/run/b.socket\n"
                                     "opaque: {ca_file: ca.pem}\n") == 0,
                      "%s", error);
        const struct mvs_profile_entry *entries = profile.endpoints.entries;
        ck_assert_uint_eq(profile.endpoints.count, 4);
        ck_assert_str_eq(entries[0].key, "plain");
        ck_assert_int_eq(endpoint(entries[0].value).kind, MVS_ENDPOINT_TCP);
        ck_assert_str_eq(endpoint(entries[0].value).where, "collector.example.com");
        ck_assert_uint_eq(endpoint(entries[0].value).port, 7007);
        ck_assert_str_eq(entries[1].key, "with TLS");
        ck_assert_int_eq(endpoint(entries[1].value).kind, MVS_ENDPOINT_TLS);
        ck_assert_str_eq(endpoint(entries[1].value).where, "::1");
        ck_assert_int_eq(endpoint(entries[2].value).kind, MVS_ENDPOINT_UNIX);
        snprintf(socket, sizeof socket, "%s/a.socket", dir.path);
        ck_assert_str_eq(endpoint(entries[2].value).where, socket);
        ck_assert_str_eq(endpoint(entries[3].value).where, "/run/b.socket");
        snprintf(socket, sizeof socket, "%s/ca.pem", dir.path);
        ck_assert_str_eq(profile.opaque.ca_file, socket);
        ck_assert_uint_eq(profile.opaque.connect_timeout_ms, 10000);
        ck_assert_uint_eq(profile.opaque.answer_ms, 200);
        mvs_profile_finish(&profile);
}
END_TEST

START_TEST(a_long_value_is_refused)
{
        struct mvs_profile profile;
        static char text[4200];
        size_t len = (size_t)snprintf(text, sizeof text, "cloud: {secrets: {device: {a: ");
        memset(text + len, 'v', 4096);
        snprintf(text + len + 4096, sizeof text - len - 4096, "}}}\n");
        ck_assert_int_eq(load(&profile, text), 0);
        mvs_profile_finish(&profile);
        snprintf(text + len + 4096, sizeof text - len - 4096, "v}}}\n");
        ck_assert_int_eq(load(&profile, text), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "cloud.secrets.device.a: found \"vvv"));
        ck_assert_ptr_nonnull(strstr(error, "expected at most 4096 bytes"));
}
END_TEST

START_TEST(a_file_that_cannot_serve_is_refused)
{
        struct mvs_profile profile;
        write_beside("big", 4097);
        ck_assert_int_eq(load(&profile, "cloud: {config: {account: {a: {file: big}}}}\n"), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "p.yaml:1:38: cloud.config.account.a: the file "));
        ck_assert_ptr_nonnull(strstr(error, "/big has 4097 bytes, expected at most 4096"));
        ck_assert_int_eq(load(&profile, "cloud: {config: {account: {a: {file: none}}}}\n"), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "/none cannot be read: No such file or directory"));
        ck_assert_int_eq(load(&profile, "cloud: {config: {account: {a: {file: /dev}}}}\n"), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "/dev is no regular file"));
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("profile_maps");
        TCase *t = tcase_create("maps");
        tcase_add_checked_fixture(t, set_up, tear_down);
        tcase_add_test(t, items_are_read_in_their_order_with_whatever_keys);
        tcase_add_loop_test(t, what_is_wrong_is_named_with_its_place, 0, (int)(sizeof wrongs / sizeof wrongs[0]));
        tcase_add_test(t, endpoints_are_names_and_where_they_are);
        tcase_add_test(t, a_long_value_is_refused);
        tcase_add_test(t, a_file_that_cannot_serve_is_refused);
        suite_add_tcase(s, t);
        return s;
}
