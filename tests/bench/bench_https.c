/*
 * A GET over HTTPS through a channel, beside the same request made with libcurl alone, to the same nginx: with a new
 * connection for each (the server closes it; a full TLS handshake every time) and kept alive. The profile lifts the
 * limit of channels a second and lets completions follow their requests at once.
 */
#include <check.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "device.h"
#include "nginx.h"
#include "only_test.h"
#include "pki.h"

#define ROUNDS     9
#define REQUESTS   60
#define NAME       "https://api.example.com"
#define BODY       "{\"temperature\":7.5}"
#define PATH_CLOSE "/closed"
#define PATH_KEEP  "/kept"

static struct mvt_pki pki;
static struct mvt_nginx nginx;

/* As applications have them, among other variables, each access to which is let through while the buffers are lent; and
 * on pages of their own. */
static uint8_t send_buffer[512] __attribute__((aligned(512)));
static uint8_t receive_buffer[2048] __attribute__((aligned(512)));
static uint8_t send_page[4096] __attribute__((aligned(4096)));
static uint8_t receive_page[4096] __attribute__((aligned(4096)));
static const struct bench_buffers among = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
static const struct bench_buffers apart = {receive_page, sizeof receive_page, send_page, sizeof send_page};
static const struct bench_buffers *buffers;

/* ---- the device ---- */

static void boot(void)
{
        char profile[MVT_PATH_SIZE + 128];
        snprintf(profile, sizeof profile,
                 "http: {ca_file: '%s', rewrite: [{from: " NAME ", to: 'https://127.0.0.1:%u'}]}\n", pki.ca_file,
                 nginx.port);
        bench_device_boot(profile, MVSIM_TIME_REAL);
}

static void through_channel(const char *path)
{
        char url[128];
        snprintf(url, sizeof url, NAME "%s", path);
        const struct MvHttpRequest request = {
                .method = bench_sized("GET"), .url = bench_sized(url), .body = bench_sized(""), .timeout_ms = 10000};
        struct MvHttpResponseData data;
        uint8_t body[256];
        unsigned before = bench_events;
        MvChannelHandle channel = bench_channel_open(MV_CHANNELTYPE_HTTP, "", buffers);
        bench_need(mvSendHttpRequest(channel, &request) == MV_STATUS_OKAY);
        bench_wait_beyond(before);
        bench_need(mvReadHttpResponseData(channel, &data) == MV_STATUS_OKAY && data.status_code == 200);
        bench_need(mvReadHttpResponseBody(channel, 0, body, sizeof body) == MV_STATUS_OKAY);
        bench_need(mvCloseChannel(&channel) == MV_STATUS_OKAY);
}

/* ---- libcurl ---- */

static CURL *curl;
static struct curl_slist *connect_to;
static size_t body_len;

static size_t on_body(char *data, size_t size, size_t count, void *unused)
{
        (void)data;
        (void)unused;
        body_len += size * count;
        return size * count;
}

static void open_curl(void)
{
        char target[64];
        snprintf(target, sizeof target, "::127.0.0.1:%u", nginx.port);
        connect_to = curl_slist_append(NULL, target);
        curl = curl_easy_init();
        bench_need(curl != NULL);
        curl_easy_setopt(curl, CURLOPT_CONNECT_TO, connect_to);
        curl_easy_setopt(curl, CURLOPT_CAINFO, pki.ca_file);
        curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* as in the cloud that is simulated */
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
}

static void with_curl(const char *path)
{
        char url[128];
        long status = 0;
        snprintf(url, sizeof url, NAME "%s", path);
        body_len = 0;
        curl_easy_setopt(curl, CURLOPT_URL, url);
        bench_need(curl_easy_perform(curl) == CURLE_OK);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        bench_need(status == 200 && body_len == strlen(BODY));
}

/* ---- measuring ---- */

static double ns_per_request(void (*request)(const char *path), const char *path)
{
        request(path); /* opens the connection that is kept */
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < REQUESTS; i++)
                request(path);
        return (double)(bench_now_ns() - start) / REQUESTS;
}

static void measure(const char *path, const char *title, const char *aim)
{
        double raw[ROUNDS], device[ROUNDS];
        for (unsigned round = 0; round < ROUNDS; round++) {
                raw[round] = ns_per_request(with_curl, path);
                device[round] = ns_per_request(through_channel, path);
        }
        double floor = bench_median(raw, ROUNDS);
        bench_table(title);
        bench_row("libcurl, easy interface", floor, floor, NULL);
        bench_row("channel: open, send, wait, read, close", bench_median(device, ROUNDS), floor, aim);
}

static void measure_both(void)
{
        open_curl();
        boot();
        buffers = &among;
        measure(PATH_CLOSE, "HTTPS GET, a new connection each; ratio to libcurl", "<= 1.5");
        measure(PATH_KEEP, "HTTPS GET, kept alive; ratio to libcurl", "<= 2.5");
        buffers = &apart;
        measure(PATH_KEEP, "HTTPS GET, kept alive, buffers on pages of their own; ratio to libcurl", "<= 2.5");
        mvsim_shutdown();
        curl_easy_cleanup(curl);
        curl_slist_free_all(connect_to);
}

/* What runs already stays where it is when others are moved, hence the restart. */
START_TEST(https)
{
        struct mvt_certificate certificate;
        mvt_pki_init(&pki);
        mvt_pki_issue(&pki, "DNS:api.example.com", 1, &certificate);
        bench_pin();
        mvt_nginx_start(&nginx, &certificate,
                        "keepalive_requests 1000000;\n"
                        "location = " PATH_CLOSE " { keepalive_timeout 0; return 200 '" BODY "'; }\n"
                        "location = " PATH_KEEP " { return 200 '" BODY "'; }");
        curl_global_init(CURL_GLOBAL_DEFAULT);
        measure_both();
        bench_unpin();
        mvt_nginx_stop(&nginx);
        mvt_nginx_restart(&nginx);
        measure_both();
        mvt_nginx_finish(&nginx);
        mvt_pki_finish(&pki);
}
END_TEST

int main(void)
{
        return bench_run_only_test(https);
}
