#include "log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "mv_syscalls.h"

#define LINE_SIZE 400

static uint8_t buffer[4096] __attribute__((aligned(512))); /* Microvisor's from log_start on */
static unsigned lost; /* lines for which there was no room, or that the cloud did not want */

void log_start(void)
{
        mvServerLoggingInit(buffer, sizeof buffer);
}

static void send(const char *line, int len)
{
        if (len < 0)
                return;
        if (len >= LINE_SIZE)
                len = LINE_SIZE - 1;
        if (mvServerLog((const uint8_t *)line, (uint16_t)len) != MV_STATUS_OKAY)
                lost++;
}

static void tell_what_was_lost(void)
{
        char line[LINE_SIZE];
        unsigned count = lost;
        lost = 0;
        send(line, snprintf(line, sizeof line, "(%u log lines lost)", count));
        if (lost > 0)
                lost = count;
}

void log_line(const char *format, ...)
{
        char line[LINE_SIZE];
        va_list arguments;
        va_start(arguments, format);
        int len = vsnprintf(line, sizeof line, format, arguments);
        va_end(arguments);
        if (lost > 0)
                tell_what_was_lost();
        send(line, len);
}
