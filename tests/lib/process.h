/* What the tests' servers have in common: a loopback port, and a process that does not outlive the test. */
#ifndef MVT_PROCESS_H
#define MVT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

#include "tempdir.h"

/*
 * A listening socket on 127.0.0.1, close-on-exec. `*port` 0: any free port, told in *port.
 * Fails the test when there is none.
 */
int mvt_listen(uint16_t *port);

/*
 * In a child, right after the fork: a group of its own, killed when its parent is. Signals as at the start.
 * A child makes no assertions: each moves the offset of the file that Check keeps its books in, which is the parent's.
 */
void mvt_child_setup(pid_t parent);

/*
 * Kills the process and collects it; pid 0 is fine. Not more gently, because nginx misses a SIGTERM that comes between
 * its start and its first wait.
 */
void mvt_kill(pid_t pid);

/* The server did not start: fails the test with what stands in its log. */
void mvt_abort_start(const char *server, const struct mvt_tempdir *dir, const char *log);

#endif
