/*
 * The table of regions: how it is filled and searched. For the files of sim/memory and their tests.
 */
#ifndef MVS_REGIONS_H
#define MVS_REGIONS_H

#include "sim/memory/memory.h"

/* Appends a region that starts at or after the end of the last one; joins the two when they touch and are of one kind.
 * 0 or -ENOMEM. May move the table. */
int mvs_regions_add(struct mvs_memory *memory, uintptr_t start, uintptr_t end, enum mvs_region_kind kind)
        __attribute__((warn_unused_result));

/* Forgets all regions; keeps the table's memory. */
void mvs_regions_clear(struct mvs_memory *memory);

/* The index of the first region that ends above `address`; region_count if there is none. */
size_t mvs_regions_find(const struct mvs_memory *memory, uintptr_t address);

/* Does the table, as it is now, permit the access to every byte from `address` to `last`? Looks at regions alone, not
 * at the arena or at loans. On refusal *ret_fault is filled in. */
bool mvs_regions_permit(const struct mvs_memory *memory, uintptr_t address, uintptr_t last, enum mvs_access access,
                        struct mvs_memory_fault *ret_fault) __attribute__((warn_unused_result));

/* The memory that the table's own array occupies. */
size_t mvs_regions_bytes(size_t capacity);

/* A line of /proc/self/maps. */
struct mvs_segment {
        uintptr_t start;
        uintptr_t end;
        bool readable;
        bool writable;
        bool executable;
        char name[128]; /* "/usr/lib/…", "[heap]"; cut, or empty */
};

/* What kind of memory a range is, as far as it matters for protecting it. */
struct mvs_survey {
        bool plain; /* every byte is data that may be read and written, or would be if it were not lent */
        bool heap;  /* the C library's heap: others, and the kernel on their behalf, use what lies beside */
        bool stack; /* a stack: the one in use, or the process's first */
};

/* The segment that holds the address; false: none does, and *ret_segment is the next one above. Takes no lock and
 * allocates nothing. */
bool mvs_maps_find(uintptr_t address, struct mvs_segment *ret_segment);

/* Looks at the pages of [start, end). `stack` is an address in the stack that is in use. 0 or a negative errno; -EFAULT
 * where there is a hole. */
int mvs_maps_survey(const struct mvs_memory *memory, uintptr_t start, uintptr_t end, uintptr_t stack,
                    struct mvs_survey *ret_survey) __attribute__((warn_unused_result));

/* May the simulator's own variables lie in this range? Where it is linked into the executable they lie among the
 * application's. */
bool mvs_maps_has_own_data(uintptr_t start, uintptr_t end);

/* Does the address lie in libmvsim.so? */
bool mvs_maps_is_own_code(uintptr_t address);

size_t mvs_page_size(void);

/* The first part of [address, end) that is inaccessible because it is lent. */
bool mvs_lent_next_held(const struct mvs_memory *memory, uintptr_t address, uintptr_t end, uintptr_t *ret_start,
                        uintptr_t *ret_end);

/* Replaces the table by what /proc/self/maps says now. 0 or a negative errno; if the map could not be opened the table
 * is as it was, if it could only be read in part the table ends there. Keeps errno. Takes no lock, allocates with mmap
 * alone: it may run in a signal handler that interrupted malloc. */
int mvs_maps_read(struct mvs_memory *memory) __attribute__((warn_unused_result));

/* The secret loan with the lowest start that overlaps [address, last], or NULL. */
const struct mvs_lent *mvs_lent_secret(const struct mvs_memory *memory, uintptr_t address, uintptr_t last);

#endif
