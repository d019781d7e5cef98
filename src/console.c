#include "src/console.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "sim/diag.h"
#include "src/device.h"
#include "src/pair.h"

/* ---- lines ---- */

static void write_line(struct mvs_console *console, const uint8_t *bytes, size_t len)
{
        static const char prefix[] = {'t', 'e', 's', 't', ':', ' '};
        char line[sizeof prefix + MVS_LOG_TEXT_MAX + 1];
        memcpy(line, prefix, sizeof prefix);
        memcpy(line + sizeof prefix, bytes, len);
        line[sizeof prefix + len] = '\n';
        if (mvs_log_write(STDERR_FILENO, line, sizeof prefix + len + 1) || console->write_failed)
                return;
        console->write_failed = true;
        mvs_diag(MVS_LOG_ERROR, "the test console cannot be written: %s; lines are lost from here on", strerror(errno));
}

/* A message may have several lines, and may end its last one as a terminal wants it. */
static void write_message(struct mvs_console *console, const uint8_t *bytes, size_t len)
{
        do {
                const uint8_t *end = memchr(bytes, '\n', len);
                size_t line = end ? (size_t)(end - bytes) : len;
                size_t shown = end && line > 0 && bytes[line - 1] == '\r' ? line - 1 : line;
                size_t next = end ? line + 1 : line;
                write_line(console, bytes, shown);
                bytes += next;
                len -= next;
        } while (len > 0);
}

/* ---- the calls ---- */

enum MvStatus mvs_do_mvTestingComplete(struct mvs_call *call, uint32_t status)
{
        return mvs_ending_of(call, MVSIM_ENDING_TESTING_COMPLETE, status, MV_WAKEREASON_COLDBOOT);
}

enum MvStatus mvs_check_mvTestLoggingInit(struct mvs_call *call, uint8_t *buffer, uint32_t length_bytes)
{
        return mvs_log_check_buffer(call, &call->device->console.buffer, buffer, length_bytes);
}

enum MvStatus mvs_do_mvTestLoggingInit(struct mvs_call *call, uint8_t *buffer, uint32_t length_bytes)
{
        return mvs_log_lend(call, &call->device->console.buffer, buffer, length_bytes, "test log buffer",
                            "mvTestLoggingInit is given another");
}

enum MvStatus mvs_check_mvTestLog(struct mvs_call *call, const uint8_t *message, uint16_t length_bytes)
{
        const struct mvs_log_buffer *buffer = &call->device->console.buffer;
        (void)message;
        if (!buffer->start)
                return mvs_reject(call, MV_STATUS_UNAVAILABLE, NULL,
                                  "the test log is not initialised (call mvTestLoggingInit first)");
        enum MvStatus status = mvs_log_check_length(call, length_bytes);
        if (status != MV_STATUS_OKAY || length_bytes + MVS_LOG_OVERHEAD <= buffer->size)
                return status;
        return mvs_reject(call, MV_STATUS_INVALIDBUFFERSIZE, NULL,
                          "%u bytes do not fit: the test log's buffer has %" PRIu32, length_bytes + MVS_LOG_OVERHEAD,
                          buffer->size);
}

/* A line leaves at once, so that all of the buffer is free for each. */
enum MvStatus mvs_do_mvTestLog(struct mvs_call *call, const uint8_t *message, uint16_t length_bytes)
{
        uint8_t text[MVS_LOG_TEXT_MAX];
        enum MvStatus status = mvs_get(call, "message", text, message, length_bytes);
        if (status != MV_STATUS_OKAY)
                return status;
        mvs_trace(&call->device->machine, MVS_EVENT_TEST_LOG, MVS_TEXT(NULL, text, length_bytes));
        write_message(&call->device->console, text, length_bytes);
        return MV_STATUS_OKAY;
}
