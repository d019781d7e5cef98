#include "sim/coverage/record.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int mvs_coverage_record_check(const struct mvs_coverage_record *record, size_t size,
                              char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        const char *why = NULL;
        if (size == 0) {
                why = "it is empty: no device has recorded into it";
        } else if (size == sizeof *record && record->magic == 0) {
                why = "whoever began it was ended before it was a record (delete it and record again)";
        } else if (size < offsetof(struct mvs_coverage_record, table) || record->magic != MVS_COVERAGE_MAGIC) {
                why = MVS_COVERAGE_NO_RECORD;
        } else if (record->format != MVS_COVERAGE_FORMAT) {
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE,
                         "it was recorded by another version of libmvsim, in format %u, and this one has format %d "
                         "(delete it and record again)",
                         record->format, MVS_COVERAGE_FORMAT);
                return -EINVAL;
        } else if (size != sizeof *record || record->size != sizeof *record) {
                why = "it is damaged: its size is not that of a record (delete it and record again)";
        }
        if (why)
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE, "%s", why);
        return why ? -EINVAL : 0;
}

int mvs_coverage_record_read(struct mvs_coverage_record *ret, const char *path, char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        FILE *file = fopen(path, "re");
        size_t size = file ? fread(ret, 1, sizeof *ret, file) : 0;
        int error = !file || ferror(file) ? errno : 0;
        bool longer = file && !error && fgetc(file) != EOF;
        if (file)
                fclose(file);
        if (error) {
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE, "it cannot be read: %s", strerror(error));
                return -error;
        }
        return mvs_coverage_record_check(ret, size + longer, ret_why);
}

static void take_word(char ret_word[64], const char *text, size_t room)
{
        size_t len = 0;
        while (len < room && len < 63 && isalnum((unsigned char)text[len]))
                len++;
        memcpy(ret_word, text, len);
        ret_word[len] = '\0';
}

int mvs_coverage_table_compare(const char table[MVS_COVERAGE_TABLE], const char other[MVS_COVERAGE_TABLE],
                               char ret_first[64])
{
        size_t line = 0, at = 0;
        while (at < MVS_COVERAGE_TABLE && table[at] == other[at]) {
                if (table[at++] == '\n')
                        line = at;
        }
        if (at == MVS_COVERAGE_TABLE)
                return 0;
        take_word(ret_first, table[line] ? &table[line] : &other[line], MVS_COVERAGE_TABLE - line);
        return -EINVAL;
}
