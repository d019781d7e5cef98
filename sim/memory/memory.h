/*
 * The memory that the application may hand to Microvisor.
 *
 * A table of regions is filled from the process's own map; pointer arguments are checked against it. What the table
 * cannot know (a page that was unmapped or protected since) is caught when the bytes are copied.
 * One owner: the device, under its lock. The copies may be made with the lock held; they never block.
 */
#ifndef MVS_MEMORY_H
#define MVS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/memory/alt_stack.h"
#include "sim/memory/guard.h"
#include "sim/profile/profile.h"

#define MVS_MEMORY_LENT_MAX 48 /* more than all limits of the profile together can ask for */
#define MVS_MEMORY_RECENT   64
#define MVS_MEMORY_PATTERN  0xA5 /* what a buffer holds when it comes back (decision 3) */

enum mvs_access {
        MVS_READ,
        MVS_WRITE, /* implies read */
        MVS_LEND,  /* as MVS_WRITE, but loans do not count: the caller asks for them itself */
};

enum mvs_region_kind {
        MVS_REGION_NONSECURE_RW, /* the application's data: heap, stacks, .data, .bss, anonymous mappings */
        MVS_REGION_NONSECURE_RO, /* the application's code and constants */
        MVS_REGION_SECURE,       /* the simulator's own state */
};

struct mvs_region {
        uintptr_t start;
        uintptr_t end; /* one past the last byte */
        enum mvs_region_kind kind;
};

/* A range that belongs to Microvisor for a while. */
struct mvs_lent {
        uintptr_t start;
        uintptr_t end;
        const char *what; /* "send_buffer of channel 0x12345678": static text or owned by the borrower */
        uint32_t owner;   /* the borrower's handle; 0 for the log buffers */
        bool secret;      /* true: application access is refused too (send, log and typed receive buffers) */

        /* For reports; NULL and 0 are left out of them. */
        const char *by;    /* the call that lent it: "mvOpenChannel" */
        const char *until; /* the call that gives it back */
        uint64_t since_us; /* device time of the loan */

        /* Filled in by mvs_memory_lend(): of a secret loan, the pages that are protected, and whether bytes lie outside
         * of them, which are compared with the pattern instead. */
        uintptr_t held_start;
        uintptr_t held_end;
        bool compared;
};

/* Words that nobody writes. */
struct mvs_words {
        const uint64_t *first;
        size_t count;
        uint64_t random; /* what they are made from */
};

struct mvs_memory {
        struct mvs_region *regions; /* sorted by start, disjoint, neighbours of one kind merged */
        size_t region_count;
        size_t region_capacity;
        struct mvs_region recent[MVS_MEMORY_RECENT]; /* regions that permitted an access, by page */
        uintptr_t secure_start; /* the arena, set by its owner before or after init; always refused */
        uintptr_t secure_end;
        struct mvs_words words; /* of the arena, set with secure_start; none: not looked at */
        struct mvs_lent lent[MVS_MEMORY_LENT_MAX];
        unsigned lent_count;
        enum mvs_lent_mode mode; /* what is done for secret loans: the profile's wish as far as it can be had here */
        bool strict;             /* the guard words are looked at in every call */
        bool watchful;           /* mvs_memory_inspect() has something to look at */
        struct mvs_guard guard;
        struct mvs_alt_stack alt_stack;
};

/* Why an access was refused: where, and by what. */
struct mvs_memory_fault {
        uintptr_t address;  /* the first byte that may not be accessed; of an overflow, the first byte of the range */
        const char *reason; /* "is NULL", "is not mapped", "is read-only", "belongs to the secure world",
                               "is lent to Microvisor", "overflows the address space", or of one of the device's
                               windows what lies there (windows.c) */
        const char *what;   /* the name of what is there: for a lent byte, mvs_lent.what; NULL: it has none */
};

/*
 * Fills the table from /proc/self/maps. Memory of libmvsim itself is secure. 0 or a negative errno. `memory` must be
 * zeroed, save for secure_start and secure_end.
 */
