/* The device profile: defaults, every key, and a message with its place for everything that can be wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/profile/number.h"
#include "sim/profile/profile.h"
#include "sim/profile/schema.h"
#include "sim/profile/seed_id.h"
#include "sim/profile/suggest.h"
#include "suite.h"

#define PORT_RULE "a port from 1 to 65535, an IPv6 address in brackets"

static char path[64];
static char error[1024];

/* A file without a name, so that no test leaves one behind. */
static int load_bytes(struct mvs_profile *ret, const void *data, size_t len)
{
        int fd = memfd_create("profile", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        error[0] = '\0';
        int result = mvs_profile_load(ret, path, error, sizeof error);
        close(fd);
        return result;
}

static void load_good(struct mvs_profile *ret, const char *text)
{
        int result = load_bytes(ret, text, strlen(text));
        ck_assert_msg(result == 0, "%d: %s", result, error);
}

/* The message must be exactly FILE:PLACE: REST. */
static void load_wrong(const char *text, size_t len, const char *expected)
{
        unsigned char before[sizeof(struct mvs_profile)];
        memset(before, 0x5a, sizeof before);
        struct mvs_profile profile;
        memcpy(&profile, before, sizeof profile);
        ck_assert_int_eq(load_bytes(&profile, text, len), -EINVAL);
        char whole[1024];
        snprintf(whole, sizeof whole, "%s:%s", path, expected);
        ck_assert_str_eq(error, whole);
        ck_assert_msg(memcmp((const unsigned char *)&profile, before, sizeof before) == 0, "the profile was touched");
}

static void assert_defaults(const struct mvs_profile *p)
{
        ck_assert_str_eq(p->device.id, "UV910a2dec89025cc1beeb8da1658eec67");
        ck_assert_uint_eq(p->device.sysclk, 160000000);
        ck_assert_uint_eq(p->device.hclk, 160000000);
        ck_assert_uint_eq(p->device.pclk1, 160000000);
        ck_assert_uint_eq(p->device.pclk2, 160000000);
        ck_assert_uint_eq(p->device.wake_reason, 0);
        ck_assert_uint_eq(p->network.connect_ms, 250);
        ck_assert_uint_eq(p->network.retry_ms, 1000);
        ck_assert_uint_eq(p->network.retry_max_ms, 60000);
        ck_assert_uint_eq(p->network.grace_ms, 0);
        ck_assert_ptr_null(p->http.ca_file);
        ck_assert(!p->http.allow_plain);
        ck_assert_uint_eq(p->http.rewrite_count, 0);
        ck_assert_int_eq(p->time.mode, MVS_TIME_REAL);
        ck_assert_uint_eq(p->time.seed, 1);
        ck_assert_uint_eq(p->time.call_us, 2);
        ck_assert_uint_eq(p->time.completion_us, 200);
        ck_assert_uint_eq(p->time.reply_us, 0);
        ck_assert_uint_eq(p->time.spin_ms, 10);
        ck_assert_uint_eq(p->time.stuck_ms, 2000);
        ck_assert_ptr_null(p->log.file);
        ck_assert_ptr_null(p->trace.file);
        ck_assert_int_eq(p->log.level, MVS_LOG_WARNING);
        ck_assert(p->cloud.logging);
        ck_assert_uint_eq(p->limits.notification_centers, 32);
        ck_assert_uint_eq(p->limits.network_handles, 32);
        ck_assert_uint_eq(p->limits.channels, 4);
        ck_assert_uint_eq(p->limits.channel_opens_per_s, 8);
        ck_assert_uint_eq(p->limits.http_headers, 32);
        ck_assert_ptr_null(p->mqtt.ca_file);
        ck_assert_uint_eq(p->mqtt.connect_ms, 30000);
        ck_assert_uint_eq(p->mqtt.rewrite_count, 0);
        ck_assert_uint_eq(p->limits.mqtt_subscribes, 1);
        ck_assert_uint_eq(p->limits.mqtt_unsubscribes, 1);
        ck_assert_uint_eq(p->limits.mqtt_publishes, 8);
        ck_assert_uint_eq(p->limits.mqtt_acknowledges, 16);
        ck_assert_uint_eq(p->limits.mqtt_disconnects, 1);
        ck_assert_uint_eq(p->limits.mqtt_backlog, 256);
        ck_assert_uint_eq(p->limits.log_message, 1024);
        ck_assert_uint_eq(p->limits.notification_hold_ms, 10);
}

START_TEST(init_gives_the_defaults_and_finish_may_be_repeated)
{
        struct mvs_profile profile;
        ck_assert_int_eq(mvs_profile_init(&profile), 0);
        assert_defaults(&profile);
        mvs_profile_finish(&profile);
        mvs_profile_finish(&profile);
}
END_TEST

static const char *const empties[] = {
        "",
        "\n\n",
        "# nothing but a remark\n",
        "---\n",
        "--- ~\n",
        "{}\n",
        "device: {}\ntime: {}\nhttp: {rewrite: []}\n",
};

START_TEST(a_file_without_settings_gives_the_defaults)
{
        struct mvs_profile profile;
        load_good(&profile, empties[_i]);
        assert_defaults(&profile);
        mvs_profile_finish(&profile);
}
END_TEST

static const char everything[] = "device:\n"
                                 "  id: UV00112233445566778899aabbCCDDEEFF\n"
                                 "  sysclk: 1\n"
                                 "  hclk: 0x2\n"
                                 "  pclk1: 3\n"
                                 "  pclk2: \"4\"\n"
                                 "  wake_reason: deepsleepother\n"
                                 "  test_mode: true\n"
                                 "network: {connect_ms: 0, retry_ms: 6, retry_max_ms: 7, grace_ms: 8}\n"
                                 "http:\n"
                                 "  ca_file: /ca.pem\n"
                                 "  allow_plain: true\n"
                                 "  rewrite:\n"
                                 "    - from: https://api.example.com\n"
                                 "      to: http://127.0.0.1:8080/base\n"
                                 "    - {to: \"http://b\", from: \"https://a\"}\n"
                                 "mqtt:\n"
                                 "  ca_file: /broker.pem\n"
                                 "  connect_ms: 23\n"
                                 "  rewrite:\n"
                                 "    - {from: broker.example.com:8883, to: \"mqtt://127.0.0.1:1883\"}\n"
                                 "    - {from: \"a:1\", to: \"mqtts://[::1]:65535\"}\n"
                                 "time:\n"
                                 "  mode: virtual\n"
                                 "  seed: 0xffffffffffffffff\n"
                                 "  call_us: 9\n"
                                 "  completion_us: 10\n"
                                 "  reply_us: 20\n"
                                 "  spin_ms: 11\n"
                                 "  stuck_ms: 12\n"
                                 "log: {file: /log, level: debug}\n"
                                 "trace: {file: /trace}\n"
                                 "cloud: {logging: false, log_rate: 27}\n"
                                 "power: {check_in_ms: 21, lives: 22}\n"
                                 "updates: {download_ms: 23, install_ms: 24, polite: true}\n"
                                 "schedule:\n"
                                 "  events:\n"
                                 "    - {at_ms: 25, do: server-down}\n"
                                 "    - {irq: 26, do: pend-irq, at_ms: 4294967295}\n"
                                 "limits:\n"
                                 "  notification_centers: 12\n"
                                 "  network_handles: 13\n"
                                 "  channels: 3\n"
                                 "  channel_opens_per_s: 1000000\n"
                                 "  http_headers: 14\n"
                                 "  mqtt_subscribes: 24\n"
                                 "  mqtt_unsubscribes: 25\n"
                                 "  mqtt_publishes: 26\n"
                                 "  mqtt_acknowledges: 27\n"
                                 "  mqtt_disconnects: 28\n"
                                 "  mqtt_backlog: 29\n"
                                 "  log_message: 15\n"
                                 "  notification_hold_ms: 0\n"
                                 "wifi: {ssid: \"name of a network\", password: \"\"}\n";

START_TEST(every_key_is_read)
{
        struct mvs_profile p;
        load_good(&p, everything);
        ck_assert_str_eq(p.device.id, "UV00112233445566778899aabbCCDDEEFF");
        ck_assert_uint_eq(p.device.sysclk, 1);
        ck_assert_uint_eq(p.device.hclk, 2);
        ck_assert_uint_eq(p.device.pclk1, 3);
        ck_assert_uint_eq(p.device.pclk2, 4);
        ck_assert_uint_eq(p.device.wake_reason, 16);
        ck_assert(p.device.test_mode);
        ck_assert_uint_eq(p.network.connect_ms, 0);
        ck_assert_uint_eq(p.network.retry_ms, 6);
        ck_assert_uint_eq(p.network.retry_max_ms, 7);
        ck_assert_uint_eq(p.network.grace_ms, 8);
        ck_assert_str_eq(p.http.ca_file, "/ca.pem");
        ck_assert(p.http.allow_plain);
        ck_assert_uint_eq(p.http.rewrite_count, 2);
        ck_assert_str_eq(p.http.rewrite[0].from, "https://api.example.com");
        ck_assert_str_eq(p.http.rewrite[0].to, "http://127.0.0.1:8080/base");
        ck_assert_str_eq(p.http.rewrite[1].from, "https://a");
        ck_assert_str_eq(p.http.rewrite[1].to, "http://b");
        ck_assert_uint_eq(p.cloud.log_rate, 27);
        ck_assert_uint_eq(p.power.check_in_ms, 21);
        ck_assert_uint_eq(p.power.lives, 22);
        ck_assert_uint_eq(p.updates.download_ms, 23);
        ck_assert_uint_eq(p.updates.install_ms, 24);
        ck_assert(p.updates.polite);
        ck_assert_uint_eq(p.schedule.events_count, 2);
        ck_assert_uint_eq(p.schedule.events[0].at_ms, 25);
        ck_assert_int_eq(p.schedule.events[0].what, MVS_HAPPENS_SERVER_DOWN);
        ck_assert_uint_eq(p.schedule.events[1].at_ms, UINT32_MAX);
        ck_assert_int_eq(p.schedule.events[1].what, MVS_HAPPENS_PEND_IRQ);
        ck_assert_uint_eq(p.schedule.events[1].irq, 26);
        ck_assert_int_eq(p.time.mode, MVS_TIME_VIRTUAL);
        ck_assert_uint_eq(p.time.seed, UINT64_MAX);
        ck_assert_uint_eq(p.time.call_us, 9);
        ck_assert_uint_eq(p.time.completion_us, 10);
        ck_assert_uint_eq(p.time.reply_us, 20);
        ck_assert_uint_eq(p.time.spin_ms, 11);
        ck_assert_uint_eq(p.time.stuck_ms, 12);
        ck_assert_str_eq(p.log.file, "/log");
        ck_assert_str_eq(p.trace.file, "/trace");
        ck_assert_int_eq(p.log.level, MVS_LOG_DEBUG);
        ck_assert(!p.cloud.logging);
        ck_assert_uint_eq(p.limits.notification_centers, 12);
        ck_assert_uint_eq(p.limits.network_handles, 13);
        ck_assert_uint_eq(p.limits.channels, 3);
        ck_assert_uint_eq(p.limits.channel_opens_per_s, 1000000);
        ck_assert_uint_eq(p.limits.http_headers, 14);
        ck_assert_str_eq(p.mqtt.ca_file, "/broker.pem");
        ck_assert_uint_eq(p.mqtt.connect_ms, 23);
        ck_assert_uint_eq(p.mqtt.rewrite_count, 2);
        ck_assert_str_eq(p.mqtt.rewrite[0].from, "broker.example.com:8883");
        ck_assert_str_eq(p.mqtt.rewrite[0].to, "mqtt://127.0.0.1:1883");
        ck_assert_str_eq(p.mqtt.rewrite[1].to, "mqtts://[::1]:65535");
        ck_assert_uint_eq(p.limits.mqtt_subscribes, 24);
        ck_assert_uint_eq(p.limits.mqtt_unsubscribes, 25);
        ck_assert_uint_eq(p.limits.mqtt_publishes, 26);
        ck_assert_uint_eq(p.limits.mqtt_acknowledges, 27);
        ck_assert_uint_eq(p.limits.mqtt_disconnects, 28);
        ck_assert_uint_eq(p.limits.mqtt_backlog, 29);
        ck_assert_uint_eq(p.limits.log_message, 15);
        ck_assert_uint_eq(p.limits.notification_hold_ms, 0);
        ck_assert_str_eq(p.wifi.ssid, "name of a network");
        ck_assert_str_eq(p.wifi.password, "");
        mvs_profile_finish(&p);
}
END_TEST

START_TEST(one_key_leaves_the_others_at_their_defaults)
{
        struct mvs_profile profile;
        load_good(&profile, "limits:\n  channels: 4\ntime: {seed: 1}\n");
        assert_defaults(&profile);
        mvs_profile_finish(&profile);
}
END_TEST

START_TEST(the_device_id_follows_the_seed)
{
        struct mvs_profile one, two;
        load_good(&one, "time: {seed: 7}\n");
        load_good(&two, "time: {seed: 8}\n");
        char id[MVS_DEVICE_ID_LEN + 1];
        mvs_profile_seed_id(7, id);
        ck_assert_str_eq(one.device.id, id);
        ck_assert_str_ne(one.device.id, two.device.id);
        ck_assert_uint_eq(strlen(two.device.id), MVS_DEVICE_ID_LEN);
        mvs_profile_finish(&one);
        mvs_profile_finish(&two);
}
END_TEST

#define WAKE_REASONS                                                                                        \
        "coldboot, remotemicrovisorrestart, remoteapplicationrestart, debuggerrestart, microvisorcrash, "   \
        "microvisorwatchdog, microvisoroutofmemory, microvisorerror, applicationcrash, applicationupdate, " \
        "microvisorupdate, optionbytes, deepsleepcheckin, deepsleepapplication, deepsleepmodem, "           \
        "deepsleepapplicationrtc, deepsleepother"
#define SECTIONS                                                                                              \
        "device, network, http, mqtt, opaque, endpoints, time, log, trace, coverage, cloud, power, updates, " \
        "schedule, limits, flash, "                                                                           \
        "wifi, "                                                                                              \
        "memory, lint"
#define DEVICE "id, sysclk, hclk, pclk1, pclk2, wake_reason, test_mode"
#define URL    "expected a URL prefix that starts with http:// or https:// and a host"

static const struct {
        const char *text;
        const char *expected;
} wrongs[] = {
        /* Keys */
        {"devise: {}\n", "1:1: devise: unknown key (did you mean `device`?); allowed here: " SECTIONS},
        {"device:\n  sysclock: 5\n",
         "2:3: device.sysclock: unknown key (did you mean `sysclk`?); allowed here: " DEVICE},
        {"device:\n  colour: red\n", "2:3: device.colour: unknown key; allowed here: " DEVICE},
        {"seed: 4\n", "1:1: seed: unknown key (`seed` belongs under `time:`); allowed here: " SECTIONS},
        {"time:\n  seed: 1\n\n  seed: 2\n", "4:3: time.seed: this key was already given in line 2; keep one of them"},
        {"log: {}\nlog: {}\n", "2:1: log: this key was already given in line 1; keep one of them"},
        {"? [a]\n: 3\n", "1:3: found a list, expected a key, which is a plain word"},
        {"mqtt: {rewrite: [{from: \"a\", to: \"mqtt://a:1\"}]}\n",
         "1:25: mqtt.rewrite[0].from: found \"a\", expected HOST:PORT (" PORT_RULE ")"},
        {"mqtt: {rewrite: [{from: \"a:0\", to: \"mqtt://a:1\"}]}\n",
         "1:25: mqtt.rewrite[0].from: found \"a:0\", expected HOST:PORT (" PORT_RULE ")"},
        {"mqtt: {rewrite: [{from: \"::1:8883\", to: \"mqtt://a:1\"}]}\n",
         "1:25: mqtt.rewrite[0].from: found \"::1:8883\", expected HOST:PORT (" PORT_RULE ")"},
        {"mqtt: {rewrite: [{from: \"a:65536\", to: \"mqtt://a:1\"}]}\n",
         "1:25: mqtt.rewrite[0].from: found \"a:65536\", expected HOST:PORT (" PORT_RULE ")"},
        {"mqtt: {rewrite: [{from: \"a:1\", to: \"https://a:1\"}]}\n",
         "1:36: mqtt.rewrite[0].to: found \"https://a:1\", expected mqtts://HOST:PORT, or mqtt://HOST:PORT for one "
         "without TLS (" PORT_RULE ")"},
        {"mqtt: {rewrite: [{from: \"a:1\", to: \"mqtts://a\"}]}\n",
         "1:36: mqtt.rewrite[0].to: found \"mqtts://a\", expected mqtts://HOST:PORT, or mqtt://HOST:PORT for one "
         "without TLS (" PORT_RULE ")"},
        {"http: {rewrite: [{from: \"http://a\"}]}\n", "1:18: http.rewrite[0]: the key `to` is missing"},
        /* Shapes */
        {"[1, 2]\n", "1:1: found a list, expected `key: value` pairs, indented, with the keys " SECTIONS},
        {"true\n", "1:1: found \"true\", expected `key: value` pairs, indented, with the keys " SECTIONS},
        {"cloud:\n", "1:7: cloud: found nothing, expected `key: value` pairs, indented, with the keys config, secrets, "
                     "logging, log_rate"},
        {"device: {sysclk: [1]}\n", "1:18: device.sysclk: found a list, expected a single value"},
        {"log: {file: {a: b}}\n", "1:13: log.file: found `key: value` pairs, expected a single value"},
        {"http: {rewrite: 3}\n", "1:17: http.rewrite: found \"3\", expected a list (each entry starts with `- `)"},
        {"http:\n  rewrite:\n    - https://a\n",
         "3:7: http.rewrite[0]: found \"https://a\", expected `key: value` pairs, indented, with the keys from, to"},
        {"time: &t {}\nlog: *t\n", "2:6: found the alias `*t`, expected the value itself"},
        {"[[[[[[[[[[[[[[[[[[[[", "1:17: nested deeper than any key of a profile"},
        {"time: {}\n---\nlog: {}\n", "2:1: a second document starts here; a profile is one document (remove `---`)"},
        /* Texts with a length */
        {"wifi: {ssid: \"\"}\n", "1:14: wifi.ssid: found \"\", expected a text of 1 to 32 bytes, not 0"},
        {"wifi: {ssid: 012345678901234567890123456789012}\n",
         "1:14: wifi.ssid: found \"012345678901234567890123456789012\", expected a text of 1 to 32 bytes, not 33"},
        {"wifi:\n  password: secret\n", "2:13: wifi: found a password without a network, expected `ssid` too"},
        /* What goes together */
        {"schedule: {events: [{at_ms: 1, do: restart}, {at_ms: 5, do: pend-irq}]}\n",
         "1:46: schedule.events[1]: found `pend-irq` without a line, expected `irq` too"},
        {"schedule:\n  events:\n    - {at_ms: 5, do: restart, irq: 3}\n",
         "3:36: schedule.events[0]: found `irq`, which only `pend-irq` has (leave it out)"},
        {"flash:\n  size: 5000\n", "2:9: flash.size: found 5000, expected a multiple of a sector's 4096 bytes"},
        /* Numbers */
        {"device:\n  sysclk: fast\n",
         "2:11: device.sysclk: found \"fast\", expected a whole number from 1 to 160000000"},
        {"device: {hclk: 0}\n", "1:16: device.hclk: found \"0\", expected a whole number from 1 to 160000000"},
        {"device: {pclk1: 160000001}\n",
         "1:17: device.pclk1: found \"160000001\", expected a whole number from 1 to 160000000"},
        {"device: {pclk2: 1.5}\n", "1:17: device.pclk2: found \"1.5\", expected a whole number from 1 to 160000000"},
        {"network: {connect_ms: -1}\n",
         "1:23: network.connect_ms: found \"-1\", expected a whole number from 0 to 3600000"},
        {"network: {connect_ms: 010}\n",
         "1:23: network.connect_ms: found \"010\", expected a whole number from 0 to 3600000"},
        {"time: {seed: 18446744073709551616}\n",
         "1:14: time.seed: found \"18446744073709551616\", expected a whole number from 0 to 18446744073709551615"},
        {"time: {seed: }\n", "1:14: time.seed: found nothing, expected a whole number from 0 to 18446744073709551615"},
        {"time: {call_us: 0}\n", "1:17: time.call_us: found \"0\", expected a whole number from 1 to 1000000"},
        {"limits: {channels: 5}\n", "1:20: limits.channels: found \"5\", expected a whole number from 1 to 4"},
        {"limits: {network_handles: 33}\n",
         "1:27: limits.network_handles: found \"33\", expected a whole number from 1 to 32"},
        {"limits: {notification_centers: 0}\n",
         "1:32: limits.notification_centers: found \"0\", expected a whole number from 1 to 32"},
        {"limits: {notification_hold_ms: 60001}\n",
         "1:32: limits.notification_hold_ms: found \"60001\", expected a whole number from 0 to 60000"},
        /* Words */
        {"cloud: {logging: yes}\n", "1:18: cloud.logging: found \"yes\", expected true or false"},
        {"http: {allow_plain: True}\n", "1:21: http.allow_plain: found \"True\", expected true or false"},
        {"time: {mode: virtul}\n",
         "1:14: time.mode: found \"virtul\", expected one of real, virtual (did you mean `virtual`?)"},
        {"time: {mode: 1}\n", "1:14: time.mode: found \"1\", expected one of real, virtual"},
        {"log: {level: loud}\n", "1:14: log.level: found \"loud\", expected one of error, warning, info, debug"},
        {"device: {wake_reason: COLDBOOT}\n",
         "1:23: device.wake_reason: found \"COLDBOOT\", expected one of " WAKE_REASONS},
        {"device: {id: UV12}\n", "1:14: device.id: found \"UV12\", expected \"UV\" and 32 hexadecimal digits"},
        {"device: {id: UVg0112233445566778899aabbccddeeff}\n",
         "1:14: device.id: found \"UVg0112233445566778899aabbccddeeff\", expected \"UV\" and 32 hexadecimal digits"},
        {"device: {id: uv00112233445566778899aabbccddeeff}\n",
         "1:14: device.id: found \"uv00112233445566778899aabbccddeeff\", expected \"UV\" and 32 hexadecimal digits"},
        {"log: {file: ''}\n", "1:13: log.file: found \"\", expected the path of a file"},
        {"http: {ca_file: ~}\n", "1:17: http.ca_file: found nothing, expected a value (or leave the key out)"},
        {"log: {file: \"a\\0b\"}\n", "1:13: log.file: found \"a?b\", expected text without zero bytes"},
        {"http: {rewrite: [{from: \"ftp://a\", to: \"http://b\"}]}\n",
         "1:25: http.rewrite[0].from: found \"ftp://a\", " URL},
        {"http: {rewrite: [{from: \"\", to: \"http://b\"}]}\n", "1:25: http.rewrite[0].from: found \"\", " URL},
        {"http: {rewrite: [{from: \"http://a\", to: \"https://\"}]}\n",
         "1:41: http.rewrite[0].to: found \"https://\", " URL},
        {"http: {rewrite: [{from: \"http://a\", to: \"https://b\"}, {from: \"http://a b\", to: \"http://b\"}]}\n",
         "1:62: http.rewrite[1].from: found \"http://a b\", " URL},
        /* What no single value can break */
        {"network:\n  retry_ms: 100\n  retry_max_ms: 50\n",
         "3:17: network: found retry_ms 100 and retry_max_ms 50, expected the longest wait (retry_max_ms) to be at "
         "least the first (retry_ms)"},
        {"network:\n  retry_ms: 60001\n",
         "2:13: network: found retry_ms 60001 and retry_max_ms 60000, expected the longest wait (retry_max_ms) to be "
         "at least the first (retry_ms)"},
        /* Not YAML */
        {"device: {\n", "2:1: this is not YAML: did not find expected node content while parsing a flow node"},
        {"device: {}\ntime:\n\tmode: virtual\n", "3:1: this is not YAML: found character that cannot start any token "
                                                 "while scanning for the next token (it is a "
                                                 "tab: YAML is indented with blanks)"},
        {"a: b: c\n", "1:5: this is not YAML: mapping values are not allowed in this context"},
        {"time:\n  \x01\n", "2:3: this is not YAML: control characters are not allowed"},
        {"time:\n  \xff\xff\n", "2:3: this is not YAML: invalid leading UTF-8 octet"},
};

START_TEST(what_is_wrong_is_named_with_its_place)
{
        load_wrong(wrongs[_i].text, strlen(wrongs[_i].text), wrongs[_i].expected);
}
END_TEST

START_TEST(a_message_fits_the_buffer_it_is_given)
{
        struct mvs_profile profile;
        int fd = memfd_create("profile", MFD_CLOEXEC);
        ck_assert_int_eq(write(fd, "seed: 4\n", 8), 8);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        char small[12];
        memset(small, 'x', sizeof small);
        ck_assert_int_eq(mvs_profile_load(&profile, path, small, 8), -EINVAL);
        ck_assert_uint_eq(strlen(small), 7);
        ck_assert_int_eq(small[8], 'x');
        close(fd);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
        char dir[] = "/tmp/mvsim-profile-XXXXXX";
        ck_assert_ptr_nonnull(mkdtemp(dir));
        char fifo[64], missing[64];
        snprintf(fifo, sizeof fifo, "%s/fifo", dir);
        snprintf(missing, sizeof missing, "%s/none.yaml", dir);
        ck_assert_int_eq(mkfifo(fifo, 0600), 0);

        struct mvs_profile profile;
        ck_assert_int_eq(mvs_profile_load(&profile, dir, error, sizeof error), -EISDIR);
        ck_assert_ptr_nonnull(strstr(error, "Is a directory"));
        ck_assert_int_eq(mvs_profile_load(&profile, fifo, error, sizeof error), -EINVAL);
        ck_assert_ptr_nonnull(strstr(error, "must be a regular file"));
        ck_assert_int_eq(mvs_profile_load(&profile, missing, error, sizeof error), -ENOENT);
        ck_assert_ptr_nonnull(strstr(error, missing));
        ck_assert_ptr_nonnull(strstr(error, "No such file or directory"));
        unlink(fifo);
        rmdir(dir);
}
END_TEST

START_TEST(a_huge_file_is_refused_unread)
{
        int fd = memfd_create("profile", MFD_CLOEXEC);
        ck_assert_int_eq(ftruncate(fd, 1024 * 1024 + 1), 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        struct mvs_profile profile;
        ck_assert_int_eq(mvs_profile_load(&profile, path, error, sizeof error), -EFBIG);
        ck_assert_ptr_nonnull(strstr(error, "has 1048577 bytes"));
        close(fd);
}
END_TEST

static void write_file(const char *name, const char *text)
{
        FILE *file = fopen(name, "we");
        ck_assert_ptr_nonnull(file);
        fputs(text, file);
        fclose(file);
}

START_TEST(files_are_found_from_the_profiles_directory)
{
        char dir[] = "/tmp/mvsim-profile-XXXXXX";
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(chdir(dir), 0);
        ck_assert_int_eq(mkdir("sub", 0700), 0);
        write_file("sub/p.yaml", "http: {ca_file: ca.pem}\nlog: {file: ../log.txt}\n");

        char absolute[64], ca[64], log[64];
        snprintf(absolute, sizeof absolute, "%s/sub/p.yaml", dir);
        snprintf(ca, sizeof ca, "%s/sub/ca.pem", dir);
        snprintf(log, sizeof log, "%s/sub/../log.txt", dir);
        const char *const names[] = {absolute, "sub/p.yaml"};
        for (size_t i = 0; i < 2; i++) {
                struct mvs_profile profile;
                ck_assert_int_eq(mvs_profile_load(&profile, names[i], error, sizeof error), 0);
                ck_assert_str_eq(profile.http.ca_file, ca);
                ck_assert_str_eq(profile.log.file, log);
                mvs_profile_finish(&profile);
        }

        ck_assert_int_eq(chdir("sub"), 0);
        struct mvs_profile profile;
        ck_assert_int_eq(mvs_profile_load(&profile, "p.yaml", error, sizeof error), 0);
        ck_assert_str_eq(profile.http.ca_file, ca);
        mvs_profile_finish(&profile);
        unlink("p.yaml");
        ck_assert_int_eq(chdir("/"), 0);
        snprintf(absolute, sizeof absolute, "%s/sub", dir);
        rmdir(absolute);
        rmdir(dir);
}
END_TEST

/* Every leaf that needs a rule has one, and every rule is some leaf's. */
static unsigned count_rules(const cyaml_schema_field_t *fields, const char *prefix)
{
        unsigned count = 0;
        for (; fields->key; fields++) {
                char name[96];
                snprintf(name, sizeof name, "%s%s%s", prefix, prefix[0] ? "." : "", fields->key);
                if (fields->value.type == CYAML_MAPPING)
                        count += count_rules(fields->value.mapping.fields, name);
                else if (fields->value.type == CYAML_SEQUENCE)
                        count += count_rules(fields->value.sequence.entry->mapping.fields, name);
                else if (fields->value.type == CYAML_UINT || fields->value.type == CYAML_STRING) {
                        ck_assert_msg(mvs_profile_rule_find(name) != NULL, "%s has no rule", name);
                        count++;
                }
        }
        return count;
}

START_TEST(schema_and_rules_cover_each_other)
{
        unsigned rules = 0;
        while (mvs_profile_rules[rules].path)
                rules++;
        ck_assert_uint_eq(count_rules(mvs_profile_schema.mapping.fields, ""), rules);
        ck_assert_ptr_nonnull(mvs_profile_rule_find("http.rewrite[17].from"));
        ck_assert_ptr_null(mvs_profile_rule_find("http.rewrite"));
}
END_TEST

/* A generator of its own, so that a failure can be repeated. */
static uint32_t next_random(uint32_t *state)
{
        *state = *state * 1664525u + 1013904223u;
        return *state >> 8;
}

static size_t mutate(char *text, size_t len, size_t size, uint32_t *state)
{
        static const char spice[] = "{}[]:,-&*!|>'\"%@`#?~\n\t \\0x9aUV\xc3\xff";
        for (uint32_t times = 1 + next_random(state) % 4; times > 0 && len > 0; times--) {
                size_t at = next_random(state) % len;
                char c = spice[next_random(state) % (sizeof spice - 1)];
                switch (next_random(state) % 4) {
                case 0: text[at] = c; break;
                case 1: /* drop a piece */
                {
                        size_t gone = 1 + next_random(state) % 12;
                        gone = gone < len - at ? gone : len - at;
                        memmove(text + at, text + at + gone, len - at - gone);
                        len -= gone;
                        break;
                }
                case 2: /* insert */
                        if (len < size) {
                                memmove(text + at + 1, text + at, len - at);
                                text[at] = c;
                                len++;
                        }
                        break;
                default: /* copy a piece over another */
                {
                        size_t from = next_random(state) % len;
                        size_t room = len - (at > from ? at : from);
                        memmove(text + at, text + from, room < 20 ? room : 20);
                }
                }
        }
        return len;
}

START_TEST(mutated_profiles_load_or_are_refused_with_a_message)
{
        uint32_t state = (uint32_t)_i + 1;
        for (unsigned round = 0; round < 500; round++) {
                char text[sizeof everything + 8];
                memcpy(text, everything, sizeof everything);
                size_t len = mutate(text, sizeof everything - 1, sizeof text, &state);
                struct mvs_profile profile;
                int result = load_bytes(&profile, text, len);
                if (result == 0) {
                        ck_assert_uint_eq(strlen(profile.device.id), MVS_DEVICE_ID_LEN);
                        mvs_profile_finish(&profile);
                } else {
                        ck_assert_int_eq(result, -EINVAL);
                        ck_assert_ptr_nonnull(strstr(error, path));
                        ck_assert_msg(!strstr(error, "cannot be loaded"), "libcyaml refused what the check let pass");
                }
        }
}
END_TEST

START_TEST(numbers_are_decimal_or_hexadecimal)
{
        static const char *const bad[] = {"",
                                          "-1",
                                          "+1",
                                          " 1",
                                          "1 ",
                                          "01",
                                          "0x",
                                          "0xg",
                                          "1e3",
                                          "x",
                                          "18446744073709551616",
                                          "0x10000000000000000"};
        uint64_t value = 77;
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
                ck_assert_msg(!mvs_parse_u64(bad[i], &value) && value == 77, "\"%s\" was taken", bad[i]);
        ck_assert(mvs_parse_u64("0", &value) && value == 0);
        ck_assert(mvs_parse_u64("18446744073709551615", &value) && value == UINT64_MAX);
        ck_assert(mvs_parse_u64("0XfF", &value) && value == 255);
}
END_TEST

START_TEST(word_distance_counts_slips)
{
        ck_assert_uint_eq(mvs_word_distance("", ""), 0);
        ck_assert_uint_eq(mvs_word_distance("", "abc"), 3);
        ck_assert_uint_eq(mvs_word_distance("abc", "abc"), 0);
        ck_assert_uint_eq(mvs_word_distance("abc", "acb"), 1);
        ck_assert_uint_eq(mvs_word_distance("kitten", "sitting"), 3);
        ck_assert(!mvs_word_is_near("id", "hclk"));
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("profile");
        TCase *reading = tcase_create("reading");
        tcase_add_test(reading, init_gives_the_defaults_and_finish_may_be_repeated);
        tcase_add_loop_test(reading, a_file_without_settings_gives_the_defaults, 0, sizeof empties / sizeof empties[0]);
        tcase_add_test(reading, every_key_is_read);
        tcase_add_test(reading, one_key_leaves_the_others_at_their_defaults);
        tcase_add_test(reading, the_device_id_follows_the_seed);
        tcase_add_test(reading, files_are_found_from_the_profiles_directory);
        suite_add_tcase(suite, reading);

        TCase *refusing = tcase_create("refusing");
        tcase_set_timeout(refusing, 60);
        tcase_add_loop_test(refusing, what_is_wrong_is_named_with_its_place, 0, sizeof wrongs / sizeof wrongs[0]);
        tcase_add_test(refusing, a_message_fits_the_buffer_it_is_given);
        tcase_add_test(refusing, a_file_that_cannot_be_read_is_named);
        tcase_add_test(refusing, a_huge_file_is_refused_unread);
        tcase_add_loop_test(refusing, mutated_profiles_load_or_are_refused_with_a_message, 0, 8);
        suite_add_tcase(suite, refusing);

        TCase *parts = tcase_create("parts");
        tcase_add_test(parts, schema_and_rules_cover_each_other);
        tcase_add_test(parts, numbers_are_decimal_or_hexadecimal);
        tcase_add_test(parts, word_distance_counts_slips);
        suite_add_tcase(suite, parts);
        return suite;
}
