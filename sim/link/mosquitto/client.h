/*
 * One connection of the module: a client of libmosquitto's, driven by the loop. Private to sim/link/mosquitto. Link
 * thread only.
 *
 *   CONNECTING ──CONNACK──▶ UP ──disconnect, by whomever──▶ OVER
 *       └──────── no address left, or refused ───────────────▲
 */
#ifndef MVS_LINK_MOSQUITTO_CLIENT_H
#define MVS_LINK_MOSQUITTO_CLIENT_H

#include <mosquitto.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "sim/link/mqtt_module.h"

enum mvs_mqtt_phase {
        MVS_MQTT_CONNECTING,
        MVS_MQTT_UP,
        MVS_MQTT_OVER,
};

/* A request that the broker has not answered. A subscription takes a packet for each run of equal options. */
struct mvs_mqtt_pending {
        struct mvs_mqtt_pending *next;
        struct mvs_mqtt_item *answer;
        unsigned packets;
        unsigned answered;
        bool looked_for; /* peek.c looks for its codes */
        struct {
                int mid;        /* libmosquitto's number of the packet; 0: answered */
                unsigned first; /* of its topics */
        } packet[MVS_MQTT_TOPICS_MAX];
};

struct mvs_mqtt_watch; /* of the socket */

struct mvs_mqtt_client {
        struct mvs_mqtt_client *next; /* while it is set aside */
        struct mvs_mqtt_session *session;
        enum mvs_mqtt_phase phase;
        struct mvs_mqtt_request *login; /* the CONNECT */
        struct mvs_mqtt_item *answer;   /* to it; NULL: given */
        unsigned address;               /* of the session's, which is being tried */
        struct mosquitto *mosq;         /* NULL: before and after */
        SSL_CTX *tls;                   /* NULL: none is wanted */
        int verify_error;               /* what X509 has against the broker's certificate; 0: nothing */
        struct mvs_mqtt_watch *watch;
        uv_timer_t timer; /* keep-alive; and what connect() found, told from the loop */
        struct mvs_mqtt_pending *pending;
        struct mvs_mqtt_pending **last;
        unsigned looked_for; /* requests for whose answers peek.c looks */
        unsigned requests;   /* since the last settling */
        bool keeps;          /* the broker keeps the session, and libmosquitto is to know what it knows of it */
        bool resumes;        /* libmosquitto knows of an earlier connection */
        bool stale;          /* but the broker does not */
        bool ended;          /* libmosquitto says that the connection is no more */
        int end_code;        /* what it says */
        int end_errno;       /* what the host said */
};

/* ---- client.c ---- */

/* The connection stands / is refused by the broker, or has ended: to be looked at when libmosquitto has returned. */
void mvs_mqtt_client_settle(struct mvs_mqtt_client *client);

/* A request is about to be written. What follows a first one goes to the broker together with it. */
void mvs_mqtt_client_gather(struct mvs_mqtt_client *client);

/* libmosquitto calls the connection ended, for the first time or again. */
void mvs_mqtt_client_note_end(struct mvs_mqtt_client *client, int result);

/* ---- watch.c: its socket in the loop ---- */

/* libmosquitto has a socket. False when memory is short, or descriptors are. */
bool mvs_mqtt_watch_begin(struct mvs_mqtt_client *client) __attribute__((warn_unused_result));
void mvs_mqtt_watch_end(struct mvs_mqtt_client *client);

/* What libmosquitto wants to do with it may have changed. */
void mvs_mqtt_watch_update(struct mvs_mqtt_client *client);

/* Whether somebody is there: TCP's part is done. */
bool mvs_mqtt_watch_is_established(const struct mvs_mqtt_client *client);

/* On: what is written is held back until off. */
void mvs_mqtt_watch_cork(const struct mvs_mqtt_client *client, int on);

/* ---- answers.c: what libmosquitto tells ---- */

void mvs_mqtt_answers_install(struct mosquitto *mosq);

/* A request begins to be under way. NULL when memory is short. */
struct mvs_mqtt_pending *mvs_mqtt_pending_add(struct mvs_mqtt_client *client, const struct mvs_mqtt_request *request)
        __attribute__((warn_unused_result));

/* Answers it, and forgets it. */
void mvs_mqtt_pending_finish(struct mvs_mqtt_client *client, struct mvs_mqtt_pending *pending,
                             enum mvs_mqtt_state state, uint32_t code, const char *detail);

/* The connection is over: everything under way is answered, and its end told. */
void mvs_mqtt_pending_end(struct mvs_mqtt_client *client, uint32_t code, const char *detail);

/* Whether a publication is among them. */
bool mvs_mqtt_pending_publishes(const struct mvs_mqtt_client *client);

void mvs_mqtt_pending_forget(struct mvs_mqtt_client *client);

/* ---- requests.c ---- */

void mvs_mqtt_client_request(struct mvs_mqtt_client *client, struct mvs_mqtt_request *request);

/* ---- aside.c: clients whose session goes on ---- */

/* Sets it aside; the one that has to make room for it, or NULL. */
struct mvs_mqtt_client *mvs_mqtt_aside_add(struct mvs_mqtt_client **aside, struct mvs_mqtt_client *client)
        __attribute__((warn_unused_result));

/* The one whose CONNECT said the same, which is aside no more; NULL: there is none. */
struct mvs_mqtt_client *mvs_mqtt_aside_take(struct mvs_mqtt_client **aside, const struct mvs_mqtt_connect *connect)
        __attribute__((warn_unused_result));

/* ---- peek.c ---- */

/* Looks for reason codes that libmosquitto does not tell in what is about to be read. */
void mvs_mqtt_peek(struct mvs_mqtt_client *client);

/* ---- rules.c: what MQTT itself forbids (decision 29) ---- */

/* True: nothing is wrong with it. Else *ret_why says what. */
bool mvs_mqtt_rules_connect(const struct mvs_mqtt_connect *connect, char ret_why[MVS_MQTT_DETAIL_SIZE]);
bool mvs_mqtt_rules_request(const struct mvs_mqtt_request *request, bool version_5, char ret_why[MVS_MQTT_DETAIL_SIZE]);

/* ---- tls.c ---- */

/* The context that the request asks for, in client->tls. On failure: the state to answer, and why. */
enum mvs_mqtt_state mvs_mqtt_tls_make(struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE]);

/* What a certificate that was not accepted is called. */
enum mvs_mqtt_state mvs_mqtt_tls_state(int verify_error);

/* client->verify_error in words, with the way out. */
void mvs_mqtt_tls_explain(const struct mvs_mqtt_client *client, char ret_why[MVS_MQTT_DETAIL_SIZE]);

#endif
