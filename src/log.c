#include "src/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/trace/stamp.h"
#include "src/device.h"
#include "src/pair.h"

#define US_PER_S 1000000U

/* ---- entries leave ---- */

/* A signal or a disk that fills up cuts a write short; why, only the next one says. */
bool mvs_log_write(int fd, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, bytes, len);
                if (n < 0 && errno != EINTR)
                        return false;
                if (n > 0) {
                        bytes += n;
                        len -= (size_t)n;
                }
        }
        return true;
}

/* One line an entry, stamped with device time: "[    0.250312] text". */
static void write_entry(struct mvs_log *log, struct mvs_log_entry *entry)
{
        char line[MVS_LOG_TEXT_MAX + 48];
        size_t len = (size_t)snprintf(line, sizeof line, "[%5" PRIu64 ".%06" PRIu64 "] ",
                                      entry->microseconds / US_PER_S, entry->microseconds % US_PER_S);
        memcpy(line + len, entry->text, entry->len);
        len += entry->len;
        line[len++] = '\n';
        if (mvs_log_write(log->sink, line, len) || log->write_failed)
                return;
        log->write_failed = true;
        mvs_diag(MVS_LOG_ERROR,
                 "the server log (log.file in the profile) cannot be written: %s; entries are lost from here on",
                 strerror(errno));
}

static void send_first(struct mvs_device *device)
{
        struct mvs_log *log = &device->log;
        struct mvs_log_entry *entry = log->first;
        log->first = entry->next;
        if (!log->first)
                log->last = &log->first;
        log->used -= (uint32_t)entry->len + MVS_LOG_OVERHEAD;
        mvs_trace(&device->machine, MVS_EVENT_LOG, MVS_TEXT(NULL, entry->text, entry->len));
        write_entry(log, entry);
        free(entry);
        device->statistics.log_entries++;
}

/* Whether an entry may leave now; where its time is still to come, it is woken for. */
static bool is_time(struct mvs_device *device, uint64_t now_us)
{
        struct mvs_log *log = &device->log;
        uint32_t rate = device->machine.profile.cloud.log_rate;
        if (rate == 0)
                return true;
        if (now_us < log->next_us) {
                mvs_timeline_arm(&device->machine.timeline, &log->pace, log->next_us);
                return false;
        }
        log->next_us = now_us + US_PER_S / rate;
        return true;
}

void mvs_log_send(struct mvs_device *device)
{
        const struct mvs_cloud *cloud = &device->machine.cloud;
        uint64_t now = mvs_machine_now(&device->machine);
        while (device->log.first && cloud->status == MVS_CLOUD_CONNECTED && cloud->logging && is_time(device, now))
                send_first(device);
}

static void on_pace(struct mvs_timer *timer)
{
        mvs_log_send((struct mvs_device *)(void *)((char *)timer - offsetof(struct mvs_device, log.pace)));
}

/* ---- life ---- */

static int fail_to_open(const char *file, int error, const char *why)
{
        mvs_diag(MVS_LOG_ERROR, "the log file %s (log.file in the profile) cannot be opened: %s", file, why);
        return -error;
}

int mvs_log_init(struct mvs_device *device)
{
        struct mvs_log *log = &device->log;
        const char *file = device->machine.profile.log.file;
        log->last = &log->first;
        log->pace.fire = on_pace;
        log->sink = STDERR_FILENO;
        if (!file)
                return 0;
        bool again = device->machine.restart.state.count > 0;
        if (!again && !mvs_stamp_may_replace(file))
                return fail_to_open(file, EEXIST, MVS_STAMP_WHY);
        log->sink = open(file, O_WRONLY | O_CREAT | (again ? O_APPEND : O_TRUNC) | O_CLOEXEC | O_NOCTTY, 0666);
        if (log->sink < 0)
                return fail_to_open(file, errno, strerror(errno));
        log->owns_sink = true;
        return 0;
}

void mvs_log_finish(struct mvs_device *device)
{
        struct mvs_log *log = &device->log;
        unsigned lost = 0;
        while (log->first) {
                struct mvs_log_entry *entry = log->first;
                log->first = entry->next;
                free(entry);
                lost++;
        }
        if (lost > 0)
                mvs_diag(MVS_LOG_WARNING,
                         "%u server log entries never left the device: the cloud had not taken them when the "
                         "application ended",
                         lost);
        if (log->owns_sink)
                close(log->sink);
        log->owns_sink = false;
}

/* ---- the buffers of logs ---- */

