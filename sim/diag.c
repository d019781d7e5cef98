#include "sim/diag.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_LEN 1000
#define PREFIX       "mvsim: "

/* Process-wide on purpose: it also serves what goes wrong before there is a device. One word, atomic. */
static atomic_int threshold = MVS_LOG_WARNING;

void mvs_diag_set_level(enum mvs_log_level level)
{
        atomic_store(&threshold, (int)level);
}

bool mvs_diag_enabled(enum mvs_log_level level)
{
        return (int)level <= atomic_load(&threshold);
}

void mvs_diag(enum mvs_log_level level, const char *format, ...)
{
        if (!mvs_diag_enabled(level))
                return;
        char line[LINE_MAX_LEN] = PREFIX;
        size_t used = sizeof PREFIX - 1;
        va_list arguments;
        va_start(arguments, format);
        int len = vsnprintf(line + used, sizeof line - used - 1, format, arguments);
        va_end(arguments);
        if (len < 0)
                return;
        used += (size_t)len < sizeof line - used - 1 ? (size_t)len : sizeof line - used - 2;
        line[used++] = '\n';
        if (write(STDERR_FILENO, line, used) < 0)
                return; /* nowhere left to say so */
}
