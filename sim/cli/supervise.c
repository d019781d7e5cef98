/*
 * Running the application as a child that may not outlive its time.
 *
 * The child stays in mvsim's process group, so a terminal's keys (Ctrl-C, Ctrl-\, Ctrl-Z) reach it by themselves and
 * it may read from the terminal; only signals that somebody sent to mvsim alone are passed on. mvsim makes itself the
 * reaper of what the application leaves behind, and ends that too.
 */
#include "sim/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_AFTER_NS 2000000000 /* from SIGTERM to SIGKILL */
#define NS_PER_S      1000000000

struct watch {
        const char *name;
        pid_t child;
        double timeout_s;
        int64_t deadline_ns;
        bool timed_out; /* SIGTERM was sent, and the deadline is now SIGKILL's */
};

static int64_t now_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void watched_signals(sigset_t *ret)
{
        static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};
        sigemptyset(ret);
        for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
                sigaddset(ret, signals[i]);
}

static void expire(struct watch *watch)
{
        if (watch->timed_out) {
                kill(watch->child, SIGKILL);
                watch->deadline_ns = INT64_MAX;
                return;
        }
        fprintf(stderr, "mvsim run: %s: still running after %g s (--timeout); ending it\n", watch->name,
                watch->timeout_s);
        watch->timed_out = true;
        watch->deadline_ns = now_ns() + KILL_AFTER_NS;
        kill(watch->child, SIGTERM);
        kill(watch->child, SIGCONT); /* a stopped child would not see it */
}

/* A key of the terminal went to the whole process group, the child included; it must not get the signal twice. */
static bool came_from_terminal(const siginfo_t *info)
{
        return info->si_code == SI_KERNEL;
}

static bool has_ended(const struct watch *watch, int *ret_status)
{
        pid_t pid;
        while ((pid = waitpid(-1, ret_status, WNOHANG)) > 0) {
                if (pid == watch->child)
                        return true;
        }
        return false;
}

static int wait_for_child(struct watch *watch, const sigset_t *signals)
{
        int status;
        while (!has_ended(watch, &status)) {
                int64_t left = watch->deadline_ns - now_ns();
                if (left <= 0) {
                        expire(watch);
                        continue;
                }
                struct timespec timeout = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
                siginfo_t info;
                int signal = sigtimedwait(signals, &info, &timeout);
                if (signal > 0 && signal != SIGCHLD && !came_from_terminal(&info))
                        kill(watch->child, signal);
        }
        return status;
}

/* The one process that is now our child, or -1. Reads the kernel's list, which only names direct children. */
static pid_t any_child(void)
{
        FILE *file = fopen("/proc/thread-self/children", "re");
        if (!file)
                return -1;
        int pid;
        int found = fscanf(file, "%d", &pid);
        fclose(file);
        return found == 1 ? pid : -1;
}

/* Orphans come to us one generation after the other, until nobody is left. */
static void end_leftovers(void)
{
        for (pid_t pid = any_child(); pid > 0; pid = any_child()) {
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
}

static void be_child(char **argv, pid_t parent, const sigset_t *mask)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(MVS_CLI_FAILED); /* it went before we could ask to be told */
        sigprocmask(SIG_SETMASK, mask, NULL);
        _exit(mvs_cli_exec(argv));
}

/* Ends as the application did, so that whoever started mvsim sees the same; without a second core file. */
static int die_of(int signal, const char *name, bool had_core)
{
        fprintf(stderr, "mvsim run: %s: ended by signal %d (%s)%s\n", name, signal, strsignal(signal),
                had_core ? ", core dumped" : "");
        prctl(PR_SET_DUMPABLE, 0);
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, signal);
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigaction(signal, &action, NULL);
        raise(signal);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        return 128 + signal;
}

static int result_of(const struct watch *watch, int status)
{
        if (watch->timed_out)
                return MVS_CLI_TIMEOUT;
        if (WIFSIGNALED(status))
                return die_of(WTERMSIG(status), watch->name, WCOREDUMP(status));
        return WEXITSTATUS(status);
}

int mvs_cli_supervise(char **argv, double timeout_s)
{
        sigset_t signals;
        sigset_t before;
        watched_signals(&signals);
        sigprocmask(SIG_BLOCK, &signals, &before);
        signal(SIGCHLD, SIG_DFL); /* inherited as ignored, it would lose us the exit status */
        prctl(PR_SET_CHILD_SUBREAPER, 1);

        struct watch watch = {.name = argv[0], .timeout_s = timeout_s};
        watch.deadline_ns = now_ns() + (int64_t)(timeout_s * NS_PER_S);
        pid_t parent = getpid();
        watch.child = fork();
        if (watch.child < 0) {
                fprintf(stderr, "mvsim run: %s: cannot be started: %s\n", argv[0], strerror(errno));
                return MVS_CLI_FAILED;
        }
        if (watch.child == 0)
                be_child(argv, parent, &before);
        int status = wait_for_child(&watch, &signals);
        end_leftovers();
        return result_of(&watch, status);
}
