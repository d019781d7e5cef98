#include "sim/restart.h"

#include <argz.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/inherited.h"
#include "sim/machine.h"

#define VARIABLE_SIZE 320
#define FORMAT        "%u:%u:%u:%d:%" PRIu64 ":%" PRIu64 ":%d:%d:%d:%d:%" PRIu64 ":%" PRIu64 ":%" PRIu64

/* ---- what an earlier life has left ---- */

static bool parse_files(struct mvs_kept *files, const char *text)
{
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++) {
                int len = 0;
                if (sscanf(text, ":%d%n", &files->fds[part], &len) != 1)
                        return false;
                text += len;
        }
        return *text == '\0';
}

static bool parse(struct mvs_restart_state *state, const char *text)
{
        int len = 0;
        int fields =
                sscanf(text, "%u:%u:%u:%d:%" SCNu64 ":%" SCNu64 ":%d:%d:%d:%d:%" SCNu64 ":%" SCNu64 ":%" SCNu64 "%n",
                       &state->count, &state->crashes, &state->reason, &state->on_valgrind, &state->now_us,
                       &state->world_us, &state->is_connected, &state->outage, &state->logging, &state->wall_is_set,
                       &state->wall_offset_us, &state->random, &state->silenced, &len);
        return fields == 13 && state->count > 0 && state->reason <= MV_WAKEREASON_DEEPSLEEPOTHER &&
               parse_files(&state->files, text + len);
}

static bool is_on_valgrind(void)
{
        return mvs_preempt_slowness() > 1;
}

/* An execve takes the program out of valgrind's hands, unless it was told to follow. */
static void look_for_valgrind(const struct mvs_restart_state *state)
{
        if (state->on_valgrind && !is_on_valgrind())
                mvs_diag(MVS_LOG_WARNING,
                         "the application has started again, and no longer in valgrind (give it --trace-children=yes)");
}

/* ---- signals that the application had a handler for ---- */

/*
 * A tick that an RTOS's port makes of the host's timers would come to an application that has no handler for it yet,
 * and end it; or, when it waits and is let through for the execve, find the handler of the life that is over, which
 * switches to another task. So timers that the application has set stop, and what it has handlers for is ignored until
 * the next boot. Not SIGCHLD, which is harmless and would not be when ignored.
 */
#define SIGNALS 64

