/* From the start of a process to its end: a test that uses no network and one that does, beside an empty program. */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RUNS     300
#define SUBJECTS 3

static const char *const names[SUBJECTS] = {
        "an empty C program",
        "a device and one call, no network",
        "a device, connected, one HTTPS request that is refused",
};

static const char *const aims[SUBJECTS] = {NULL, "<= 1.5 ms over the empty program", NULL};

static double run(char *program)
{
        char *argv[] = {program, NULL};
        pid_t pid;
        int status;
        uint64_t start = bench_now_ns();
        bench_need(posix_spawn(&pid, program, NULL, NULL, argv, environ) == 0);
        bench_need(waitpid(pid, &status, 0) == pid);
        double ns = (double)(bench_now_ns() - start);
        bench_need(status == 0);
        return ns;
}

static void measure(char **programs)
{
        static double ns[SUBJECTS][RUNS];
        for (unsigned i = 0; i < RUNS; i++) {
                for (unsigned subject = 0; subject < SUBJECTS; subject++)
                        ns[subject][i] = run(programs[subject]);
        }
        bench_table("A process, from its start to its end; ratio to the empty program");
        double floor = bench_median(ns[0], RUNS);
        for (unsigned subject = 0; subject < SUBJECTS; subject++) {
                double median = bench_median(ns[subject], RUNS);
                bench_row(names[subject], median, floor, aims[subject]);
                if (subject > 0)
                        printf("  %-62s %9.2f ms\n", "  over the empty program", (median - floor) / 1e6);
        }
}

/* Arguments: the three programs. */
int main(int argc, char **argv)
{
        bench_need(argc == 1 + SUBJECTS);
        bench_need(freopen("/dev/null", "w", stderr) != NULL); /* the refused request's message */
        bench_pin();
        measure(argv + 1);
        bench_unpin();
        measure(argv + 1);
        return 0;
}
