#include "sim/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/machine.h"

#define VARIABLE_SIZE 256
#define FORMAT        "%u:%u:%" PRIu64 ":%d:%" PRIu64 ":%" PRIu64 ":%d"

/* ---- what an earlier life has left ---- */

static int parse(struct mvs_restart_kept *kept, const char *text)
{
        int end = 0;
        int fields =
                sscanf(text, "%u:%u:%" SCNu64 ":%d:%" SCNu64 ":%" SCNu64 ":%d%n", &kept->count, &kept->reason,
                       &kept->now_us, &kept->wall_is_set, &kept->wall_offset_us, &kept->random, &kept->flash_fd, &end);
        if (fields == 7 && text[end] == '\0' && kept->count > 0 && kept->reason <= MV_WAKEREASON_APPLICATIONCRASH)
                return 0;
        mvs_diag(MVS_LOG_ERROR,
                 MVS_RESTART_VARIABLE
                 " is \"%s\": it is libmvsim's own, for an application that starts again; unset it",
                 text);
        return -EINVAL;
}

static int take(struct mvs_restart_kept *kept)
{
        const char *text = getenv(MVS_RESTART_VARIABLE);
        *kept = (struct mvs_restart_kept){.flash_fd = -1};
        if (!text)
                return 0;
        int result = parse(kept, text);
        unsetenv(MVS_RESTART_VARIABLE); /* a program that this one starts has a device of its own */
        return result;
}

/* ---- what the next life needs ---- */

/* A list of texts in the making: first its size is found, then it is written. */
struct writer {
        char *bytes; /* NULL: only count */
        size_t used;
};

static char *put(struct writer *writer, const char *bytes, size_t len)
{
        char *place = writer->bytes ? writer->bytes + writer->used : NULL;
        if (place)
                memcpy(place, bytes, len);
        writer->used += len;
        return place;
}

static char **put_pointers(struct writer *writer, size_t count)
{
        static const char padding[sizeof(char *)];
        put(writer, padding, -writer->used % sizeof(char *));
        char *place = writer->bytes ? writer->bytes + writer->used : NULL;
        writer->used += (count + 1) * sizeof(char *);
        return (char **)(void *)place;
}

static char **put_texts(struct writer *writer, const char *texts, size_t len, size_t spare, char ***ret_end)
{
        size_t count = spare;
        for (size_t i = 0; i < len; i += strlen(texts + i) + 1)
                count++;
        char **pointers = put_pointers(writer, count);
        char **next = pointers;
        for (size_t i = 0; i < len; i += strlen(texts + i) + 1) {
                char *place = put(writer, texts + i, strlen(texts + i) + 1);
                if (next)
                        *next++ = place;
        }
        *ret_end = next;
        return pointers;
}

struct command {
        char path[PATH_MAX];
        char *arguments; /* each with its terminator, as the kernel shows them */
        size_t arguments_len;
        char *variables;
        size_t variables_len;
};

static int read_all(int fd, char **ret_bytes, size_t *ret_len)
{
        size_t size = 4096, len = 0;
        char *bytes = malloc(size);
        for (ssize_t n = 1; bytes && n > 0;) {
                if (size - len < 2) {
                        char *larger = realloc(bytes, size *= 2);
                        if (!larger)
                                break;
                        bytes = larger;
                }
                n = read(fd, bytes + len, size - len - 1);
                len += n > 0 ? (size_t)n : 0;
                if (n == 0) {
                        bytes[len] = '\0';
                        *ret_bytes = bytes;
                        *ret_len = len;
                        return 0;
                }
        }
        free(bytes);
        return -ENOMEM;
}

static int read_file(const char *path, char **ret_bytes, size_t *ret_len)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int result = read_all(fd, ret_bytes, ret_len);
        close(fd);
        return result;
}

static int join_environment(struct command *command)
{
        struct writer writer = {0};
        for (unsigned pass = 0; pass < 2; pass++) {
                for (char **variable = environ; variable && *variable; variable++)
                        put(&writer, *variable, strlen(*variable) + 1);
                if (pass == 1)
                        break;
                command->variables_len = writer.used;
                command->variables = malloc(writer.used + 1);
                if (!command->variables)
                        return -ENOMEM;
                writer = (struct writer){.bytes = command->variables};
        }
        return 0;
}

static int read_command(struct command *command)
{
        ssize_t len = readlink("/proc/self/exe", command->path, sizeof command->path - 1);
        if (len < 0)
                return -errno;
        command->path[len] = '\0';
        int result = read_file("/proc/self/cmdline", &command->arguments, &command->arguments_len);
        return result < 0 ? result : join_environment(command);
}

