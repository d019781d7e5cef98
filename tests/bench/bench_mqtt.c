/*
 * Publishing through a channel, beside libmosquitto alone in a loop of its own, to the same broker, without TLS: one
 * message after the other at QoS 1, and as many as may be under way at QoS 0 and 1. Each series ends when the broker
 * has acknowledged a last message of QoS 1. The profile lets completions follow their requests at once.
 */
#include <check.h>
#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "broker.h"
#include "device.h"
#include "only_test.h"

#define ROUNDS   9
#define MESSAGES 2000
#define WINDOW   8
#define PAYLOAD  "{\"temperature\":7.5}"

static struct mvt_broker broker;
/* Whole pages: as long as lent memory has neighbours, system calls of this thread, and so libmosquitto's, cost more. */
static uint8_t send_buffer[4096] __attribute__((aligned(4096)));
static uint8_t receive_buffer[4096] __attribute__((aligned(4096)));

/* ---- the device ---- */

static MvChannelHandle channel;

/* Each event is waited for: there is one for every answer. */
static void wait_for_event(void)
{
        static unsigned seen;
        bench_wait_beyond(seen);
        seen++;
}

static void boot(enum mvsim_time_mode time)
{
        char profile[128];
        snprintf(profile, sizeof profile,
                 "mqtt: {rewrite: [{from: 'broker.example.com:8883', to: 'mqtt://127.0.0.1:%u'}]}\n", broker.port);
        bench_device_boot(profile, time);
}

static void connect_channel(void)
{
        const struct bench_buffers buffers = {receive_buffer, sizeof receive_buffer, send_buffer, sizeof send_buffer};
        const struct MvMqttConnectRequest request = {.host = bench_sized("broker.example.com"),
                                                     .port = 8883,
                                                     .clientid = bench_sized("device"),
                                                     .clean_start = 1};
        struct MvMqttConnectResponse response;
        channel = bench_channel_open(MV_CHANNELTYPE_MQTT, "", &buffers);
        bench_need(mvMqttRequestConnect(channel, &request) == MV_STATUS_OKAY);
        wait_for_event();
        bench_need(mvMqttReadConnectResponse(channel, &response) == MV_STATUS_OKAY && response.request_state == 0);
}

static void publish_on_channel(uint32_t qos)
{
        const struct MvMqttPublishRequest request = {
                .topic = bench_sized("bench"), .payload = bench_sized(PAYLOAD), .desired_qos = qos};
        bench_need(mvMqttRequestPublish(channel, &request) == MV_STATUS_OKAY);
}

static void read_answer(void)
{
        struct MvMqttPublishResponse response;
        wait_for_event();
        bench_need(mvMqttReadPublishResponse(channel, &response) == MV_STATUS_OKAY && response.request_state == 0);
}

static void through_channel(unsigned window, uint32_t qos)
{
        unsigned sent = 0, answered = 0;
        while (answered < MESSAGES) {
                while (sent < MESSAGES && sent - answered < window)
                        publish_on_channel(sent++ == MESSAGES - 1 ? 1 : qos);
                read_answer();
                answered++;
        }
}

/* ---- libmosquitto ---- */

static struct mosquitto *mosq;
static unsigned raw_answered;
static bool raw_connected;

static void on_connect(struct mosquitto *client, void *context, int code)
{
        (void)client;
        (void)context;
        raw_connected = code == 0;
}

static void on_publish(struct mosquitto *client, void *context, int mid)
{
        (void)client;
        (void)context;
        (void)mid;
        raw_answered++;
}

static void open_mosquitto(void)
{
        raw_connected = false;
        mosq = mosquitto_new("raw", true, NULL);
        bench_need(mosq != NULL);
        mosquitto_int_option(mosq, MOSQ_OPT_TCP_NODELAY, 1);
        mosquitto_connect_callback_set(mosq, on_connect);
        mosquitto_publish_callback_set(mosq, on_publish);
        bench_need(mosquitto_connect(mosq, "127.0.0.1", broker.port, 60) == MOSQ_ERR_SUCCESS);
        while (!raw_connected)
                bench_need(mosquitto_loop(mosq, -1, 1) == MOSQ_ERR_SUCCESS);
}

static void with_mosquitto(unsigned window, uint32_t qos)
{
        unsigned sent = 0;
        raw_answered = 0;
        while (raw_answered < MESSAGES) {
                while (sent < MESSAGES && sent - raw_answered < window) {
                        int this_qos = sent++ == MESSAGES - 1 ? 1 : (int)qos;
                        bench_need(mosquitto_publish(mosq, NULL, "bench", sizeof PAYLOAD - 1, PAYLOAD, this_qos,
                                                     false) == MOSQ_ERR_SUCCESS);
                }
                if (raw_answered < sent)
                        bench_need(mosquitto_loop(mosq, -1, 1) == MOSQ_ERR_SUCCESS);
        }
}

/* ---- measuring ---- */

static double ns_per_message(void (*series)(unsigned window, uint32_t qos), unsigned window, uint32_t qos)
{
        uint64_t start = bench_now_ns();
        series(window, qos);
        return (double)(bench_now_ns() - start) / MESSAGES;
}

static void measure(unsigned window, uint32_t qos, const char *title, const char *aim)
{
        double raw[ROUNDS], device[ROUNDS];
        for (unsigned round = 0; round < ROUNDS; round++) {
                raw[round] = ns_per_message(with_mosquitto, window, qos);
                device[round] = ns_per_message(through_channel, window, qos);
        }
        double floor = bench_median(raw, ROUNDS);
        bench_table(title);
        bench_row("libmosquitto", floor, floor, NULL);
        bench_row("channel: publish, wait, read", bench_median(device, ROUNDS), floor, aim);
}

static void measure_in(enum mvsim_time_mode time, const char *name)
{
        char title[3][80];
        snprintf(title[0], sizeof title[0], "MQTT publish, QoS 1, one at a time; %s", name);
        snprintf(title[1], sizeof title[1], "MQTT publish, QoS 1, %d under way; %s", WINDOW, name);
        snprintf(title[2], sizeof title[2], "MQTT publish, QoS 0, %d under way; %s", WINDOW, name);
        boot(time);
        connect_channel();
        measure(1, 1, title[0], "<= 2");
        measure(WINDOW, 1, title[1], "<= 1.25");
        measure(WINDOW, 0, title[2], "<= 1.25");
        bench_need(mvCloseChannel(&channel) == MV_STATUS_OKAY);
        mvsim_shutdown();
}

static void measure_all(void)
{
        open_mosquitto();
        measure_in(MVSIM_TIME_REAL, "real time");
        measure_in(MVSIM_TIME_VIRTUAL, "virtual time");
        mosquitto_destroy(mosq);
}

/* What runs already stays where it is when others are moved, hence the restart. */
START_TEST(mqtt)
{
        bench_pin();
        mvt_broker_start(&broker, NULL);
        mosquitto_lib_init();
        measure_all();
        bench_unpin();
        mvt_broker_stop(&broker);
        mvt_broker_restart(&broker);
        measure_all();
        mosquitto_lib_cleanup();
        mvt_broker_finish(&broker);
}
END_TEST

int main(void)
{
        return bench_run_only_test(mqtt);
}
