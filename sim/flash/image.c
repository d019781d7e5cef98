#include "sim/flash/image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/diag.h"

#define ERASED 0xff

/* ---- the file ---- */

static int fail_because(const struct mvs_flash_image *image, const char *why, int error)
{
        mvs_diag(MVS_LOG_ERROR, "the flash image %s (flash.file in the profile) cannot be used: %s",
                 image->file ? image->file : "in memory", why);
        return -error;
}

static int fail(const struct mvs_flash_image *image, int error)
{
        return fail_because(image, strerror(error), error);
}

static int fail_to_make(const struct mvs_flash_image *image, int error)
{
        mvs_diag(MVS_LOG_ERROR,
                 "the flash image %s (flash.file in the profile) cannot be made with %" PRIu32
                 " bytes (flash.size): %s",
                 image->file ? image->file : "in memory", image->size, strerror(error));
        return -error;
}

static int lock(const struct mvs_flash_image *image)
{
        if (flock(image->fd, LOCK_EX | LOCK_NB) == 0)
                return 0;
        if (errno != EWOULDBLOCK)
                return fail(image, errno);
        return fail_because(image, "another process has it for its flash (give each device its own file)", EBUSY);
}

static int map(struct mvs_flash_image *image)
{
        void *cells = mmap(NULL, image->size, PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0);
        if (cells == MAP_FAILED)
                return fail(image, errno);
        image->cells = cells;
        return 0;
}

/*
 * Written, and not filled through the mapping: a full disk is an error here and no fault, and where the process is
 * killed half-way the file has not got its size, so that nobody takes it for a flash.
 */
static int fill(struct mvs_flash_image *image)
{
        uint8_t erased[4096];
        memset(erased, ERASED, sizeof erased);
        for (off_t at = 0; at < (off_t)image->size;) {
                ssize_t n = pwrite(image->fd, erased, sizeof erased, at);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        int error = n < 0 ? errno : ENOSPC;
                        if (ftruncate(image->fd, 0) < 0)
                                return fail(image, errno);
                        return fail_to_make(image, error);
                }
                at += n;
        }
        return map(image);
}

/* Empty is new. */
static int use(struct mvs_flash_image *image)
{
        struct stat st;
        if (fstat(image->fd, &st) < 0)
                return fail(image, errno);
        if (!S_ISREG(st.st_mode))
                return fail_because(image, "it is no regular file", EINVAL);
        if (st.st_size == 0)
                return fill(image);
        if (st.st_size == (off_t)image->size)
                return map(image);
        mvs_diag(MVS_LOG_ERROR,
                 "the flash image %s (flash.file in the profile) has %jd bytes, and the flash has %" PRIu32
                 " (flash.size): make them the same, or remove the file",
                 image->file ? image->file : "in memory", (intmax_t)st.st_size, image->size);
        return -EINVAL;
}

int mvs_flash_image_open(struct mvs_flash_image *image)
{
        image->fd = open(image->file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
        if (image->fd < 0)
                return fail(image, errno);
        int result = lock(image);
        if (result == 0)
                result = use(image);
        if (result < 0)
                mvs_flash_image_close(image);
        return result;
}

/* ---- memory ---- */

int mvs_flash_image_make(struct mvs_flash_image *image)
{
        int file = mvs_kept_file(image->kept, MVS_KEPT_FLASH);
        if (file < 0)
                return fail(image, -file);
        image->fd = file;
        int result = use(image);
        if (result < 0)
                mvs_flash_image_close(image);
        return result;
}

void mvs_flash_image_forget(struct mvs_flash_image *image)
{
        if (image->cells)
                munmap(image->cells, image->size);
        if (image->file && image->fd >= 0)
                close(image->fd);
        image->cells = NULL;
        image->fd = -1;
}

/* A child that was forked a moment ago may have the file still, and the lock is as much its own. */
void mvs_flash_image_close(struct mvs_flash_image *image)
{
        if (image->file && image->fd >= 0)
                flock(image->fd, LOCK_UN);
        mvs_flash_image_forget(image);
}
