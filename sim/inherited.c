#include "sim/inherited.h"

#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#define DESCRIPTORS 1024U /* nobody hands on one beyond these */

/* Globals, because the time to look is before main(), and before the device boots: written then, by the one thread that
 * there is, and only read afterwards. */
static bool handed_on[DESCRIPTORS];
static bool runs[3];
static sigset_t mask;
static pid_t process;

static const __itimer_which_t timers[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};

/* poll() says of each in one call whether it is open. Where that fails, all count as handed on. */
static void note_descriptors(void)
{
        struct pollfd fds[DESCRIPTORS];
        struct rlimit limit;
        unsigned count = DESCRIPTORS;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < count)
                count = (unsigned)limit.rlim_cur;
        for (unsigned fd = 0; fd < count; fd++)
                fds[fd] = (struct pollfd){.fd = (int)fd};
        bool failed = poll(fds, count, 0) < 0;
        for (unsigned fd = 0; fd < count; fd++)
                handed_on[fd] = failed || !(fds[fd].revents & POLLNVAL);
}

__attribute__((constructor)) static void note(void)
{
        process = getpid();
        note_descriptors();
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++) {
                struct itimerval timer;
                runs[i] = getitimer(timers[i], &timer) == 0 && (timer.it_value.tv_sec || timer.it_value.tv_usec);
        }
}

bool mvs_inherited_is_forked(void)
{
        return getpid() != process;
}

void mvs_inherited_close_others(void)
{
        unsigned first = 0; /* of those that follow each other and are not handed on */
        for (unsigned fd = 0; fd < DESCRIPTORS; fd++) {
                if (!handed_on[fd])
                        continue;
                if (fd > first)
                        syscall(SYS_close_range, first, fd - 1, CLOSE_RANGE_CLOEXEC);
                first = fd + 1;
        }
        syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC);
}

void mvs_inherited_stop_timers(void)
{
        static const struct itimerval never;
        for (unsigned i = 0; i < sizeof timers / sizeof timers[0]; i++) {
                if (!runs[i])
                        setitimer(timers[i], &never, NULL);
        }
}

void mvs_inherited_set_mask(void)
{
        pthread_sigmask(SIG_SETMASK, &mask, NULL);
}
