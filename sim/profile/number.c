#include "sim/profile/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DECIMAL     "0123456789"
#define HEXADECIMAL "0123456789abcdefABCDEF"

/* strtoull() alone would take signs, blanks and, worst, a leading zero for octal. */
static bool is_well_formed(const char *text, int *ret_base)
{
        if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
                *ret_base = 16;
                return text[2] != '\0' && text[2 + strspn(text + 2, HEXADECIMAL)] == '\0';
        }
        *ret_base = 10;
        if (text[0] == '0')
                return text[1] == '\0';
        return text[0] != '\0' && text[strspn(text, DECIMAL)] == '\0';
}

bool mvs_parse_u64(const char *text, uint64_t *ret)
{
        int base;
        if (!is_well_formed(text, &base))
                return false;
        errno = 0;
        unsigned long long value = strtoull(text, NULL, base);
        if (errno != 0)
                return false;
        *ret = value;
        return true;
}
