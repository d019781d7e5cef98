#include "sim/memory/tools.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_VALGRIND
#include <valgrind/memcheck.h>
#else
#define VALGRIND_MAKE_MEM_NOACCESS(start, len) ((void)(start), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(start, len)  ((void)(start), (void)(len))
#define VALGRIND_DISABLE_ERROR_REPORTING       ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING        ((void)0)
#endif

/* There when the application, or this library, was built with the sanitizer. */
void __asan_poison_memory_region(const volatile void *start, size_t len) __attribute__((weak, visibility("default")));
void __asan_unpoison_memory_region(const volatile void *start, size_t len) __attribute__((weak, visibility("default")));
void __tsan_init(void) __attribute__((weak, visibility("default")));

/* Valgrind loads its part by this variable. */
static bool is_valgrind(void)
{
        const char *preload = getenv("LD_PRELOAD");
        return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

enum mvs_tool mvs_tool(void)
{
        if (__asan_poison_memory_region != NULL)
                return MVS_TOOL_ADDRESS_SANITIZER;
        if (__tsan_init != NULL)
                return MVS_TOOL_THREAD_SANITIZER;
        return is_valgrind() ? MVS_TOOL_VALGRIND : MVS_TOOL_NONE;
}

void mvs_tool_withhold(uintptr_t start, size_t len)
{
        if (__asan_poison_memory_region != NULL)
                __asan_poison_memory_region((void *)start, len);
        VALGRIND_MAKE_MEM_NOACCESS(start, len);
}

void mvs_tool_allow(uintptr_t start, size_t len)
{
        if (__asan_unpoison_memory_region != NULL)
                __asan_unpoison_memory_region((void *)start, len);
        VALGRIND_MAKE_MEM_DEFINED(start, len);
}

void mvs_tool_look_away(void)
{
        VALGRIND_DISABLE_ERROR_REPORTING;
}

void mvs_tool_look_again(void)
{
        VALGRIND_ENABLE_ERROR_REPORTING;
}
