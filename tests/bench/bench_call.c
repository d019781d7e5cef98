/* What a system call costs, beside a plain call into a shared object and a system call of Linux. */
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "mv_syscalls.h"
#include "mvsim/mvsim.h"

#define ROUNDS 21
#define CALLS  300000

static uint64_t now_us;

static void plain(void)
{
        bench_plain_call();
}

static void linux_call(void)
{
        syscall(SYS_getppid);
}

static void read_clock(void)
{
        now_us = bench_now_ns();
}

static void no_op(void)
{
        mvNoOp();
}

static void get_microseconds(void)
{
        mvGetMicroseconds(&now_us);
}

static const struct {
        const char *name;
        void (*call)(void);
        const char *aim;
} subjects[] = {
        {"plain call into a shared object", plain, NULL},
        {"getppid", linux_call, NULL},
        {"the host's clock, which mvGetMicroseconds reads in real time", read_clock, NULL},
        {"mvNoOp", no_op, "<= 30 ns and < 1/5 of getppid"},
        {"mvGetMicroseconds", get_microseconds, "<= 30 ns and < 1/5 of getppid"},
};

#define SUBJECTS (sizeof subjects / sizeof *subjects)

static double ns_per_call(void (*call)(void))
{
        uint64_t start = bench_now_ns();
        for (unsigned i = 0; i < CALLS; i++)
                call();
        return (double)(bench_now_ns() - start) / CALLS;
}

/* The subjects take turns, so that what disturbs the computer disturbs all of them. */
static void measure(enum mvsim_time_mode mode, const char *title)
{
        static double ns[SUBJECTS][ROUNDS];
        bench_need(mvsim_boot(&(struct mvsim_options){.profile = "", .time = mode}) == 0);
        for (unsigned round = 0; round < ROUNDS; round++) {
                for (unsigned i = 0; i < SUBJECTS; i++)
                        ns[i][round] = ns_per_call(subjects[i].call);
        }
        mvsim_shutdown();
        bench_table(title);
        double floor = bench_median(ns[1], ROUNDS);
        for (unsigned i = 0; i < SUBJECTS; i++)
                bench_row(subjects[i].name, bench_median(ns[i], ROUNDS), floor, subjects[i].aim);
}

int main(void)
{
        bench_pin();
        measure(MVSIM_TIME_REAL, "One call, real time; ratio to getppid");
        measure(MVSIM_TIME_VIRTUAL, "One call, virtual time; ratio to getppid");
        return 0;
}
