/*
 * An application that a test runs as the process that it is, in virtual time, with a profile and a place for its event
 * log. Its standard output goes to a file.
 */
#ifndef MVT_PROGRAM_H
#define MVT_PROGRAM_H

#include "child.h"
#include "tempdir.h"

struct mvt_program {
        struct mvt_tempdir dir;
        char profile[MVT_PATH_SIZE], trace[MVT_PATH_SIZE], printed[MVT_PATH_SIZE];
        struct mvt_child child; /* what came of the last run */
};
extern struct mvt_program mvt_program;

/* Fixtures: the environment as such an application wants it; a test may set more. */
void mvt_program_set_up(void);
void mvt_program_tear_down(void);

/* Runs the program that the environment's `variable` names, with these arguments (NULL ends them) and settings. In the
 * child, before it becomes the program, `prepare` is called: NULL for nothing. */
void mvt_program_run(const char *variable, const char *const arguments[], const char *settings, void (*prepare)(void));

void mvt_program_expect_said(const char *text, unsigned times);
void mvt_program_expect_end(int status);

/* The event log, until the next time; it is written where the test sets MVSIM_TRACE to mvt_program.trace. */
const char *mvt_program_events(void);

#endif
