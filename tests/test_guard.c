/* The protection of lent pages, below the device: several loans on a page, the table of regions, the guard words. */
#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/memory/regions.h"
#include "suite.h"
#include "watched.h"

static struct mvs_memory memory;
static uintptr_t page;
static char *island; /* three pages with holes before and behind */

static void setup(void)
{
        const struct mvs_profile_memory settings = {.lent = MVS_LENT_TRAP};
        page = mvs_page_size();
        memset(&memory, 0, sizeof memory);
        island = mmap(NULL, 5 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(island, MAP_FAILED);
        island += page;
        ck_assert_int_eq(mprotect(island, 3 * page, PROT_READ | PROT_WRITE), 0);
        ck_assert_int_eq(mvs_memory_init(&memory), 0);
        ck_assert_int_eq(mvs_copy_install(), 0);
        mvs_memory_configure(&memory, &settings);
        mvs_guard_watch(&memory);
}

static void teardown(void)
{
        mvs_memory_end_loans(&memory);
        mvs_guard_watch(NULL);
        mvs_copy_remove();
        mvs_memory_finish(&memory);
        munmap(island - page, 5 * page);
}

static const struct mvs_lent *lend(size_t offset, size_t len, uint32_t owner)
{
        struct mvs_lent lent = {.start = (uintptr_t)island + offset,
                                .end = (uintptr_t)island + offset + len,
                                .what = "buffer",
                                .owner = owner,
                                .secret = true,
                                .by = "mvTest",
                                .until = "the end"};
        ck_assert(mvs_memory_lend(&memory, &lent));
        return &memory.lent[memory.lent_count - 1];
}

static void give_back(size_t offset, uint32_t owner)
{
        mvs_memory_give_back(&memory, owner, (uintptr_t)island + offset, true);
}

/* Does an access by the application fault? */
static bool is_closed(size_t offset)
{
        struct mvs_segment segment;
        return mvs_maps_find((uintptr_t)island + offset, &segment) && !segment.readable;
}

START_TEST(a_loan_takes_the_pages_that_it_touches)
{
        const struct mvs_lent *lent = lend(100, page, 1);
        ck_assert_uint_eq(lent->held_start, (uintptr_t)island);
        ck_assert_uint_eq(lent->held_end, (uintptr_t)island + 2 * page);
        ck_assert(!lent->compared);
        ck_assert(is_closed(0) && is_closed(page) && !is_closed(2 * page));
        give_back(100, 1);
        ck_assert(!is_closed(0) && !is_closed(page));
}
END_TEST

START_TEST(a_page_stays_closed_until_its_last_loan_ends)
{
        lend(512, 512, 1);
        lend(1024, 512, 2);
        lend(2048, page, 3);
        give_back(512, 1);
        ck_assert(is_closed(0) && is_closed(page));
        give_back(2048, 3);
        ck_assert(is_closed(0) && !is_closed(page));
        ck_assert_uint_eq(mvt_read((uintptr_t)island + 512), MVS_MEMORY_PATTERN);
        ck_assert_uint_eq(mvt_read((uintptr_t)island + 2048), MVS_MEMORY_PATTERN);
        give_back(1024, 2);
        ck_assert(!is_closed(0));
}
END_TEST

START_TEST(neighbours_are_still_the_applications_in_the_table)
{
        lend(512, 512, 1);
        ck_assert_int_eq(mvs_maps_read(&memory), 0);
        ck_assert(mvs_memory_check(&memory, (uintptr_t)island, 512, MVS_WRITE, NULL));
        ck_assert(mvs_memory_check(&memory, (uintptr_t)island + 1024, page, MVS_WRITE, NULL));
        ck_assert(!mvs_memory_check(&memory, (uintptr_t)island + 1000, 100, MVS_READ, NULL));
        ck_assert(!mvs_memory_check(&memory, (uintptr_t)island - 1, 1, MVS_READ, NULL));
}
END_TEST

START_TEST(copies_to_neighbours_open_the_page_and_close_it)
{
        char bytes[512];
        lend(512, 512, 1);
        memset(bytes, 9, sizeof bytes);
        ck_assert(mvs_copy_to_app((uintptr_t)island, bytes, 512));
        ck_assert(is_closed(0));
        memset(bytes, 0, sizeof bytes);
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)island + 12, 500));
        ck_assert_int_eq(bytes[499], 9);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)island + 600, 100));
        ck_assert(!mvs_copy_to_app((uintptr_t)island + 1023, bytes, 1));
        ck_assert(is_closed(0));
}
END_TEST

