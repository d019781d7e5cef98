/*
 * What the benchmarks share: a clock, medians, and a table in which each line is compared with a floor that was
 * measured in the same run. Nothing here or in the benchmarks fails because of a time.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

uint64_t bench_now_ns(void);

/* From here on the calling thread, and all that it starts, runs on one processor / on all of them. Says which. */
void bench_pin(void);
void bench_unpin(void);

/* Sorts the values. */
double bench_median(double *values, size_t count);

/* The head of a table; `what` says how it was measured. */
void bench_table(const char *what);

/* A line of it: `ns` as a multiple of `floor_ns`. `aim` is NULL where there is none. */
void bench_row(const char *what, double ns, double floor_ns, const char *aim);

/* Ends the program when something that is no measurement does not work. */
#define bench_need(condition)                                       \
        do {                                                        \
                if (!(condition))                                   \
                        bench_fail(#condition, __FILE__, __LINE__); \
        } while (0)

_Noreturn void bench_fail(const char *condition, const char *file, int line);

/* In a shared object of its own: the least that a call into a library can cost. */
int bench_plain_call(void);

#endif