static void write_command(struct mvs_restart *restart, struct writer *writer, const struct command *command)
{
        char **end;
        restart->path = put(writer, command->path, strlen(command->path) + 1);
        restart->arguments = put_texts(writer, command->arguments, command->arguments_len, 0, &end);
        restart->environment = put_texts(writer, command->variables, command->variables_len, 1, &end);
        if (end)
                *end = restart->variable;
}

/* The last page can be written: it holds the variable alone. */
static int keep(struct mvs_restart *restart, const struct command *command)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        struct writer writer = {0};
        write_command(restart, &writer, command);
        size_t fixed = (writer.used + page - 1) / page * page;
        restart->len = fixed + page;
        restart->pages = mmap(NULL, restart->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (restart->pages == MAP_FAILED)
                return -ENOMEM;
        restart->variable = (char *)restart->pages + fixed;
        writer = (struct writer){.bytes = restart->pages};
        write_command(restart, &writer, command);
        mprotect(restart->pages, fixed, PROT_READ);
        return 0;
}

static int note_command(struct mvs_restart *restart)
{
        struct command command = {.arguments = NULL};
        int result = read_command(&command);
        if (result == 0)
                result = keep(restart, &command);
        free(command.arguments);
        free(command.variables);
        return result;
}

static int first_free_fd(void)
{
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
                close(fd);
        return fd >= 0 ? fd : INT_MAX;
}

int mvs_restart_init(struct mvs_restart *restart)
{
        int result = take(&restart->kept);
        restart->pages = MAP_FAILED;
        restart->first_fd = first_free_fd();
        pthread_sigmask(SIG_SETMASK, NULL, &restart->mask);
        return result < 0 ? result : note_command(restart);
}

void mvs_restart_finish(struct mvs_restart *restart)
{
        if (restart->pages != MAP_FAILED)
                munmap(restart->pages, restart->len);
        restart->pages = MAP_FAILED;
}

void mvs_restart_apply(struct mvs_machine *machine)
{
        const struct mvs_restart_kept *kept = &machine->restart.kept;
        if (kept->count == 0)
                return;
        machine->profile.device.wake_reason = (uint8_t)kept->reason;
        machine->timeline.base_us = kept->now_us;
        machine->random.state = kept->random;
        machine->cloud.clock_set = kept->wall_is_set != 0;
        machine->cloud.wall_offset_us = kept->wall_offset_us;
}

/* ---- starting again ---- */

void mvs_restart_now(struct mvs_machine *machine, enum MvWakeReason reason)
{
        const struct mvs_restart *restart = &machine->restart;
        snprintf(restart->variable, VARIABLE_SIZE, MVS_RESTART_VARIABLE "=" FORMAT, restart->kept.count + 1,
                 (unsigned)reason, mvs_machine_now(machine), machine->cloud.clock_set, machine->cloud.wall_offset_us,
                 machine->random.state, machine->flash.image.file ? -1 : machine->flash.image.fd);
        /* A signal of the IRQ thread's that still waits would end a program that has no handler for it yet. */
        signal(MVS_SIGNAL_PREEMPT, SIG_IGN);
        syscall(SYS_close_range, (unsigned)restart->first_fd, ~0U, CLOSE_RANGE_CLOEXEC);
        if (!machine->flash.image.file)
                fcntl(machine->flash.image.fd, F_SETFD, 0);
        pthread_sigmask(SIG_SETMASK, &restart->mask, NULL);
        execve(restart->path, restart->arguments, restart->environment);
        mvs_diag(MVS_LOG_ERROR, "the application cannot be started again: %s: %s", restart->path, strerror(errno));
}

void mvs_restart_crashed(struct mvs_machine *machine)
{
        const struct mvs_profile_memory *settings = &machine->profile.memory;
        unsigned next = machine->restart.kept.count + 1;
        if (settings->on_fault != MVS_ON_FAULT_RESTART)
                return;
        if (next > settings->restarts) {
                mvs_diag(MVS_LOG_ERROR,
                         "the application has started again %u times, and does no more (memory.restarts)",
                         machine->restart.kept.count);
                return;
        }
        mvs_diag(MVS_LOG_ERROR, "the application starts again (restart %u of %u; wake reason APPLICATIONCRASH)", next,
                 settings->restarts);
        mvs_restart_now(machine, MV_WAKEREASON_APPLICATIONCRASH);
}
