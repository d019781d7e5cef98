#include "src/coverage.h"

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

#define WHY_SIZE  256
#define LINE_SIZE 512
#define MAGIC     UINT64_C(0x564f434d4953564d) /* "MVSIMCOV" */

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

uint64_t mvs_coverage_pairs(enum mvs_call_number number)
{
        return mvs_calls[number].statuses | UINT64_C(1) << MV_STATUS_OKAY;
}

uint64_t mvs_coverage_slips(enum mvs_call_number number)
{
        return slips[number];
}

static size_t make_line(enum mvs_call_number number, char ret_line[LINE_SIZE])
{
        int used = snprintf(ret_line, LINE_SIZE, "%s", mvs_calls[number].name);
        for (unsigned status = 0; status < MVS_STATUS_COUNT; status++) {
                if (mvs_coverage_pairs(number) >> status & 1)
                        used += snprintf(ret_line + used, LINE_SIZE - (size_t)used, " %s", mvs_status_name(status));
        }
        return (size_t)used + (size_t)snprintf(ret_line + used, LINE_SIZE - (size_t)used, "\n");
}

/* ---- the file ---- */

/* What a process that was killed in here leaves has no magic word, and is made again. */
static void make(struct mvs_coverage_file *file)
{
        char *next = file->pairs;
        file->format = MVS_COVERAGE_FORMAT;
        file->size = sizeof *file;
        for (unsigned number = 0; number < MVS_CALL_COUNT; number++) {
                char line[LINE_SIZE];
                size_t len = make_line(number, line);
                memcpy(next, line, len);
                next += len;
        }
        atomic_store_explicit(&file->magic, MAGIC, memory_order_release);
}

static int explain(char ret_why[WHY_SIZE], const char *why)
{
        snprintf(ret_why, WHY_SIZE, "%s", why);
        return -EINVAL;
}

static int check_header(const struct mvs_coverage_file *file, size_t size, char ret_why[WHY_SIZE])
{
        if (size < offsetof(struct mvs_coverage_file, pairs) || file->magic != MAGIC)
                return explain(ret_why, "it is no record of status coverage");
        if (file->format != MVS_COVERAGE_FORMAT) {
                snprintf(ret_why, WHY_SIZE,
                         "it was recorded by another version of libmvsim, in format %u, and this one has format %d "
                         "(delete it and record again)",
                         file->format, MVS_COVERAGE_FORMAT);
                return -EINVAL;
        }
        return 0;
}

/* Files of one format may differ in size, when there are more calls or statuses. */
static int check_pairs(const struct mvs_coverage_file *file, size_t size, char ret_why[WHY_SIZE])
{
        const char *next = file->pairs;
        const char *end =
                (const char *)file + (size < sizeof *file ? size : offsetof(struct mvs_coverage_file, counts));
        for (unsigned number = 0; number < MVS_CALL_COUNT; number++) {
                char line[LINE_SIZE];
                size_t len = make_line(number, line);
                if ((size_t)(end - next) < len || memcmp(next, line, len) != 0) {
                        snprintf(ret_why, WHY_SIZE,
                                 "it was recorded by another version of libmvsim, whose list of calls and statuses is "
                                 "another from %s on (delete it and record again)",
                                 mvs_calls[number].name);
                        return -EINVAL;
                }
                next += len;
        }
        if (size != sizeof *file || file->size != sizeof *file || *next != '\0')
                return explain(ret_why, "it is damaged: its size is not that of a record (delete it and record again)");
        return 0;
}

static int check(const struct mvs_coverage_file *file, size_t size, char ret_why[WHY_SIZE])
{
        int result = check_header(file, size, ret_why);
        return result < 0 ? result : check_pairs(file, size, ret_why);
}

int mvs_coverage_read(struct mvs_coverage_file *ret, const char *path, char ret_why[WHY_SIZE])
{
        FILE *file = fopen(path, "re");
        size_t size = file ? fread(ret, 1, sizeof *ret, file) : 0;
        int error = !file || ferror(file) ? errno : 0;
        bool longer = file && !error && fgetc(file) != EOF;
        if (file)
                fclose(file);
        if (error) {
                snprintf(ret_why, WHY_SIZE, "it cannot be read: %s", strerror(error));
                return -error;
        }
        return check(ret, size + longer, ret_why);
}

/* ---- recording ---- */

static int expand(const char *pattern, char ret_path[PATH_MAX], char ret_why[WHY_SIZE])
{
        size_t used = 0;
        for (const char *at = pattern; *at && used < PATH_MAX; at++) {
                if (at[0] == '%' && at[1] == 'p')
                        used += (size_t)snprintf(ret_path + used, PATH_MAX - used, "%d", (int)getpid());
                else
                        ret_path[used++] = *at;
                if (at[0] == '%' && (at[1] == 'p' || at[1] == '%'))
                        at++;
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
        if (!S_ISREG(st.st_mode))
                return explain(ret_why, "it is not a regular file");
        *ret_size = (size_t)st.st_size;
        if (st.st_size > 0)
                return 0;
        int error = posix_fallocate(fd, 0, sizeof(struct mvs_coverage_file));
        *ret_size = sizeof(struct mvs_coverage_file);
        return error ? explain_error(ret_why, error) : 0;
}

static bool is_unfinished(const struct mvs_coverage_file *file, size_t size)
{
        return size == sizeof *file && file->magic == 0;
}

static int map(struct mvs_coverage *coverage, int fd, char ret_why[WHY_SIZE])
{
        size_t size = 0;
        int result = give_size(fd, &size, ret_why);
        if (result < 0)
                return result;
        size_t len = sizeof *coverage->file;
        struct mvs_coverage_file *file = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (file == MAP_FAILED)
                return explain_error(ret_why, errno);
        if (is_unfinished(file, size))
                make(file);
        result = check(file, size, ret_why);
        if (result < 0)
                munmap(file, len);
        else
                coverage->file = file;
        mvs_cut_file_watch(coverage->file, len, "the record of the status coverage");
        return result;
}

int mvs_coverage_open(struct mvs_coverage *ret, const char *pattern)
{
        char path[PATH_MAX], why[WHY_SIZE];
        ret->file = NULL;
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
        if (!coverage->file)
                return;
        mvs_cut_file_watch(NULL, 0, NULL);
        munmap(coverage->file, sizeof *coverage->file);
        coverage->file = NULL;
}
