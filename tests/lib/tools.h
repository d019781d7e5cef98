/* The tool that watches the test, if any: what it makes impossible is left out, and rounds are fewer where it is slow.
 */
#ifndef MVT_TOOLS_H
#define MVT_TOOLS_H

#include <stdbool.h>

bool mvt_is_address_sanitized(void);

/* Under it, signals reach code that computes when it makes a call: a bare loop is not interrupted. */
bool mvt_is_thread_sanitized(void);

bool mvt_is_valgrind(void);

/* How often to do something: `usual` times; under valgrind and ThreadSanitizer a hundredth, but at least `least`. */
unsigned mvt_rounds(unsigned usual, unsigned least);

#endif
