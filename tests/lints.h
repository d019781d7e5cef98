/*
 * What the tests of the usage checker share: a centre, handlers with and without faults, and what was found. Each part
 * of the suite is a file, lints_PART.c.
 */
#ifndef MVT_LINTS_H
#define MVT_LINTS_H

#include <check.h>

#include "online.h"
#include "stm32u5xx.h"

#define MVT_LINTS_IRQ   TIM2_IRQn
#define MVT_LINTS_SLOTS 4
#define MS              1000U

struct mvt_lints {
        struct MvNotification ring[MVT_LINTS_SLOTS] __attribute__((aligned(8)));
        volatile unsigned place, entries; /* where the handler reads next, and how often it was entered */
        MvNotificationHandle centre;
};
extern struct mvt_lints mvt_lints;

/* Opens the centre with that handler. */
void mvt_lints_open(void (*handler)(void));

/* So many records come. */
void mvt_lints_post(unsigned count);

/* Handlers. */
void mvt_lints_reads_one(void); /* and clears it, as it should */
void mvt_lints_reads_all(void); /* and clears them */
void mvt_lints_clears_a_copy(void);
void mvt_lints_calls(void); /* a system call */

/* Nothing was found that is more than a note. */
void mvt_lints_expect_none(void);

/* It was found that often, nothing else was, and the message has these words; NULL ends them. */
void mvt_lints_expect_found(const char *id, unsigned count, const char *const words[]);
#define EXPECT_FOUND(id, count, ...) mvt_lints_expect_found(id, count, (const char *const[]){__VA_ARGS__, NULL})

/* A server, and a profile whose cloud finds it; and a device that is online with it. */
extern char mvt_lints_profile[512];
void mvt_lints_start_server(void);
void mvt_lints_stop_server(void);
void mvt_lints_boot_online(void);
void mvt_lints_end_online(void);

TCase *mvt_lints_case(Suite *suite, const char *name, void (*boot)(void), void (*end)(void));

/* The parts. */
void mvt_lints_add_rings(Suite *suite);
void mvt_lints_add_calls(Suite *suite);
void mvt_lints_add_resources(Suite *suite);
void mvt_lints_add_patience(Suite *suite);
void mvt_lints_add_written(Suite *suite);
void mvt_lints_add_opaque(Suite *suite);

#endif
