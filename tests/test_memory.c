/* The table of regions, loans, fault-catching copies and the secure arena, in the parts memory_*.c. */
#include "memory.h"
#include "suite.h"

Suite *suite(void)
{
        Suite *suite = suite_create("memory");
        mvt_memory_add_table(suite);
        mvt_memory_add_loans(suite);
        mvt_memory_add_copies(suite);
        mvt_memory_add_faults(suite);
        mvt_memory_add_arena(suite);
        return suite;
}
