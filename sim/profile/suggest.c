#include "sim/profile/suggest.h"

#include <string.h>

#define WORD_MAX 40 /* longer words are nobody's slip of the pen for one of ours */

static size_t least(size_t a, size_t b)
{
        return a < b ? a : b;
}

/* One row of the table of optimal string alignment; `before` and `last` are the two rows above it. */
static void fill_row(size_t row, const char *a, const char *b, const size_t *before, const size_t *last, size_t *now)
{
        now[0] = row;
        for (size_t col = 1; b[col - 1] != '\0'; col++) {
                size_t replace = last[col - 1] + (a[row - 1] != b[col - 1]);
                now[col] = least(replace, least(last[col], now[col - 1]) + 1);
                if (row > 1 && col > 1 && a[row - 1] == b[col - 2] && a[row - 2] == b[col - 1])
                        now[col] = least(now[col], before[col - 2] + 1);
        }
}

size_t mvs_word_distance(const char *a, const char *b)
{
        size_t a_len = strlen(a);
        size_t b_len = strlen(b);
        if (a_len > WORD_MAX || b_len > WORD_MAX)
                return WORD_MAX;

        size_t rows[3][WORD_MAX + 1] = {0};
        for (size_t col = 0; col <= b_len; col++)
                rows[0][col] = col;
        for (size_t row = 1; row <= a_len; row++)
                fill_row(row, a, b, rows[(row + 1) % 3], rows[(row + 2) % 3], rows[row % 3]);
        return rows[a_len % 3][b_len];
}

int mvs_word_is_near(const char *word, const char *candidate)
{
        size_t allowed = strlen(candidate) < 5 ? 1 : 2;
        return mvs_word_distance(word, candidate) <= allowed;
}
