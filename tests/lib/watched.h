/*
 * Accesses that an application must not make, and what is to be expected of them. Everything is done on purpose:
 * neither the sanitizers nor valgrind are to report it in place of the simulator.
 */
#ifndef MVT_WATCHED_H
#define MVT_WATCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "child.h"

/* Does an access to lent memory fault here, as it does unless a tool watches memory itself? Else it is found at the
 * next call. */
bool mvt_traps(void);

/* One byte is written / read at the address. */
void mvt_write(uintptr_t address, uint8_t value);
uint8_t mvt_read(uintptr_t address);

/* What the child wrote on standard error contains the text; it was ended by the signal, or by a sanitizer that had it.
 */
void mvt_expect_report(const struct mvt_child *child, int signal, const char *text);
void mvt_expect_no_report(const struct mvt_child *child);

#endif
