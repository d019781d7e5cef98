/*
 * Small applications with the habits of published ones, good and bad: what worked on the device must work here.
 * Each is a file with its own handler, static buffers and main; a test boots the device, installs the handler and runs
 * main, which returns 0, or the line of what went wrong. None waits for ever: one that is starved says where.
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
        IRQn_Type exception; /* a system exception that it uses too; 0: none */
        void (*exception_handler)(void);
};

/* The address from the configuration, then requests to it, all on one pair of static buffers, and one flag for all,
 * which is cleared after the sending call; the handler knows one event and clears a copy. Wants the item "url". */
extern const struct mvt_app app_http_requests;
/* No interrupt at all: network, wall time and response are waited for by asking. */
extern const struct mvt_app app_polling;
/* Starts with the log, before anything else; then everything that works, or is refused, without a network. */
extern const struct mvt_app app_first_things;
/* Network and channels on one centre, one record an entry, told apart by their tags; its handler asks for a switch of
 * tasks, as an RTOS does; closes what it lost. */
extern const struct mvt_app app_one_centre;
/* A request every five seconds; opens again what it loses. */
extern const struct mvt_app app_recovering;
/* Every way of waiting that was seen: by calls, by the tick, and by doing nothing for a while. */
extern const struct mvt_app app_waiting;
/* Lines over an opaque channel whose receive buffer is 16 bytes, anywhere. Wants the endpoint "echo". */
extern const struct mvt_app app_small_ring;

/* Configuration, then MQTT on the same two buffers; work is filed in a queue by the handler; tears down what there is
 * before it connects again, and at first, when there is nothing. */
extern const struct mvt_app app_mqtt_device;
/* HTTP, configuration and word of updates on one centre; starts again for an update, works once more, and ends. */
extern const struct mvt_app app_shared_centre;

/* ---- what a test may want of them ---- */

/* What app_http_requests does, once a request is sent, before it comes to clear its flag; NULL: nothing. */
extern void (*app_http_requests_busy)(void);

/* How often app_polling was told that the wall time is not set. */
extern unsigned app_polling_unset;

/* How often app_one_centre's handler was entered, what it found in IPSR there, and whether the link was still down when
 * the request for it had returned. */
extern volatile unsigned app_one_centre_entries, app_one_centre_ipsr;
extern bool app_one_centre_waited;

/* How many requests of app_recovering were answered, and how often its channel was lost. */
extern unsigned app_recovering_answers, app_recovering_losses;

/* What app_mqtt_device has seen; a test sets `stop`. */
struct app_mqtt_device {
        unsigned connections; /* with its subscription */
        unsigned published, messages;
        unsigned links_lost, brokers_lost, nothing_to_tear_down;
        unsigned early; /* items that were announced before the last one was read */
        char last_message[65];
        bool stop;
};
extern struct app_mqtt_device app_mqtt_device_seen;

/* What app_shared_centre has seen in this life. */
struct app_shared_centre {
        unsigned exchanges, updates;
        unsigned refusals; /* of the restart */
};
extern struct app_shared_centre app_shared_centre_seen;

/* ---- for the tests (run.c) ---- */

/* Installs the application's handlers and runs it; fails the test when it gives up, or when its life ends. */
void app_run(const struct mvt_app *app);

/* The same until that call ends its life; fails the test when it does not. */
void app_run_until(const struct mvt_app *app, const char *call);

/* What the board gives an application: it delays by so much of the device's time, adds that to app_delayed_ms, and then
 * calls app_world, by which a test changes the world around it; NULL: nothing changes. */
void HAL_Delay(uint32_t ms);
extern uint32_t app_delayed_ms;
extern void (*app_world)(void);

/* ---- what the applications share (common.c) ---- */

#define APP_URL "https://api.example.com"

#define MUST(condition)                  \
        do {                             \
                if (!(condition))        \
                        return __LINE__; \
        } while (0)

/* The board's tick, and the clock that it is made from. */
uint32_t HAL_GetTick(void);
uint64_t app_now_us(void);

/* For how long applications wait for what comes at once. */
#define APP_PATIENCE_MS 20000

/* How often they ask at most where the clock alone decides: far more often than it takes. */
#define APP_TURNS 20000000U

/* Delays until the flag is raised. False: it was not. */
bool app_wait_for(const volatile bool *flag);

/* A centre, in the order that all of them keep: set up, clear, enable. */
bool app_open_centre(IRQn_Type irq, volatile struct MvNotification *ring, uint32_t size, MvNotificationHandle *ret);

struct app_link {
        MvNotificationHandle centre;
        MvNetworkHandle network;
};

/* Requests the network for that centre; returns at once. */
bool app_request_network(struct app_link *link, uint32_t tag);
bool app_is_connected(const struct app_link *link);

/* Gives both back, which leaves 0 in them. */
bool app_release(struct app_link *link);

struct app_buffers {
        uint8_t *receive;
        uint32_t receive_len;
        uint8_t *send;
        uint32_t send_len;
};

enum MvStatus app_open(const struct app_link *link, enum MvChannelType type, const char *endpoint, uint32_t tag,
                       const struct app_buffers *buffers, MvChannelHandle *ret_channel);

/* Applications print handles as numbers, and keep them in 32 bits: neither 0 nor more than that. */
bool app_is_small(const void *handle);

/* An item of the configuration into a place of `size` bytes, with a terminator of the application's own; nothing else
 * is there behind the item. */
int app_read_item(MvChannelHandle channel, uint32_t index, uint8_t *ret_text, uint32_t size, uint32_t *ret_len);

static inline struct MvSizedString app_text(const char *text)
{
        uint32_t length = 0;
        while (text[length])
                length++;
        return (struct MvSizedString){(const uint8_t *)text, length};
}

#endif