enum MvStatus mvs_log_check_buffer(struct mvs_call *call, const struct mvs_log_buffer *present, const uint8_t *buffer,
                                   uint32_t length_bytes)
{
        if (!mvs_arg_lendable(call, "buffer", buffer, length_bytes ? length_bytes : 1))
                return MV_STATUS_PARAMETERFAULT;
        enum MvStatus status = mvs_arg_block_aligned(call, "buffer", buffer);
        if (status == MV_STATUS_OKAY)
                status = mvs_arg_block_sized(call, "length_bytes", length_bytes);
        if (status == MV_STATUS_OKAY)
                status = mvs_arg_not_lent(call, "buffer", buffer, length_bytes, present->start);
        return status;
}

enum MvStatus mvs_log_lend(struct mvs_call *call, struct mvs_log_buffer *present, uint8_t *buffer,
                           uint32_t length_bytes, const char *what, const char *until)
{
        struct mvs_memory *memory = &call->device->machine.memory;
        if (present->start)
                mvs_memory_give_back(memory, 0, present->start, present->start != (uintptr_t)buffer);
        const struct mvs_lent lent = {
                .start = (uintptr_t)buffer,
                .end = (uintptr_t)buffer + length_bytes,
                .what = what,
                .secret = true,
                .by = call->desc->name,
                .until = until,
                .since_us = mvs_machine_now(&call->device->machine),
        };
        present->start = 0;
        if (!mvs_memory_lend(memory, &lent))
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL, "too much memory is lent already");
        *present = (struct mvs_log_buffer){(uintptr_t)buffer, length_bytes};
        mvs_lint_made(call);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_log_check_length(struct mvs_call *call, uint16_t length_bytes)
{
        uint32_t limit = call->device->machine.profile.limits.log_message;
        if (length_bytes <= limit)
                return MV_STATUS_OKAY;
        return mvs_reject(call, MV_STATUS_LOGMESSAGETOOLONG, "length_bytes",
                          "is %u, more than the %" PRIu32 " an entry may have (limits.log_message)", length_bytes,
                          limit);
}

/* ---- mvServerLoggingInit ---- */

enum MvStatus mvs_check_mvServerLoggingInit(struct mvs_call *call, uint8_t *buffer, uint32_t length_bytes)
{
        return mvs_log_check_buffer(call, &call->device->log.buffer, buffer, length_bytes);
}

enum MvStatus mvs_do_mvServerLoggingInit(struct mvs_call *call, uint8_t *buffer, uint32_t length_bytes)
{
        return mvs_log_lend(call, &call->device->log.buffer, buffer, length_bytes, "server log buffer",
                            "mvServerLoggingInit is given another");
}

/* ---- mvServerLog ---- */

enum MvStatus mvs_check_mvServerLog(struct mvs_call *call, const uint8_t *message, uint16_t length_bytes)
{
        (void)message;
        const struct mvs_log *log = &call->device->log;
        if (!log->buffer.start)
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "logging is not initialised (call mvServerLoggingInit first)");
        enum MvStatus status = mvs_log_check_length(call, length_bytes);
        if (status != MV_STATUS_OKAY)
                return status;
        if (!call->device->machine.cloud.logging)
                return mvs_reject(call, MV_STATUS_LOGGINGDISABLEDBYSERVER, NULL, "the cloud takes no log entries now");
        if (length_bytes + MVS_LOG_OVERHEAD > log->buffer.size ||
            log->used > log->buffer.size - length_bytes - MVS_LOG_OVERHEAD)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL,
                                  "%u bytes do not fit: %" PRIu32 " of the log buffer's %" PRIu32
                                  " are taken by entries that wait for the cloud",
                                  length_bytes + MVS_LOG_OVERHEAD, log->used, log->buffer.size);
        return MV_STATUS_OKAY;
}

enum MvStatus mvs_do_mvServerLog(struct mvs_call *call, const uint8_t *message, uint16_t length_bytes)
{
        struct mvs_log *log = &call->device->log;
        struct mvs_log_entry *entry = malloc(sizeof *entry + length_bytes);
        if (!entry)
                return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL, "the host is out of memory");
        *entry = (struct mvs_log_entry){.microseconds = mvs_machine_now(&call->device->machine), .len = length_bytes};
        enum MvStatus status = mvs_get(call, "message", entry->text, message, length_bytes);
        if (status != MV_STATUS_OKAY) {
                free(entry);
                return status;
        }
        *log->last = entry;
        log->last = &entry->next;
        log->used += length_bytes + MVS_LOG_OVERHEAD;
        mvs_log_send(call->device);
        return MV_STATUS_OKAY;
}
