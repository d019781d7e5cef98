#include "netns.h"

#include <check.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static bool write_to(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool fine = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
        if (fd >= 0)
                close(fd);
        return fine;
}

/* Who is not root becomes that in a user namespace of his own. */
static bool unshare_as_user(void)
{
        char users[64], groups[64];
        snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
        snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
        return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0 && write_to("/proc/self/setgroups", "deny") &&
               write_to("/proc/self/uid_map", users) && write_to("/proc/self/gid_map", groups);
}

static bool set_loopback(bool up)
{
        struct ifreq request = {.ifr_name = "lo"};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool fine = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
        request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
        fine = fine && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
        if (fd >= 0)
                close(fd);
        return fine;
}

bool mvt_netns_enter(void)
{
        return (unshare(CLONE_NEWNET) == 0 || unshare_as_user()) && set_loopback(true);
}

void mvt_netns_set_hosts(const struct mvt_tempdir *dir, const char *lines)
{
        char path[MVT_PATH_SIZE];
        mvt_path(path, dir, "hosts");
        mvt_write_file(path, lines, strlen(lines));
        ck_assert_int_eq(unshare(CLONE_NEWNS), 0);
        ck_assert_int_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        ck_assert_int_eq(mount(path, "/etc/hosts", NULL, MS_BIND, NULL), 0);
}

void mvt_netns_cut(void)
{
        ck_assert(set_loopback(false));
}

void mvt_netns_mend(void)
{
        ck_assert(set_loopback(true));
}