int mvs_memory_init(struct mvs_memory *memory) __attribute__((warn_unused_result));
void mvs_memory_finish(struct mvs_memory *memory);

/*
 * May the application access `len` bytes at `address` in this way? A length of 0 is always allowed. A miss re-reads
 * the process's map once before it refuses. On refusal *ret_fault says why; it may be NULL.
 */
bool mvs_memory_check(struct mvs_memory *memory, uintptr_t address, size_t len, enum mvs_access access,
                      struct mvs_memory_fault *ret_fault) __attribute__((warn_unused_result));

/* The first lent range that overlaps [address, address + len), or NULL. */
const struct mvs_lent *mvs_memory_lent_overlap(const struct mvs_memory *memory, uintptr_t address, size_t len);

/*
 * What is done for secret loans from now on (before the first one). `settings` is the profile's wish; a machine or a
 * tool that cannot do it gets the next best.
 */
void mvs_memory_configure(struct mvs_memory *memory, const struct mvs_profile_memory *settings);

/* Records a loan; an empty one leaves no record. The caller has checked access and overlap. False when the table is
 * full. A secret loan is filled with the pattern and made inaccessible, as the mode says. */
bool mvs_memory_lend(struct mvs_memory *memory, const struct mvs_lent *lent) __attribute__((warn_unused_result));

/* Ends all loans of `owner` that start at `start`; with `fill`, the bytes become the pattern. One that was written
 * meanwhile is reported, and the report ends the process. */
void mvs_memory_give_back(struct mvs_memory *memory, uint32_t owner, uintptr_t start, bool fill);

/* The device shuts down: ends all loans, without the pattern. */
void mvs_memory_end_loans(struct mvs_memory *memory);

/* Looks at what no page protection watches: loans that are compared and, in strict mode, the arena's guard words. What
 * was changed is reported, as found in the call `where`, and the report ends the process. Only where `watchful`. */
void mvs_memory_inspect(struct mvs_memory *memory, const char *where);

/* In the child of a fork, which has no device: loans become accessible again. */
void mvs_memory_forget(struct mvs_memory *memory);

/* ---- the chain of fault handlers (chain.c) ---- */

/*
 * Installs / removes the handlers of the signals that faults raise; what was installed before gets every fault that is
 * neither a copy's nor an access beside lent memory. Installing twice, or again in a child, changes nothing. 0 or a
 * negative errno.
 * A thread that copies must not have SIGSEGV or SIGBUS blocked: the kernel would end the process at the fault.
 */
int mvs_copy_install(void) __attribute__((warn_unused_result));
void mvs_copy_remove(void);

/* ---- fault-catching copies (copy.c) ---- */

/*
 * Copies between the application's memory and the simulator's. False when a byte could not be accessed; then part of
 * the destination may have been written. Safe in signal handlers (but see mvs_copy_install: under ThreadSanitizer,
 * handlers run with every signal blocked).
 */
bool mvs_copy_from_app(void *destination, uintptr_t source, size_t len) __attribute__((warn_unused_result));
bool mvs_copy_to_app(uintptr_t destination, const void *source, size_t len) __attribute__((warn_unused_result));
bool mvs_fill_app(uintptr_t destination, uint8_t value, size_t len) __attribute__((warn_unused_result));

/* ---- the secure arena (arena.c) ---- */

/*
 * `size` zeroed bytes at a random place. A page that nobody may touch lies before the first byte; behind the last come
 * guard words up to the end of the page, then another such page. NULL with errno set.
 */
void *mvs_arena_create(size_t size) __attribute__((warn_unused_result));
void mvs_arena_destroy(void *arena, size_t size);

/* How many bytes from the arena's start are the simulator's: `size`, and the guard words. */
size_t mvs_arena_span(size_t size);

/* The guard words behind what the arena holds. */
struct mvs_words mvs_arena_words(const void *arena, size_t size);

/* One that was changed, or NULL. Looks at `each` at either end; SIZE_MAX: at all. */
const void *mvs_words_damage(const struct mvs_words *words, size_t each);

#endif
