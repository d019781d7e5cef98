/* What every test program defines, and what lib/main.c runs. */
#ifndef MVT_SUITE_H
#define MVT_SUITE_H

#include <check.h>

Suite *suite(void);

#endif
