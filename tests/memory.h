/*
 * What the tests of what sim/memory knows share: a table, pages of every kind, and what is refused. Each part of the
 * suite is a file, memory_PART.c.
 */
#ifndef MVT_MEMORY_H
#define MVT_MEMORY_H

#include <check.h>

#include "sim/memory/regions.h"

extern struct mvs_memory mvt_memory; /* read from the process's map for each test */
extern uintptr_t mvt_page;

char *mvt_map_pages(size_t count, int protection);
char *mvt_map_island(size_t count); /* with a hole before and behind, so that nothing joins it */
void mvt_protect(void *at, size_t count, int protection);

bool mvt_allowed(const void *at, size_t len, enum mvs_access access);
void mvt_expect_refusal(const void *at, size_t len, enum mvs_access access, const void *where, const char *reason);

TCase *mvt_memory_case(Suite *suite, const char *name);

/* The parts. */
void mvt_memory_add_table(Suite *suite);
void mvt_memory_add_loans(Suite *suite);
void mvt_memory_add_copies(Suite *suite);
void mvt_memory_add_faults(Suite *suite);
void mvt_memory_add_arena(Suite *suite);

#endif
