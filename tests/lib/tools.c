#include "tools.h"

#include <stdlib.h>
#include <string.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

bool mvt_is_address_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
        return true;
#else
        return false;
#endif
}

bool mvt_is_thread_sanitized(void)
{
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
        return true;
#else
        return false;
#endif
}

/* It loads its part by this variable. */
bool mvt_is_valgrind(void)
{
        const char *preload = getenv("LD_PRELOAD");
        return preload && strstr(preload, "vgpreload");
}

unsigned mvt_rounds(unsigned usual, unsigned least)
{
        if (!mvt_is_valgrind() && !mvt_is_thread_sanitized())
                return usual;
        return usual / 100 > least ? usual / 100 : least;
}
