#include "src/coverage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/memory/cut_file.h"
#include "sim/profile/path.h"

#define WHY_SIZE MVS_COVERAGE_WHY_SIZE

static_assert(MVS_CALL_COUNT <= MVS_COVERAGE_CALLS && MVS_STATUS_COUNT <= MVS_COVERAGE_STATUSES,
              "a record has room for each call and each status");

/* ---- what is counted ---- */

#define MAY(status)  UINT64_C(0)
#define SLIP(status) (UINT64_C(1) << MV_STATUS_##status)
#define NONE         UINT64_C(0)
#define MVS_RETIRED(name, offset)
#define MVS_CALL(name, group, offset, flags, arguments, statuses_) [MVS_CALL_##name] = (statuses_),
static const uint64_t slips[MVS_CALL_COUNT] = {
#include "src/calls.def"
};
#undef MVS_CALL

/* The statuses that the header lists for the call, OKAY among them. */
static uint64_t pairs(unsigned number)
{
        return mvs_calls[number].statuses | UINT64_C(1) << MV_STATUS_OKAY;
}

static void print_table(FILE *out)
{
        fputs("statuses", out);
        for (unsigned status = 0; status < MVS_STATUS_COUNT; status++)
                fprintf(out, " %s", mvs_status_name(status));
        for (unsigned number = 0; number < MVS_CALL_COUNT; number++) {
                fprintf(out, "\n%s", mvs_calls[number].name);
                for (unsigned status = 0; status < MVS_STATUS_COUNT; status++) {
                        if (pairs(number) >> status & 1)
                                fprintf(out, " %s%s", mvs_status_name(status), slips[number] >> status & 1 ? "~" : "");
                }
        }
        fputc('\n', out);
}

/* The table that this libmvsim's records have. */
static int make_table(char ret_table[MVS_COVERAGE_TABLE])
{
        memset(ret_table, 0, MVS_COVERAGE_TABLE);
        FILE *out = fmemopen(ret_table, MVS_COVERAGE_TABLE, "w");
        if (!out)
                return -errno;
        print_table(out);
        return fclose(out) == 0 ? 0 : -errno;
}

/* ---- recording ---- */

static int explain(char ret_why[WHY_SIZE], const char *why)
{
        snprintf(ret_why, WHY_SIZE, "%s", why);
        return -EINVAL;
}

static int expand(const char *pattern, char ret_path[PATH_MAX], char ret_why[WHY_SIZE])
{
        size_t used = 0;
        if (!mvs_pattern_is_one(pattern))
                return explain(ret_why, "it has something else than " MVS_PATTERN_RULE);
        for (const char *at = pattern; *at && used < PATH_MAX; at++) {
                if (at[0] == '%' && at[1] == 'p')
                        used += (size_t)snprintf(ret_path + used, PATH_MAX - used, "%d", (int)getpid());
                else
                        ret_path[used++] = *at;
                at += at[0] == '%';
        }
        if (used >= PATH_MAX)
                return explain(ret_why, "the name is too long");
        ret_path[used] = '\0';
        return 0;
}

static int explain_error(char ret_why[WHY_SIZE], int error)
{
        snprintf(ret_why, WHY_SIZE, "%s", strerror(error));
        return -error;
}

/* What another has locked for something else, its flash say, would never be let go. */
static int look_before_locking(int fd, char ret_why[WHY_SIZE])
{
        struct stat st;
        uint64_t magic = 0;
        if (fstat(fd, &st) < 0)
                return explain_error(ret_why, errno);
        if (!S_ISREG(st.st_mode))
                return explain(ret_why, "it is not a regular file");
        if (pread(fd, &magic, sizeof magic, 0) < 0)
                return explain_error(ret_why, errno);
        return magic == 0 || magic == MVS_COVERAGE_MAGIC ? 0 : explain(ret_why, MVS_COVERAGE_NO_RECORD);
}

/* Where the file system makes room bit by bit, a process that was killed then leaves fewer zeros than there should be.
 */
