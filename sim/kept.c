#include "sim/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void mvs_kept_init(struct mvs_kept *kept)
{
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++)
                kept->fds[part] = -1;
}

void mvs_kept_finish(struct mvs_kept *kept)
{
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++) {
                if (kept->fds[part] >= 0)
                        close(kept->fds[part]);
        }
        mvs_kept_init(kept);
}

int mvs_kept_file(struct mvs_kept *kept, enum mvs_kept_part part)
{
        static const char *const names[MVS_KEPT_COUNT] = {"mvsim-flash", "mvsim-flash-operations", "mvsim-wifi",
                                                          "mvsim-cloud", "mvsim-config",           "mvsim-schedule",
                                                          "mvsim-mqtt"};
        if (kept->fds[part] < 0)
                kept->fds[part] = memfd_create(names[part], MFD_CLOEXEC);
        return kept->fds[part] < 0 ? -errno : kept->fds[part];
}

static int make_room(int fd, size_t size)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        if ((size_t)st.st_size < size && ftruncate(fd, (off_t)size) < 0)
                return -errno;
        return 0;
}

void *mvs_kept_map(struct mvs_kept *kept, enum mvs_kept_part part, size_t size)
{
        int fd = mvs_kept_file(kept, part);
        if (fd < 0 || make_room(fd, size) < 0)
                return NULL;
        void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        return bytes == MAP_FAILED ? NULL : bytes;
}

void mvs_kept_inherit(const struct mvs_kept *kept, bool inherited)
{
        for (unsigned part = 0; part < MVS_KEPT_COUNT; part++) {
                if (kept->fds[part] >= 0)
                        fcntl(kept->fds[part], F_SETFD, inherited ? 0 : FD_CLOEXEC);
        }
}