static bool has_handler(int number)
{
        struct sigaction action;
        return sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

/* Which ones. What waits of them is forgotten. */
static uint64_t silence_signals(void)
{
        sigset_t held;
        uint64_t silenced = 0;
        mvs_preempt_held(&held);
        sigdelset(&held, SIGCHLD);
        for (int number = 1; number <= SIGNALS; number++) {
                if (sigismember(&held, number) != 1 || !has_handler(number))
                        continue;
                signal(number, SIG_IGN);
                silenced |= UINT64_C(1) << (number - 1);
        }
        return silenced;
}

/* Unless the application has thought of it meanwhile. */
static void restore_signals(uint64_t silenced)
{
        for (int number = 1; number <= SIGNALS; number++) {
                struct sigaction action;
                if ((silenced >> (number - 1) & 1) && sigaction(number, NULL, &action) == 0 &&
                    action.sa_handler == SIG_IGN)
                        signal(number, SIG_DFL);
        }
}

/* ---- the life before ---- */

static int take(struct mvs_restart_state *state)
{
        const char *text = getenv(MVS_RESTART_VARIABLE);
        *state = (struct mvs_restart_state){0};
        mvs_kept_init(&state->files);
        if (!text)
                return 0;
        if (!parse(state, text)) {
                mvs_diag(MVS_LOG_ERROR,
                         MVS_RESTART_VARIABLE
                         " is \"%s\": it is libmvsim's own, for an application that starts again; unset it",
                         text);
                mvs_kept_init(&state->files); /* nobody's descriptors are to be closed */
                return -EINVAL;
        }
        mvs_kept_inherit(&state->files, false);
        signal(MVS_SIGNAL_WAKE, SIG_DFL);
        restore_signals(state->silenced);
        look_for_valgrind(state);
        unsetenv(MVS_RESTART_VARIABLE); /* a program that this one starts has a device of its own */
        return 0;
}

/* ---- what the next life needs ---- */

/* Lists of texts, each with its terminator, as the C library's argz functions have them. */
struct command {
        char path[PATH_MAX];
        char *arguments, *variables;
        size_t arguments_len, variables_len;
};

static int read_arguments(struct command *command)
{
        char *argument = NULL;
        size_t size = 0;
        ssize_t len;
        int error = 0;
        FILE *file = fopen("/proc/self/cmdline", "re");
        if (!file)
                return -errno;
        while (error == 0 && (len = getdelim(&argument, &size, '\0', file)) > 0)
                error = argz_append(&command->arguments, &command->arguments_len, argument, (size_t)len);
        if (error == 0 && ferror(file))
                error = EIO;
        free(argument);
        fclose(file);
        return -error;
}

static int read_command(struct command *command)
{
        ssize_t len = readlink("/proc/self/exe", command->path, sizeof command->path - 1);
        if (len < 0)
                return -errno;
        command->path[len] = '\0';
        int result = read_arguments(command);
        if (result == 0 && environ)
                result = -argz_create(environ, &command->variables, &command->variables_len);
        return result;
}

static void *take_room(char **next, const void *bytes, size_t len)
{
        void *place = *next;
        if (bytes)
                memcpy(place, bytes, len);
        *next += len;
        return place;
}

/* The pointers come first, for their alignment. Each list ends with NULL, that of the variables after one more. */
static void write_command(struct mvs_restart *restart, const struct command *command, size_t arguments,
                          size_t variables)
{
        char *next = restart->pages;
        restart->arguments = take_room(&next, NULL, (arguments + 1) * sizeof(char *));
        restart->environment = take_room(&next, NULL, (variables + 2) * sizeof(char *));
        restart->path = take_room(&next, command->path, strlen(command->path) + 1);
        argz_extract(take_room(&next, command->arguments, command->arguments_len), command->arguments_len,
                     restart->arguments);
        argz_extract(take_room(&next, command->variables, command->variables_len), command->variables_len,
                     restart->environment);
        restart->environment[variables] = restart->variable;
}

/* The last page can be written: it holds the variable alone. */
static int keep(struct mvs_restart *restart, const struct command *command)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        size_t arguments = argz_count(command->arguments, command->arguments_len);
        size_t variables = argz_count(command->variables, command->variables_len);
        size_t used = (arguments + variables + 3) * sizeof(char *) + strlen(command->path) + 1 +
                      command->arguments_len + command->variables_len;
        size_t fixed = (used + page - 1) / page * page;
        restart->len = fixed + page;
        restart->pages = mmap(NULL, restart->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (restart->pages == MAP_FAILED)
                return -ENOMEM;
        restart->variable = (char *)restart->pages + fixed;
        write_command(restart, command, arguments, variables);
        mprotect(restart->pages, fixed, PROT_READ);
        return 0;
}

static int note_command(struct mvs_restart *restart)
{
        struct command command = {.arguments = NULL};
        int result = read_command(&command);
        if (result == 0)
                result = keep(restart, &command);
        if (result < 0)
                mvs_diag(MVS_LOG_ERROR, "the command line cannot be noted for a restart: %s", strerror(-result));
        free(command.arguments);
        free(command.variables);
        return result;
}

int mvs_restart_init(struct mvs_restart *restart, const struct mvs_restart_state *from)
{
        int result = 0;
        if (from)
                restart->state = *from;
        else
                result = take(&restart->state);
        restart->pages = MAP_FAILED;
        return result < 0 ? result : note_command(restart);
}

void mvs_restart_finish(struct mvs_restart *restart)
{
        if (restart->pages != MAP_FAILED)
                munmap(restart->pages, restart->len);
        restart->pages = MAP_FAILED;
        mvs_kept_finish(&restart->state.files);
}

void mvs_restart_apply(struct mvs_machine *machine)
{
        const struct mvs_restart_state *state = &machine->restart.state;
        if (state->count == 0)
                return;
        machine->profile.device.wake_reason = (uint8_t)state->reason;
        machine->random.state = state->random;
        machine->cloud.clock_set = state->wall_is_set != 0;
        machine->cloud.wall_offset_us = state->wall_offset_us;
        machine->cloud.outage = (enum mvs_outage)state->outage;
        machine->cloud.logging = state->logging != 0;
        if (state->is_connected)
                mvs_cloud_stay(&machine->cloud);
}

/* ---- starting again ---- */

/* Whether Microvisor starts anew too, and with it its clocks (decision 8). */
static bool boots_device(enum MvWakeReason reason)
{
        switch (reason) {
        case MV_WAKEREASON_COLDBOOT:
        case MV_WAKEREASON_REMOTEMICROVISORRESTART:
        case MV_WAKEREASON_MICROVISORCRASH:
        case MV_WAKEREASON_MICROVISORWATCHDOG:
        case MV_WAKEREASON_MICROVISOROUTOFMEMORY:
        case MV_WAKEREASON_MICROVISORERROR:
        case MV_WAKEREASON_MICROVISORUPDATE:
        case MV_WAKEREASON_OPTIONBYTES: return true;
        default: return false;
        }
}

static struct mvs_restart_state next_life(const struct mvs_machine *machine, enum MvWakeReason reason)
{
        struct mvs_restart_state next = machine->restart.state;
        uint64_t now = mvs_machine_now(machine);
        bool boots = boots_device(reason);
        next.count++;
        next.crashes += reason == MV_WAKEREASON_APPLICATIONCRASH;
        next.reason = (unsigned)reason;
        next.on_valgrind = is_on_valgrind();
        next.now_us = boots ? 0 : now;
        next.world_us += boots ? now : 0;
        next.is_connected = machine->cloud.status == MVS_CLOUD_CONNECTED && !boots;
        next.outage = (int)machine->cloud.outage;
        next.logging = machine->cloud.logging;
        next.wall_is_set = machine->cloud.clock_set && !boots;
        next.wall_offset_us = machine->cloud.wall_offset_us;
        next.random = machine->random.state;
        return next;
}

struct mvs_restart_state mvs_restart_hand_on(struct mvs_machine *machine, enum MvWakeReason reason)
{
        struct mvs_restart_state next = next_life(machine, reason);
        mvs_kept_init(&machine->restart.state.files);
        return next;
}

static void write_variable(const struct mvs_machine *machine, enum MvWakeReason reason, uint64_t silenced)
{
        const struct mvs_restart_state next = next_life(machine, reason);
        char *text = machine->restart.variable;
        int len = snprintf(text, VARIABLE_SIZE, MVS_RESTART_VARIABLE "=" FORMAT, next.count, next.crashes, next.reason,
                           next.on_valgrind, next.now_us, next.world_us, next.is_connected, next.outage, next.logging,
                           next.wall_is_set, next.wall_offset_us, next.random, silenced);
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++)
                len += snprintf(text + len, VARIABLE_SIZE - (size_t)len, ":%d", next.files.fds[part]);
}

