#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static cpu_set_t all;

uint64_t bench_now_ns(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void bench_pin(void)
{
        cpu_set_t one;
        if (CPU_COUNT(&all) == 0)
                sched_getaffinity(0, sizeof all, &all);
        size_t last = CPU_SETSIZE - 1;
        while (!CPU_ISSET(last, &all))
                last--;
        CPU_ZERO(&one);
        CPU_SET(last, &one);
        bench_need(sched_setaffinity(0, sizeof one, &one) == 0);
        printf("\n== all on one processor (number %zu)\n", last);
}

void bench_unpin(void)
{
        if (CPU_COUNT(&all) == 0)
                sched_getaffinity(0, sizeof all, &all);
        bench_need(sched_setaffinity(0, sizeof all, &all) == 0);
        printf("\n== on any of %d processors\n", CPU_COUNT(&all));
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a;
        double y = *(const double *)b;
        return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
        qsort(values, count, sizeof *values, compare);
        return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

void bench_table(const char *what)
{
        printf("\n%s\n  %-62s %12s %8s  %s\n", what, "", "median", "ratio", "aim");
}

static void print_time(double ns)
{
        if (ns < 1e4)
                printf(" %9.1f ns", ns);
        else if (ns < 1e7)
                printf(" %9.1f us", ns / 1e3);
        else
                printf(" %9.1f ms", ns / 1e6);
}

void bench_row(const char *what, double ns, double floor_ns, const char *aim)
{
        printf("  %-62s", what);
        print_time(ns);
        printf(" %8.2f  %s\n", ns / floor_ns, aim ? aim : "");
        fflush(stdout);
}

void bench_fail(const char *condition, const char *file, int line)
{
        fprintf(stderr, "%s:%d: the benchmark cannot go on: %s is not so\n", file, line, condition);
        exit(EXIT_FAILURE);
}
