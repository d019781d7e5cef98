#include "sim/trace/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/diag.h"
#include "sim/memory/memory.h"

#define BLOCK 65536U

/* A directory in which nothing may be made can still hold a file that may be written. */
static int make_file(const char *path)
{
        struct stat st;
        if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
                unlink(path);
        return open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
}

/* What cannot be read back, a pipe with nobody at its end for one, is not mapped either. */
static int open_other(const char *path)
{
        return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
}

/* The last line of a file whose end may be empty lines: its writer did not come to cut them off. */
static int find_end(struct mvs_trace_file *file)
{
        off_t size = lseek(file->fd, 0, SEEK_END);
        char byte;
        ssize_t n = 1;
        while (size > 0 && (n = pread(file->fd, &byte, 1, size - 1)) == 1 && byte == '\n')
                size--;
        if (size < 0 || n != 1)
                return -EIO;
        if (size > 0)
                size++; /* its own end of line */
        file->start = size / BLOCK * BLOCK;
        file->used = (size_t)(size % BLOCK);
        return 0;
}

static int open_again(struct mvs_trace_file *file, const char *path)
{
        file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
        return file->fd < 0 ? -errno : find_end(file);
}

int mvs_trace_file_open(struct mvs_trace_file *ret, const char *path, bool again)
{
        struct stat st;
        *ret = (struct mvs_trace_file){.fd = -1};
        bool other = stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
        ret->regular = !other;
        if (again && !other)
                return open_again(ret, path);
        ret->fd = other ? open_other(path) : make_file(path);
        return ret->fd < 0 ? -errno : 0;
}

static void fail(struct mvs_trace_file *file, const char *why)
{
        file->failed = true;
        mvs_diag(MVS_LOG_ERROR,
                 "the event log (trace.file in the profile, or MVSIM_TRACE) cannot be written: %s; it ends here", why);
}

static void unmap(struct mvs_trace_file *file)
{
        if (file->block)
                munmap(file->block, BLOCK);
        file->block = NULL;
}

/* Room on the disk is reserved here, where its lack is an error and not a fault. */
static bool next_block(struct mvs_trace_file *file)
{
        if (file->used == BLOCK) {
                file->start += BLOCK;
                file->used = 0;
        }
        unmap(file);
        int error = posix_fallocate(file->fd, file->start, BLOCK);
        if (error) {
                fail(file, strerror(error));
                return false;
        }
        char *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, file->start);
        if (block == MAP_FAILED) {
                fail(file, strerror(errno));
                return false;
        }
        file->block = block;
        if (mvs_fill_app((uintptr_t)block + file->used, '\n', BLOCK - file->used))
                return true;
        fail(file, "somebody cut it short");
        return false;
}

static void append_to_block(struct mvs_trace_file *file, const char *bytes, size_t len)
{
        while (len > 0) {
                if ((!file->block || file->used == BLOCK) && !next_block(file))
                        return;
                size_t n = len < BLOCK - file->used ? len : BLOCK - file->used;
                /* By a copy that survives a fault: the file may have been cut short by somebody else. */
                if (!mvs_copy_to_app((uintptr_t)file->block + file->used, bytes, n)) {
                        fail(file, "somebody cut it short");
                        return;
                }
                file->used += n;
                bytes += n;
                len -= n;
        }
}

static void append_directly(struct mvs_trace_file *file, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t written = write(file->fd, bytes, len);
                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0) {
                        fail(file, strerror(errno));
                        return;
                }
                bytes += written;
                len -= (size_t)written;
        }
}

void mvs_trace_file_write(struct mvs_trace_file *file, const char *bytes, size_t len)
{
        if (file->failed)
                return;
        if (file->regular)
                append_to_block(file, bytes, len);
        else
                append_directly(file, bytes, len);
}

void mvs_trace_file_close(struct mvs_trace_file *file)
{
        if (file->fd < 0)
                return;
        off_t end = file->start + (off_t)file->used;
        unmap(file);
        if (file->regular && ftruncate(file->fd, end) < 0 && !file->failed)
                fail(file, strerror(errno));
        close(file->fd);
        file->fd = -1;
}
