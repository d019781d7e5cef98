/*
 * The application starts again from the top, in the same process: by execve of the same program with the command line
 * and the environment that it was started with; what the device keeps meanwhile travels in an environment variable. Or,
 * for a test that has caught the end of the application's life, as the next device of the process.
 */
#ifndef MVS_RESTART_H
#define MVS_RESTART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mv_syscalls.h"
#include "sim/kept.h"

struct mvs_machine;

#define MVS_RESTART_VARIABLE "MVSIM_RESTARTED"

/* What the device keeps when the application starts again, as it travels. */
struct mvs_restart_state {
        unsigned count;   /* how often the application was started again, in all */
        unsigned crashes; /* of which after a crash */
        unsigned reason;
        int on_valgrind; /* the life before was run by valgrind */
        uint64_t now_us;
        uint64_t world_us; /* what is to be added to the device's clock for the time since the first boot */
        int is_connected;  /* Microvisor was, and stays so */
        int outage;        /* what is broken in the world */
        int logging;       /* whether the cloud takes log entries */
        int wall_is_set;
        uint64_t wall_offset_us;
        uint64_t random;
        uint64_t silenced; /* signals that are ignored only because nobody was there to take them; bit 0: 1 */
        struct mvs_kept files;
};

struct mvs_restart {
        struct mvs_restart_state state; /* from the life before; count 0: there was none */

        /* What execve is given: in pages of their own that nobody can write, since who calls it may have gone wild. */
        void *pages;
        size_t len;
        const char *path;
        char **arguments;
        char **environment; /* its last entry is `variable` */
        char *variable;     /* in a page that can be written */
};

/* What an earlier life of the application has left is `*from`, or is taken from the environment (NULL), and what the
 * next would need is noted. Allocates. 0 or a negative errno, with a message; `from`'s files are taken in any case. */
int mvs_restart_init(struct mvs_restart *restart, const struct mvs_restart_state *from)
        __attribute__((warn_unused_result));
void mvs_restart_finish(struct mvs_restart *restart);

/* The rest of the machine stands: wall clock, connection and random numbers go on where they were. */
void mvs_restart_apply(struct mvs_machine *machine);

/* What the next life is given, which is told why. The files are the next one's now. */
struct mvs_restart_state mvs_restart_hand_on(struct mvs_machine *machine, enum MvWakeReason reason);

/* Starts the application again, which is told why. Returns where that fails. May be called from a signal's handler, by
 * any thread, with any lock held. */
void mvs_restart_now(struct mvs_machine *machine, enum MvWakeReason reason);

/* The application has crashed, and what it did was reported: starts it again where the profile asks for that. */
void mvs_restart_crashed(struct mvs_machine *machine);

#endif
