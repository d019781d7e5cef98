/*
 * The secure arena: the simulator's state between two pages that nobody may touch, so that an application that runs off
 * the end of its own memory does not run into the device. What is left of the last page is filled with guard words.
 */
#include "sim/memory/memory.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "sim/memory/regions.h"

#define GUARD_BYTES 64  /* at least */
#define PLACES      256 /* pages that the arena moves about in */

/*
 * There only in a process with the leak sanitizer, which does not look into mappings of its own accord: without this,
 * an application that ends with its device running would be charged with all that the device holds.
 */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak, visibility("default")));
void __lsan_unregister_root_region(const void *start, size_t size) __attribute__((weak, visibility("default")));

size_t mvs_page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

/* What the arena occupies without the pages around it; 0 if that cannot be. */
static size_t rounded(size_t size)
{
        size_t page = mvs_page_size();
        if (size == 0 || size > SIZE_MAX - (PLACES + 4) * page)
                return 0;
        return (size + GUARD_BYTES + page - 1) & ~(page - 1);
}

size_t mvs_arena_span(size_t size)
{
        return rounded(size);
}

/* ---- guard words ---- */

/* The kernel gives every program 16 random bytes. */
static uint64_t random_word(void)
{
        uint64_t random;
        memcpy(&random, (const void *)getauxval(AT_RANDOM), sizeof random);
        return random;
}

/* Different for each word. */
static uint64_t guard_word(uint64_t random, const void *at)
{
        return (random ^ (uintptr_t)at) * UINT64_C(0x9e3779b97f4a7c15);
}

struct mvs_words mvs_arena_words(const void *arena, size_t size)
{
        uintptr_t first = ((uintptr_t)arena + size + sizeof(uint64_t) - 1) & ~(uintptr_t)(sizeof(uint64_t) - 1);
        uintptr_t end = (uintptr_t)arena + rounded(size);
        return (struct mvs_words){
                .first = (const uint64_t *)first, .count = (end - first) / sizeof(uint64_t), .random = random_word()};
}

const void *mvs_words_damage(const struct mvs_words *words, size_t each)
{
        for (size_t i = 0; i < words->count && i < each; i++) {
                const uint64_t *first = &words->first[i];
                const uint64_t *last = &words->first[words->count - 1 - i];
                if (*first != guard_word(words->random, first))
                        return first;
                if (*last != guard_word(words->random, last))
                        return last;
        }
        return NULL;
}

static void fill_guard_words(void *arena, size_t size)
{
        struct mvs_words words = mvs_arena_words(arena, size);
        uint64_t *first = (uint64_t *)((uintptr_t)words.first);
        for (size_t i = 0; i < words.count; i++)
                first[i] = guard_word(words.random, &first[i]);
}

/* ---- life ---- */

/* Reserves `len` bytes at one of many places, without access. */
static char *reserve(size_t len)
{
        size_t page = mvs_page_size();
        size_t room = PLACES * page;
        unsigned char place = 0;
        char *start = mmap(NULL, len + room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED)
                return NULL;
        if (getrandom(&place, sizeof place, 0) < 0)
                place = 0;
        size_t before = place * page;
        if (before > 0)
                munmap(start, before);
        munmap(start + before + len, room - before);
        return start + before;
}

void *mvs_arena_create(size_t size)
{
        size_t page = mvs_page_size();
        size_t inner = rounded(size);
        if (inner == 0) {
                errno = size == 0 ? EINVAL : ENOMEM;
                return NULL;
        }
        char *outer = reserve(inner + 2 * page);
        if (outer == NULL)
                return NULL;
        char *arena = outer + page;
        if (mprotect(arena, inner, PROT_READ | PROT_WRITE) < 0) {
                int saved_errno = errno;
                munmap(outer, inner + 2 * page);
                errno = saved_errno;
                return NULL;
        }
        fill_guard_words(arena, size);
        if (__lsan_register_root_region)
                __lsan_register_root_region(arena, inner);
        return arena;
}

void mvs_arena_destroy(void *arena, size_t size)
{
        if (arena == NULL)
                return;
        if (__lsan_unregister_root_region)
                __lsan_unregister_root_region(arena, rounded(size));
        munmap((char *)arena - mvs_page_size(), rounded(size) + 2 * mvs_page_size());
}
