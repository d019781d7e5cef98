/*
 * Small applications with the habits of published ones, good and bad: what worked on the device must work here.
 * Each is a file with its own handler, static buffers and main; a test boots the device, installs the handler and runs
 * main, which returns 0, or the line of what went wrong.
 */
#ifndef MVT_APP_H
#define MVT_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"
#include "stm32u5xx.h"

struct mvt_app {
        IRQn_Type irq;
        void (*handler)(void);
        int (*main)(void);
};

/* HTTP requests one after the other on one pair of static buffers; the handler knows one event and clears a copy. */
extern const struct mvt_app app_http_requests;
/* No interrupt at all: network, wall time and response are waited for by asking. */
extern const struct mvt_app app_polling;
/* Starts with the log, before anything else; then everything that works, or is refused, without a network. */
extern const struct mvt_app app_first_things;
/* Network and channels on one centre, one record an entry, told apart by their tags; closes what it lost. */
extern const struct mvt_app app_one_centre;
/* A request every five seconds; opens again what it loses. */
extern const struct mvt_app app_recovering;

/* Configuration, then MQTT on the same two buffers; work is filed in a queue by the handler; connects again. */
extern const struct mvt_app app_mqtt_device;
/* HTTP, configuration and word of updates on one centre. */
extern const struct mvt_app app_shared_centre;

/* What app_mqtt_device has seen; a test sets `stop`. */
struct app_mqtt_device {
        unsigned connections, published, messages, losses;
        char last_message[65];
        bool stop;
};
extern struct app_mqtt_device app_mqtt_device_seen;

struct app_shared_centre {
        unsigned exchanges, updates;
};
extern struct app_shared_centre app_shared_centre_seen;

/* How many requests of app_recovering were answered, and how often its channel was lost. */
extern unsigned app_recovering_answers, app_recovering_losses;

/* How often app_one_centre's handler was entered, and what it found in IPSR there. */
extern volatile unsigned app_one_centre_entries, app_one_centre_ipsr;

/* ---- for the tests (run.c) ---- */

/* Installs the application's handler and runs it; fails the test when it gives up. */
void app_run(const struct mvt_app *app);

/* What the board gives an application: it delays by so much of the device's time, adds that to app_delayed_ms, and then
 * calls app_world, by which a test changes the world around it; NULL: nothing changes. */
void HAL_Delay(uint32_t ms);
extern uint32_t app_delayed_ms;
extern void (*app_world)(void);

#define APP_URL "https://api.example.com"

#define MUST(condition)                  \
        do {                             \
                if (!(condition))        \
                        return __LINE__; \
        } while (0)

static inline struct MvSizedString app_text(const char *text)
{
        uint32_t length = 0;
        while (text[length])
                length++;
        return (struct MvSizedString){(const uint8_t *)text, length};
}

#endif
