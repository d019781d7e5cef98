/* A benchmark as a test of Check's, because the tests' servers tell through Check what went wrong with them. */
#ifndef BENCH_ONLY_TEST_H
#define BENCH_ONLY_TEST_H

#include <check.h>

/* Runs it in this process, without a limit; the exit status of main(). */
int bench_run_only_test(const TTest *test);

#endif
