/*
 * A sensor that reports to an MQTT broker: it asks the cloud where the broker is and how to prove who it is, connects
 * over TLS with a certificate of its own, publishes a report every few seconds, and obeys commands. When the connection
 * is lost it connects again, after a longer and longer time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "broker.h"
#include "channel.h"
#include "clock.h"
#include "log.h"
#include "mqtt.h"
#include "network.h"

#define ANSWER_LIMIT_MS 30000

static struct {
        char id[DEVICE_ID_LEN + 1];
        char report_topic[TOPIC_SIZE];
        char command_topic[TOPIC_SIZE];
        struct broker broker;
        bool has_broker;
        uint32_t interval_ms;
        unsigned made;         /* reports that were sent */
        unsigned acknowledged; /* and that the broker has */
        bool stopped;          /* by a command */
} sensor = {.interval_ms = REPORT_MS};

static void learn_who_we_are(void)
{
        uint8_t id[DEVICE_ID_LEN] = "";
        mvGetDeviceId(id, sizeof id);
        memcpy(sensor.id, id, DEVICE_ID_LEN);
        snprintf(sensor.report_topic, sizeof sensor.report_topic, "sensors/%s/temperature", sensor.id);
        snprintf(sensor.command_topic, sizeof sensor.command_topic, "sensors/%s/command", sensor.id);
        log_line("device %s", sensor.id);
        log_line("%s %s", APP_NAME, APP_VERSION);
}

static bool are_all(unsigned reports)
{
        const unsigned wanted = REPORTS;
        return wanted > 0 && reports >= wanted;
}

static bool is_done(void)
{
        return sensor.stopped || are_all(sensor.acknowledged);
}

/* ---- reports and commands ---- */

/* Stands for a converter's reading: a slow swing around 21 degrees, in tenths. */
static int measure_tenths(void)
{
        unsigned phase = sensor.made % 20;
        return 205 + (int)(phase < 10 ? phase : 20 - phase);
}

static bool report(void)
{
        char payload[64];
        int tenths = measure_tenths();
        snprintf(payload, sizeof payload, "{\"temperature\":%d.%d,\"report\":%u}", tenths / 10, tenths % 10,
                 sensor.made + 1);
        if (!mqtt_publish(sensor.made + 1, sensor.report_topic, payload))
                return false;
        sensor.made++;
        return true;
}

static void obey(const char *command)
{
        if (strncmp(command, "interval ", 9) == 0 && atoi(command + 9) > 0)
                sensor.interval_ms = (uint32_t)atoi(command + 9);
        else if (strcmp(command, "stop") == 0)
                sensor.stopped = true;
        else {
                log_line("command \"%s\" is not known", command);
                return;
        }
        log_line("command \"%s\"", command);
}

/* ---- a connection ---- */

static bool connected(const struct mqtt_event *event)
{
        if (event->state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED && event->code == 0)
                return true;
        log_line("no connection: state %u, code %u", (unsigned)event->state, (unsigned)event->code);
        return false;
}

static bool open_session(void)
{
        static struct mqtt_event event;
        if (!mqtt_connect(&sensor.broker, sensor.id))
                return false;
        enum mqtt_item item = mqtt_next(&event, ANSWER_LIMIT_MS);
        if (item == MQTT_CONNECTED && connected(&event) && mqtt_subscribe(sensor.command_topic)) {
                log_line("connected");
                return true;
        }
        if (item != MQTT_CONNECTED)
                log_line("no answer of the broker's");
        mqtt_close();
        return false;
}

/* False: the connection is over. */
static bool handle(enum mqtt_item item, const struct mqtt_event *event)
{
        switch (item) {
        case MQTT_SUBSCRIBED:
                if (event->code >= 0x80)
                        log_line("no commands: the broker answers %u", (unsigned)event->code);
                return true;
        case MQTT_PUBLISHED:
                if (event->state == MV_MQTTREQUESTSTATE_REQUESTCOMPLETED)
                        sensor.acknowledged++;
                log_line("report %u: state %u", (unsigned)event->id, (unsigned)event->state);
                return true;
        case MQTT_MESSAGE:
                obey(event->payload);
                if (event->qos > 0)
                        mqtt_acknowledge(event->id);
                return true;
        case MQTT_LOST:
                log_line("a message of %u bytes on %s was lost", (unsigned)event->code, event->topic);
                return true;
        case MQTT_ENDED: log_line("the connection has ended: code %u", (unsigned)event->code); return false;
        default: return true;
        }
}

static uint32_t left_ms(uint64_t end_us)
{
        uint64_t now = clock_us();
        return now < end_us ? (uint32_t)((end_us - now + 999) / 1000) : 0;
}

/* True when the application is done, and has said farewell. */
static bool run_session(void)
{
        static struct mqtt_event event;
        uint64_t next_us = clock_us();
        bool alive = true;
        while (alive && !is_done()) {
                if (left_ms(next_us) == 0 && !are_all(sensor.made)) {
                        alive = report();
                        next_us += (uint64_t)sensor.interval_ms * 1000;
                }
                uint32_t pause_ms = left_ms(next_us);
                memset(&event, 0, sizeof event);
                alive = alive && handle(mqtt_next(&event, pause_ms ? pause_ms : 1), &event);
        }
        sensor.made = sensor.acknowledged;
        mqtt_close();
        return is_done();
}

/* ---- all of it ---- */

/* How long to wait for the next try after so many failures in a row. */
static uint32_t delay_ms(unsigned failures)
{
        uint32_t delay = RETRY_MS;
        while (--failures > 0 && delay < RETRY_MAX_MS)
                delay *= 2;
        return delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
}

static void run(void)
{
        unsigned failures = 0;
        for (;;) {
                network_wait();
                sensor.has_broker = sensor.has_broker || broker_fetch(&sensor.broker);
                if (sensor.has_broker && open_session()) {
                        failures = 0;
                        if (run_session())
                                return;
                }
                failures++;
                log_line("next try in %u ms", (unsigned)delay_ms(failures));
                network_idle(delay_ms(failures));
        }
}

int main(void)
{
        log_start();
        learn_who_we_are();
        if (network_start() && channel_start())
                run();
        log_line("%u reports were acknowledged", sensor.acknowledged);
        channel_stop();
        network_stop();
        return 0;
}
