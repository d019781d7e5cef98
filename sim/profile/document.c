#include "sim/profile/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX    (1024 * 1024)
#define NESTING_MAX 16

int mvs_profile_fail(const struct mvs_profile_report *report, const yaml_mark_t *mark, const char *format, ...)
{
        char text[768];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        if (mark)
                snprintf(report->error, report->error_size, "%s:%zu:%zu: %s", report->file, mark->line + 1,
                         mark->column + 1, text);
        else
                snprintf(report->error, report->error_size, "%s: %s", report->file, text);
        return -EINVAL;
}

static int fail_errno(const struct mvs_profile_report *report, int error)
{
        mvs_profile_fail(report, NULL, "the profile cannot be read: %s", strerror(error));
        return -error;
}

static int check_stat(int fd, size_t *ret_size, const struct mvs_profile_report *report)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return fail_errno(report, errno);
        if (S_ISDIR(st.st_mode))
                return fail_errno(report, EISDIR);
        if (!S_ISREG(st.st_mode))
                return mvs_profile_fail(report, NULL,
                                        "the profile must be a regular file, because it is read more than once");
        if (st.st_size > FILE_MAX) {
                mvs_profile_fail(report, NULL, "the profile has %lld bytes; more than %d are refused",
                                 (long long)st.st_size, FILE_MAX);
                return -EFBIG;
        }
        *ret_size = (size_t)st.st_size;
        return 0;
}

static int read_all(int fd, struct mvs_profile_text *ret, size_t size)
{
        char *data = malloc(size + 1);
        if (!data)
                return ENOMEM;
        size_t len = 0;
        while (len < size) {
                ssize_t n = read(fd, data + len, size - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        int error = errno;
                        free(data);
                        return error;
                }
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        data[len] = '\0';
        ret->data = data;
        ret->len = len;
        return 0;
}

int mvs_profile_read(struct mvs_profile_text *ret, const struct mvs_profile_report *report)
{
        /* Without O_NONBLOCK, opening a FIFO would wait for its writer before it can be refused. */
        int fd = open(report->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return fail_errno(report, errno);
        size_t size = 0;
        int result = check_stat(fd, &size, report);
        if (result == 0) {
                int error = read_all(fd, ret, size);
                result = error ? fail_errno(report, error) : 0;
        }
        close(fd);
        return result;
}

/* For bytes that are no text libyaml gives an offset instead of a line. */
static yaml_mark_t mark_of_offset(const struct mvs_profile_text *text, size_t offset)
{
        yaml_mark_t mark = {.index = offset};
        for (size_t i = 0; i < offset && i < text->len; i++) {
                mark.column++;
                if (text->data[i] == '\n') {
                        mark.line++;
                        mark.column = 0;
                }
        }
        return mark;
}

static bool is_tab(const struct mvs_profile_text *text, const yaml_mark_t *mark)
{
        const char *line = text->data, *end = text->data + text->len;
        for (size_t i = 0; line && i < mark->line; i++) {
                line = memchr(line, '\n', (size_t)(end - line));
                line += line ? 1 : 0;
        }
        return line && mark->column < (size_t)(end - line) && line[mark->column] == '\t';
}

static int fail_parse(const yaml_parser_t *parser, const struct mvs_profile_text *text,
                      const struct mvs_profile_report *report)
{
        if (parser->error == YAML_MEMORY_ERROR)
                return fail_errno(report, ENOMEM);
        yaml_mark_t mark = parser->problem_mark;
        if (parser->error == YAML_READER_ERROR)
                mark = mark_of_offset(text, parser->problem_offset);
        return mvs_profile_fail(report, &mark, "this is not YAML: %s%s%s%s", parser->problem ? parser->problem : "?",
                                parser->context ? " " : "", parser->context ? parser->context : "",
                                is_tab(text, &mark) ? " (it is a tab: YAML is indented with blanks)" : "");
}

static int refuse_second_document(yaml_parser_t *parser, const struct mvs_profile_text *text,
                                  const struct mvs_profile_report *report)
{
        yaml_document_t next;
        if (!yaml_parser_load(parser, &next))
                return fail_parse(parser, text, report);
        int result = 0;
        if (mvs_profile_root(&next))
                result = mvs_profile_fail(report, &next.start_mark,
                                          "a second document starts here; a profile is one document (remove `---`)");
        yaml_document_delete(&next);
        return result;
}

static int check_event(const yaml_event_t *event, int *depth, const struct mvs_profile_report *report)
{
        switch (event->type) {
        case YAML_ALIAS_EVENT:
                return mvs_profile_fail(report, &event->start_mark,
                                        "found the alias `*%.40s`, expected the value itself",
                                        (const char *)event->data.alias.anchor);
        case YAML_SEQUENCE_START_EVENT:
        case YAML_MAPPING_START_EVENT:
                if (++*depth > NESTING_MAX)
                        return mvs_profile_fail(report, &event->start_mark, "nested deeper than any key of a profile");
                return 0;
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT: --*depth; return 0;
        default: return 0;
        }
}

/*
 * Looks through the text before a tree is made of it: a tree no longer shows aliases, and building one takes libyaml
 * minutes when a hostile file nests deep enough.
 */
static int look_through(const struct mvs_profile_text *text, const struct mvs_profile_report *report)
{
        yaml_parser_t parser;
        if (!yaml_parser_initialize(&parser))
                return fail_errno(report, ENOMEM);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);

        int result = 0;
        int depth = 0;
        bool at_end = false;
        while (result == 0 && !at_end) {
                yaml_event_t event;
                if (!yaml_parser_parse(&parser, &event)) {
                        result = fail_parse(&parser, text, report);
                        break;
                }
                result = check_event(&event, &depth, report);
                at_end = event.type == YAML_STREAM_END_EVENT;
                yaml_event_delete(&event);
        }
        yaml_parser_delete(&parser);
        return result;
}

static int parse_one(yaml_document_t *ret, const struct mvs_profile_text *text, const struct mvs_profile_report *report)
{
        yaml_parser_t parser;
        if (!yaml_parser_initialize(&parser))
                return fail_errno(report, ENOMEM);
        yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);

        yaml_document_t document;
        int result;
        if (!yaml_parser_load(&parser, &document)) {
                result = fail_parse(&parser, text, report);
                goto parser;
        }
        if (yaml_document_get_root_node(&document)) { /* else the stream is at its end */
                result = refuse_second_document(&parser, text, report);
                if (result < 0) {
                        yaml_document_delete(&document);
                        goto parser;
                }
        }
        *ret = document;
        result = 0;
parser:
        yaml_parser_delete(&parser);
        return result;
}

int mvs_profile_parse(yaml_document_t *ret, const struct mvs_profile_text *text,
                      const struct mvs_profile_report *report)
{
        int result = look_through(text, report);
        return result == 0 ? parse_one(ret, text, report) : result;
}

bool mvs_profile_is_null(const yaml_node_t *node)
{
        if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
                return false;
        const char *text = (const char *)node->data.scalar.value;
        return text[0] == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0;
}

yaml_node_t *mvs_profile_root(yaml_document_t *document)
{
        yaml_node_t *root = yaml_document_get_root_node(document);
        return root && !mvs_profile_is_null(root) ? root : NULL;
}

yaml_node_t *mvs_profile_child(yaml_document_t *document, const yaml_node_t *mapping, const char *key)
{
        const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
        for (; pair < mapping->data.mapping.pairs.top; pair++) {
                const yaml_node_t *node = yaml_document_get_node(document, pair->key);
                if (node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, key) == 0)
                        return yaml_document_get_node(document, pair->value);
        }
        return NULL;
}