static bool is_cut_off(int fd, size_t size)
{
        char bytes[4096];
        ssize_t len;
        if (size >= sizeof(struct mvs_coverage_record))
                return false;
        for (off_t at = 0; (len = pread(fd, bytes, sizeof bytes, at)) > 0; at += len) {
                for (ssize_t i = 0; i < len; i++) {
                        if (bytes[i])
                                return false;
                }
        }
        return len == 0;
}

/* Nobody else makes or looks meanwhile. A file that is there and is not one of ours is left as it is. */
static int give_size(int fd, size_t *ret_size, char ret_why[WHY_SIZE])
{
        struct stat st;
        while (flock(fd, LOCK_EX) < 0) {
                if (errno != EINTR)
                        return explain_error(ret_why, errno);
        }
        if (fstat(fd, &st) < 0)
                return explain_error(ret_why, errno);
        *ret_size = (size_t)st.st_size;
        if (st.st_size > 0 && !is_cut_off(fd, *ret_size))
                return 0;
        int error = posix_fallocate(fd, 0, sizeof(struct mvs_coverage_record));
        *ret_size = sizeof(struct mvs_coverage_record);
        if (error && ftruncate(fd, 0) < 0)
                error = errno;
        return error ? explain_error(ret_why, error) : 0;
}

static bool is_unfinished(const struct mvs_coverage_record *record, size_t size)
{
        return size == sizeof *record && record->magic == 0;
}

/* What a process that was killed in here leaves has no magic word, and is made again. */
static void make(struct mvs_coverage_record *record, const char table[MVS_COVERAGE_TABLE])
{
        record->format = MVS_COVERAGE_FORMAT;
        record->size = sizeof *record;
        memcpy(record->table, table, MVS_COVERAGE_TABLE);
        atomic_store_explicit(&record->magic, MVS_COVERAGE_MAGIC, memory_order_release);
}

static int check(const struct mvs_coverage_record *record, size_t size, const char table[MVS_COVERAGE_TABLE],
                 char ret_why[WHY_SIZE])
{
        char first[64];
        int result = mvs_coverage_record_check(record, size, ret_why);
        if (result < 0 || mvs_coverage_table_compare(table, record->table, first) == 0)
                return result;
        snprintf(ret_why, WHY_SIZE,
                 "it was recorded by another version of libmvsim, whose list of calls and statuses is another from "
                 "\"%s\" on (delete it and record again)",
                 first);
        return -EINVAL;
}

static int map(struct mvs_coverage *coverage, int fd, char ret_why[WHY_SIZE])
{
        char table[MVS_COVERAGE_TABLE];
        size_t size = 0;
        int result = make_table(table);
        if (result < 0)
                return explain_error(ret_why, -result);
        result = look_before_locking(fd, ret_why);
        if (result == 0)
                result = give_size(fd, &size, ret_why);
        if (result < 0)
                return result;
        size_t len = sizeof *coverage->record;
        struct mvs_coverage_record *record = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (record == MAP_FAILED)
                return explain_error(ret_why, errno);
        if (is_unfinished(record, size))
                make(record, table);
        result = check(record, size, table, ret_why);
        if (result < 0)
                munmap(record, len);
        else
                coverage->record = record;
        mvs_cut_file_watch(coverage->record, len, "the record of the status coverage");
        return result;
}

int mvs_coverage_open(struct mvs_coverage *ret, const char *pattern)
{
        char path[PATH_MAX], why[WHY_SIZE];
        ret->record = NULL;
        if (!pattern || !*pattern)
                return 0;
        int fd = -1;
        int result = expand(pattern, path, why);
        if (result == 0) {
                fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
                result = fd < 0 ? explain_error(why, errno) : map(ret, fd, why);
        }
        if (fd >= 0) {
                flock(fd, LOCK_UN); /* closing alone would not: the mapping holds the lock too */
                close(fd);
        }
        if (result < 0)
                mvs_diag(MVS_LOG_ERROR,
                         "the status coverage cannot be recorded in %s (coverage.file in the profile, or "
                         "MVSIM_COVERAGE): %s",
                         pattern, why);
        return result;
}

void mvs_coverage_close(struct mvs_coverage *coverage)
{
        if (!coverage->record)
                return;
        mvs_cut_file_watch(NULL, 0, NULL);
        munmap(coverage->record, sizeof *coverage->record);
        coverage->record = NULL;
}
