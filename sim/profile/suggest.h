/* Finds the word that somebody probably meant. */
#ifndef MVS_PROFILE_SUGGEST_H
#define MVS_PROFILE_SUGGEST_H

#include <stddef.h>

/* How many single-character changes (insert, drop, replace, swap of neighbours) lead from `a` to `b`. */
size_t mvs_word_distance(const char *a, const char *b);

/* Whether `candidate` is near enough to `word` to be offered in its place. */
int mvs_word_is_near(const char *word, const char *candidate);

#endif
