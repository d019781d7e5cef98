/*
 * What never returns, or must not touch the test's own process, is run in a child; and what a device writes on standard
 * error is caught.
 */
#ifndef MVT_CHILD_H
#define MVT_CHILD_H

#include <stddef.h>

#define MVT_OUTPUT_SIZE 8192

struct mvt_child {
        int exit_status;              /* 0 to 255; -1 when a signal ended it */
        int signal;                   /* 0 unless one did */
        char output[MVT_OUTPUT_SIZE]; /* what it wrote on standard error, terminated; what is over is cut */
};

/* Runs `body` in a child, which then calls exit(0), and collects it. The body has no ck_assert: it calls _exit() or
 * exit() with a number of its own to say what went wrong. */
void mvt_child_run(struct mvt_child *ret, void (*body)(void));

/* The test's own standard error goes to a file between the two; the text, terminated, into ret_text. */
void mvt_capture_begin(void);
void mvt_capture_end(char ret_text[MVT_OUTPUT_SIZE]);

/* How often `part` stands in the text. */
unsigned mvt_count(const char *text, const char *part);

#endif