START_TEST(a_neighbour_is_let_through_and_the_page_closed_again)
{
        lend(512, 512, 1);
        mvt_write((uintptr_t)island + 511, 3);
        ck_assert(is_closed(0));
        ck_assert_uint_eq(mvt_read((uintptr_t)island + 511), 3);
        ck_assert(is_closed(0));
}
END_TEST

START_TEST(what_cannot_be_protected_is_compared)
{
        ck_assert_int_eq(mprotect(island + page, page, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
        const struct mvs_lent *lent = lend(0, 2 * page, 1);
        ck_assert_uint_eq(lent->held_start, lent->held_end);
        ck_assert(lent->compared && memory.watchful && !is_closed(0));
        give_back(0, 1);
        ck_assert(!memory.watchful);
}
END_TEST

START_TEST(a_handler_over_ours_leaves_the_neighbours_open)
{
        struct sigaction before, above = {.sa_handler = SIG_DFL};
        ck_assert_int_eq(sigaction(SIGSEGV, &above, &before), 0);
        const struct mvs_lent *lent = lend(512, 2 * page, 1);
        ck_assert(!is_closed(0) && is_closed(page) && !is_closed(2 * page) && lent->compared);
        ck_assert_int_eq(sigaction(SIGSEGV, &before, NULL), 0);
}
END_TEST

/* ---- the guard words ---- */

static const void *damage(const void *arena, size_t size, size_t each)
{
        struct mvs_words words = mvs_arena_words(arena, size);
        return mvs_words_damage(&words, each);
}

START_TEST(guard_words_tell_what_was_changed)
{
        page = mvs_page_size();
        size_t size = 2 * page + 101;
        char *arena = mvs_arena_create(size);
        ck_assert_ptr_nonnull(arena);
        ck_assert_ptr_null(damage(arena, size, SIZE_MAX));
        arena[size - 1] = 1;
        ck_assert_ptr_null(damage(arena, size, SIZE_MAX));
        char *last = arena + mvs_arena_span(size) - 1;
        *last = (char)(*last + 1);
        ck_assert_ptr_eq(damage(arena, size, SIZE_MAX), last - 7);
        ck_assert_ptr_eq(damage(arena, size, 1), last - 7);
        *last = (char)(*last - 1);
        char *first = arena + size + 3;
        first[8] = (char)(first[8] + 1);
        ck_assert_ptr_eq(damage(arena, size, 2), first + 8);
        ck_assert_ptr_null(damage(arena, size, 1));
        mvs_arena_destroy(arena, size);
}
END_TEST

START_TEST(arenas_lie_at_different_places)
{
        void *arenas[8];
        unsigned gaps = 0;
        page = mvs_page_size();
        for (unsigned i = 0; i < 8; i++)
                arenas[i] = mvs_arena_create(page);
        for (unsigned i = 2; i < 8; i++)
                gaps += (uintptr_t)arenas[i] - (uintptr_t)arenas[i - 1] !=
                        (uintptr_t)arenas[i - 1] - (uintptr_t)arenas[i - 2];
        for (unsigned i = 0; i < 8; i++)
                mvs_arena_destroy(arenas[i], page);
        ck_assert_uint_gt(gaps, 0);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("guard");
        TCase *pages = tcase_create("pages");
        TCase *words = tcase_create("guard words");
        tcase_add_checked_fixture(pages, setup, teardown);
        if (mvt_traps()) {
                tcase_add_test(pages, a_loan_takes_the_pages_that_it_touches);
                tcase_add_test(pages, a_page_stays_closed_until_its_last_loan_ends);
                tcase_add_test(pages, neighbours_are_still_the_applications_in_the_table);
                tcase_add_test(pages, copies_to_neighbours_open_the_page_and_close_it);
                tcase_add_test(pages, a_neighbour_is_let_through_and_the_page_closed_again);
                tcase_add_test(pages, a_handler_over_ours_leaves_the_neighbours_open);
        }
        tcase_add_test(pages, what_cannot_be_protected_is_compared);
        tcase_set_timeout(words, 60);
        tcase_add_test(words, guard_words_tell_what_was_changed);
        tcase_add_test(words, arenas_lie_at_different_places);
        suite_add_tcase(suite, pages);
        suite_add_tcase(suite, words);
        return suite;
}
