/* The tool that watches the test, if any: what it makes impossible is left out, and rounds are fewer where it is slow.
 */
#ifndef MVT_TOOLS_H
#define MVT_TOOLS_H

#include <stdbool.h>

bool mvt_is_address_sanitized(void);

/* To be called before a fork. The address sanitizer does not care for forks: a lock of its own that another thread has
 * at that moment is never free in the child. So the others come to rest first, if they do within a second. */
void mvt_let_threads_rest(void);

/* Under it, signals reach code that computes when it makes a call: a bare loop is not interrupted. */
bool mvt_is_thread_sanitized(void);

bool mvt_is_valgrind(void);

/* How often to do something: `usual` times; under valgrind and ThreadSanitizer a hundredth, but at least `least`. */
unsigned mvt_rounds(unsigned usual, unsigned least);

#endif