void mvs_restart_now(struct mvs_machine *machine, enum MvWakeReason reason)
{
        const struct mvs_restart *restart = &machine->restart;
        mvs_inherited_stop_timers();
        write_variable(machine, reason, silence_signals());
        /* A signal of the IRQ thread's, or to it, that still waits would end a program that does not expect it yet. */
        signal(MVS_SIGNAL_PREEMPT, SIG_IGN);
        signal(MVS_SIGNAL_WAKE, SIG_IGN);
        mvs_inherited_close_others();
        mvs_kept_inherit(&restart->state.files, true);
        mvs_inherited_set_mask();
        execve(restart->path, restart->arguments, restart->environment);
        mvs_diag(MVS_LOG_ERROR, "the application cannot be started again: %s: %s", restart->path, strerror(errno));
}

void mvs_restart_crashed(struct mvs_machine *machine)
{
        const struct mvs_profile_memory *settings = &machine->profile.memory;
        unsigned next = machine->restart.state.crashes + 1;
        if (settings->on_fault != MVS_ON_FAULT_RESTART)
                return;
        if (mvs_inherited_is_forked()) {
                mvs_diag(MVS_LOG_ERROR, "the application cannot start again in a process that was forked, which would "
                                        "run the whole program anew (memory.on_fault)");
                return;
        }
        if (next > settings->restarts) {
                mvs_diag(MVS_LOG_ERROR,
                         "the application has started again %u times, and does no more (memory.restarts)",
                         settings->restarts);
                return;
        }
        mvs_diag(MVS_LOG_ERROR, "the application starts again (restart %u of %u; wake reason APPLICATIONCRASH)", next,
                 settings->restarts);
        mvs_restart_now(machine, MV_WAKEREASON_APPLICATIONCRASH);
}
