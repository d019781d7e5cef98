#include "sim/trace/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/diag.h"
#include "sim/trace/file.h"
#include "sim/trace/stamp.h"

#define LINE_SIZE 8192 /* the longest text, each byte of it escaped, and room around it */
#define US_PER_S  1000000U

struct text_sink {
        struct mvs_trace_sink sink; /* first */
        struct mvs_trace_file file;
        size_t used;
        char line[LINE_SIZE];
};

/* ---- one line ---- */

/* A line that would be too long ends where the room does. */
static void add_bytes(struct text_sink *text, const char *bytes, size_t len)
{
        size_t room = sizeof text->line - 1 - text->used;
        if (len > room)
                len = room;
        memcpy(text->line + text->used, bytes, len);
        text->used += len;
}

static void add_word(struct text_sink *text, const char *word)
{
        add_bytes(text, word, strlen(word));
}

__attribute__((format(printf, 2, 3))) static void add(struct text_sink *text, const char *format, ...)
{
        char part[64];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(part, sizeof part, format, arguments);
        va_end(arguments);
        add_word(text, part);
}

/* In quotes, so that a line stays a line and nothing in a text can be taken for a field. */
static void add_quoted(struct text_sink *text, const unsigned char *bytes, size_t len)
{
        add_word(text, "\"");
        for (size_t i = 0; i < len; i++) {
                if (bytes[i] == '"' || bytes[i] == '\\')
                        add(text, "\\%c", bytes[i]);
                else if (bytes[i] >= ' ' && bytes[i] < 0x7f)
                        add_bytes(text, (const char *)&bytes[i], 1);
                else
                        add(text, "\\x%02x", bytes[i]);
        }
        add_word(text, "\"");
}

static void add_field(struct text_sink *text, const struct mvs_field *field)
{
        add_word(text, " ");
        if (field->name) {
                add_word(text, field->name);
                add_word(text, "=");
        }
        switch (field->kind) {
        case MVS_FIELD_NUMBER: add(text, "%" PRIu64, field->number); break;
        case MVS_FIELD_HEX: add(text, "0x%08" PRIx64, field->number); break;
        case MVS_FIELD_POINTER: add_word(text, field->number ? "ptr" : "NULL"); break;
        case MVS_FIELD_WORD: add_word(text, field->data); break;
        case MVS_FIELD_TEXT: add_quoted(text, field->data, field->number); break;
        }
}

/* ---- the sink ---- */

static void write_event(struct mvs_trace_sink *sink, const struct mvs_event *event)
{
        struct text_sink *text = (struct text_sink *)sink;
        text->used = 0;
        add(text, "%5" PRIu64 ".%06" PRIu64 " ", event->microseconds / US_PER_S, event->microseconds % US_PER_S);
        add_word(text, mvs_event_name(event->kind));
        for (unsigned i = 0; i < event->count; i++)
                add_field(text, &event->fields[i]);
        text->line[text->used++] = '\n';
        mvs_trace_file_write(&text->file, text->line, text->used);
}

static void destroy(struct mvs_trace_sink *sink)
{
        struct text_sink *text = (struct text_sink *)sink;
        mvs_trace_file_close(&text->file);
        free(text);
}

int mvs_text_create(struct mvs_trace_sink **ret_sink, const char *path, bool again)
{
        bool fine = again || mvs_stamp_may_replace(path);
        struct text_sink *text = calloc(1, sizeof *text);
        if (!text)
                return -ENOMEM;
        int result = fine ? mvs_trace_file_open(&text->file, path, again) : -EEXIST;
        if (result < 0) {
                mvs_diag(MVS_LOG_ERROR,
                         "the event log %s (trace.file in the profile, or MVSIM_TRACE) cannot be opened: %s", path,
                         fine ? strerror(-result) : MVS_STAMP_WHY);
                free(text);
                return result;
        }
        text->sink = (struct mvs_trace_sink){.write = write_event, .destroy = destroy};
        *ret_sink = &text->sink;
        return 0;
}
