/*
 * A device that is connected, with a centre whose records are kept, and channels on static buffers as applications have
 * them: where the tests of channels and of HTTP begin. Everything here fails the test when it does not work out.
 */
#ifndef MVT_ONLINE_H
#define MVT_ONLINE_H

#include <stdint.h>

#include "device.h"

#define MVT_ONLINE_IRQ   51 /* TIM8_BRK */
#define MVT_NETWORK_TAG  0x4e
#define MVT_CHANNEL_TAG  0x43
#define MVT_SEND_SIZE    1536
#define MVT_RECEIVE_SIZE 4096

struct mvt_online {
        MvNotificationHandle centre;
        MvNetworkHandle network;
};

extern struct mvt_online mvt_online;
extern uint8_t mvt_send_buffer[MVT_SEND_SIZE];
extern uint8_t mvt_receive_buffer[MVT_RECEIVE_SIZE];

/* Makes what a process keeps once it has used the network, so that it is not taken for a leak. mvt_online_boot() does
 * it; suites that boot otherwise do it before. */
void mvt_online_prepare(void);

/* Boots, opens the centre and waits for the network. */
void mvt_online_boot(const struct mvt_device *options);
void mvt_online_boot_virtual(void);

/* The same, where https://api.example.com is a server on that port of 127.0.0.1 and the authorities in `ca_file` are
 * trusted. */
void mvt_online_boot_with_server(uint16_t port, const char *ca_file, bool real_time);

/* The application restarts: its handles are gone, and the next life is online again. */
void mvt_online_restart(void);

/* Releases both and shuts down. Channels are the test's to close. */
void mvt_online_end(void);

/* How many such records the centre's handler has read. It reads one slot at each entry, and nothing else. */
unsigned mvt_records(enum MvEventType type, uint32_t tag);
unsigned mvt_all_records(void);

/* ---- channels ---- */

/* An HTTP channel on the static buffers, with the tag MVT_CHANNEL_TAG. */
struct MvOpenChannelParams mvt_http_params(void);
MvChannelHandle mvt_channel_open(const struct MvOpenChannelParams *params);
MvChannelHandle mvt_http_open(void);

/* Closes it and checks that the handle is 0 then. */
void mvt_channel_close(MvChannelHandle *channel);

enum MvClosureReason mvt_closure_reason(MvChannelHandle channel);

/* ---- HTTP ---- */

struct mvt_request {
        const char *method; /* NULL: GET */
        const char *url;
        const char *const *headers; /* ends with NULL; NULL: none */
        const char *body;           /* NULL: none */
        uint32_t timeout_ms;        /* 0: 10000 */
};

/* The request as the API wants it. The strings stay the caller's; the result is in one static structure. */
const struct MvHttpRequest *mvt_http_request(const struct mvt_request *request);

/* Sends it and waits for READABLE, which does not come before the call returns. */
void mvt_http_exchange(MvChannelHandle channel, const struct mvt_request *request);

/* What can be read on the channel, in static buffers. Header lines end with \n each. */
const struct MvHttpResponseData *mvt_http_data(MvChannelHandle channel);
const char *mvt_http_headers(MvChannelHandle channel);
const char *mvt_http_body(MvChannelHandle channel);

/* ---- memory that a call must refuse ---- */

#define MVT_BAD_POINTERS 5

struct mvt_bad_pointer {
        const char *name; /* NULL: the end of the list */
        void *pointer;
};

/* Pointers at which `size` bytes can be neither read nor written; with `for_writing`, also such that can be read.
 * Ends with a NULL name. mvt_bad_pointers_free() frees what they need. */
struct mvt_bad_pointers {
        struct mvt_bad_pointer list[MVT_BAD_POINTERS + 1];
        uint8_t *read_only, *last_page;
};

void mvt_bad_pointers_make(struct mvt_bad_pointers *ret, size_t size, bool for_writing);
void mvt_bad_pointers_free(struct mvt_bad_pointers *bad);

#endif
