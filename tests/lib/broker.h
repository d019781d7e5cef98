/*
 * A real broker, mosquitto, on a port of 127.0.0.1: with a configuration and a directory of the test's own, so that
 * tests can run side by side. And what other clients of it do: mosquitto_pub and mosquitto_sub. All are processes that
 * die with the test. Everything here fails the test when it does not work out.
 */
#ifndef MVT_BROKER_H
#define MVT_BROKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "pki.h"
#include "tempdir.h"

struct mvt_broker {
        struct mvt_tempdir dir;
        uint16_t port;
        pid_t pid;
        char configuration[2048]; /* without the port */
};

/* How it is configured. Zeroed: no TLS, everybody is welcome, nothing is written down. */
struct mvt_broker_options {
        const struct mvt_certificate *certificate; /* TLS with it; NULL: plain */
        const char *client_ca_file;                /* clients must show a certificate of this authority's */
        const char *user;                          /* the one user there is, and the password */
        const char *password;
        bool persistent;   /* sessions and retained messages live over mvt_broker_stop() */
        const char *lines; /* more lines of mosquitto.conf */
};

/* Starts it, and waits until it accepts connections. `options` may be NULL. */
void mvt_broker_start(struct mvt_broker *ret, const struct mvt_broker_options *options);

/* Ends it in good order, or kills it. A stopped one may be stopped again. */
void mvt_broker_stop(struct mvt_broker *broker);
void mvt_broker_kill(struct mvt_broker *broker);

/* Starts a stopped one again, on the same port. */
void mvt_broker_restart(struct mvt_broker *broker);

/* It answers nothing until it goes on. */
void mvt_broker_pause(struct mvt_broker *broker);
void mvt_broker_continue(struct mvt_broker *broker);

/* Stops it and removes its directory. One that was never started (all zero) is fine. */
void mvt_broker_finish(struct mvt_broker *broker);

/* Waits until it has lost the client, which did not say that it goes. */
void mvt_broker_await_loss(const struct mvt_broker *broker, const char *client_id);

/* ---- other clients ---- */

/* Publishes with mosquitto_pub, which is given more options by `options` ("-q 1 -r"; "": none). Returns when the broker
 * has it. */
void mvt_broker_publish(const struct mvt_broker *broker, const char *topic, const char *payload, const char *options);

struct mvt_subscriber {
        pid_t pid;
        int output;
        char lines[8192]; /* what came and was not asked for yet */
};

/* Subscribes with mosquitto_sub, and returns when the broker has acknowledged it. */
void mvt_subscriber_start(struct mvt_subscriber *ret, const struct mvt_broker *broker, const char *filter,
                          const char *options);

/* Waits for the next message: "TOPIC qQOS rRETAIN PAYLOAD". The text is valid until the next call. */
const char *mvt_subscriber_next(struct mvt_subscriber *subscriber);

void mvt_subscriber_finish(struct mvt_subscriber *subscriber);

#endif
