/*
 * The secure arena: the simulator's state between two pages that nobody may touch, so that an application that runs off
 * the end of its own memory does not run into the device.
 */
#include "sim/memory/memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * There only in a process with the leak sanitizer, which does not look into mappings of its own accord: without this,
 * an application that ends with its device running would be charged with all that the device holds.
 */
void __lsan_register_root_region(const void *start, size_t size) __attribute__((weak, visibility("default")));
void __lsan_unregister_root_region(const void *start, size_t size) __attribute__((weak, visibility("default")));

static size_t page_size(void)
{
        return (size_t)sysconf(_SC_PAGESIZE);
}

/* What the arena occupies without its guards; 0 if that cannot be. */
static size_t rounded(size_t size)
{
        size_t page = page_size();
        if (size == 0 || size > SIZE_MAX - 3 * page)
                return 0;
        return (size + page - 1) & ~(page - 1);
}

void *mvs_arena_create(size_t size)
{
        size_t page = page_size();
        size_t inner = rounded(size);
        if (inner == 0) {
                errno = size == 0 ? EINVAL : ENOMEM;
                return NULL;
        }
        char *outer = mmap(NULL, inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (outer == MAP_FAILED)
                return NULL;
        if (mprotect(outer + page, inner, PROT_READ | PROT_WRITE) < 0) {
                int saved_errno = errno;
                munmap(outer, inner + 2 * page);
                errno = saved_errno;
                return NULL;
        }
        if (__lsan_register_root_region)
                __lsan_register_root_region(outer + page, inner);
        return outer + page;
}

void mvs_arena_destroy(void *arena, size_t size)
{
        if (arena == NULL)
                return;
        if (__lsan_unregister_root_region)
                __lsan_unregister_root_region(arena, rounded(size));
        munmap((char *)arena - page_size(), rounded(size) + 2 * page_size());
}
