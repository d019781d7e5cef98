/* A record may come from anywhere: what is not exactly a table is refused. */
#include "sim/coverage/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_name(const char *word)
{
        size_t len = 0;
        while (isalnum((unsigned char)word[len]) || word[len] == '_')
                len++;
        return len > 0 && word[len] == '\0';
}

static bool read_statuses(struct mvs_coverage_table *table, char *line)
{
        char *rest;
        const char *word = strtok_r(line, " ", &rest);
        if (!word || strcmp(word, "statuses") != 0)
                return false;
        while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
                if (!is_name(word) || table->statuses == MVS_COVERAGE_STATUSES)
                        return false;
                table->status_names[table->statuses++] = word;
        }
        return true;
}

static bool read_pair(struct mvs_coverage_table *table, unsigned call, char *word)
{
        size_t len = strlen(word);
        bool is_slip = word[len - 1] == '~';
        if (is_slip)
                word[len - 1] = '\0';
        for (unsigned status = 0; status < table->statuses; status++) {
                if (strcmp(word, table->status_names[status]) != 0)
                        continue;
                table->pairs[call] |= UINT64_C(1) << status;
                table->slips[call] |= (uint64_t)is_slip << status;
                return true;
        }
        return false;
}

static bool read_call(struct mvs_coverage_table *table, char *line)
{
        char *rest;
        char *word = strtok_r(line, " ", &rest);
        if (!word || !is_name(word) || table->calls == MVS_COVERAGE_CALLS)
                return false;
        unsigned call = table->calls++;
        table->call_names[call] = word;
        while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
                if (!read_pair(table, call, word))
                        return false;
        }
        return true;
}

static bool read_lines(struct mvs_coverage_table *table)
{
        char *rest;
        char *line = strtok_r(table->text, "\n", &rest);
        if (!line || !read_statuses(table, line))
                return false;
        while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
                if (!read_call(table, line))
                        return false;
        }
        return true;
}

int mvs_coverage_table_read(struct mvs_coverage_table *ret, const char text[MVS_COVERAGE_TABLE],
                            char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        memset(ret, 0, sizeof *ret);
        memcpy(ret->text, text, sizeof ret->text);
        if (ret->text[sizeof ret->text - 1] == '\0' && read_lines(ret))
                return 0;
        snprintf(ret_why, MVS_COVERAGE_WHY_SIZE,
                 "it is damaged: its table of calls and statuses cannot be read (delete it and record again)");
        return -EINVAL;
}
