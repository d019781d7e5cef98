/* Copies that survive what is not there. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

START_TEST(copies_of_every_length_are_exact)
{
        unsigned char from[160], to[160];
        for (unsigned i = 0; i < sizeof from; i++)
                from[i] = (unsigned char)(i + 1);
        for (size_t len = 0; len <= 130; len++) {
                size_t shift = len % 9;
                memset(to, 0, sizeof to);
                ck_assert(mvs_copy_from_app(to + shift, (uintptr_t)from + 3, len));
                ck_assert_mem_eq(to + shift, from + 3, len);
                ck_assert_uint_eq(to[shift + len], 0);
                memset(to, 0, sizeof to);
                ck_assert(mvs_copy_to_app((uintptr_t)to + 3, from + shift, len));
                ck_assert_mem_eq(to + 3, from + shift, len);
                ck_assert_uint_eq(to[3 + len], 0);
        }
}
END_TEST

START_TEST(fills_of_every_length_are_exact)
{
        unsigned char to[1040];
        for (size_t len = 0; len <= 1030; len += 7) {
                memset(to, 0, sizeof to);
                ck_assert(mvs_fill_app((uintptr_t)to + 1, 0xA5, len));
                for (size_t i = 0; i < sizeof to; i++)
                        ck_assert_uint_eq(to[i], i >= 1 && i <= len ? 0xA5 : 0);
        }
}
END_TEST

static const int constant = 1;

START_TEST(memory_unmapped_behind_the_table_is_caught)
{
        char *island = mvt_map_island(1);
        char bytes[16] = {0};
        ck_assert(mvt_allowed(island, 16, MVS_WRITE));
        ck_assert_int_eq(munmap(island, mvt_page), 0);
        ck_assert(mvt_allowed(island, 16, MVS_WRITE));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)island, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island, bytes, sizeof bytes));
        ck_assert(!mvs_fill_app((uintptr_t)island, 1, 5));
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)&constant, sizeof constant));
}
END_TEST

START_TEST(protected_pages_are_caught)
{
        char *island = mvt_map_island(2);
        char bytes[16] = {0};
        mvt_protect(island + mvt_page, 1, PROT_READ);
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)island + mvt_page, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island + mvt_page, bytes, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island + mvt_page - 3, bytes, sizeof bytes));
        mvt_protect(island + mvt_page, 1, PROT_NONE);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)island + mvt_page - 11, sizeof bytes));
        ck_assert(!mvs_fill_app((uintptr_t)island, 1, mvt_page + 1));
        ck_assert(mvs_fill_app((uintptr_t)island, 1, mvt_page));
}
END_TEST

START_TEST(a_file_cut_under_its_mapping_is_caught)
{
        int fd = memfd_create("cut", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, (off_t)(2 * mvt_page)), 0);
        char *at = mmap(NULL, 2 * mvt_page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(ftruncate(fd, (off_t)mvt_page), 0);
        char bytes[16] = {0};
        ck_assert(mvt_allowed(at, 2 * mvt_page, MVS_WRITE));
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)at + mvt_page - 16, 16));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)at + mvt_page - 15, 16));
        ck_assert(!mvs_copy_to_app((uintptr_t)at + mvt_page, bytes, 16));
        close(fd);
}
END_TEST

START_TEST(addresses_that_cannot_be_are_caught)
{
        char bytes[16] = {0};
        ck_assert(!mvs_copy_from_app(bytes, 0, 1));
        ck_assert(!mvs_copy_from_app(bytes, UINTPTR_MAX, 2));
        ck_assert(!mvs_copy_from_app(bytes, UINTPTR_MAX - 20, 16));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)1 << 63, 16));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)0x800000000000, 16));
        ck_assert(mvs_copy_from_app(bytes, 0, 0));
}
END_TEST

struct worker {
        char *island;
        unsigned errors;
};

static void *copy_and_fault(void *argument)
{
        struct worker *worker = argument;
        uintptr_t end = (uintptr_t)worker->island + mvt_page;
        char bytes[64];
        for (unsigned i = 0; i < 2000; i++) {
                worker->errors += mvs_copy_from_app(bytes, end - i % 64, 64);
                worker->errors += !mvs_copy_from_app(bytes, end - 64, 64);
                worker->errors += !mvs_copy_to_app(end - 64, bytes, 64);
                worker->errors += mvs_copy_to_app(end - 63, bytes, 64);
        }
        return NULL;
}

START_TEST(two_threads_fault_at_the_same_time)
{
        struct worker workers[2];
        pthread_t threads[2];
        for (unsigned i = 0; i < 2; i++) {
                workers[i] = (struct worker){.island = mvt_map_island(1)};
                ck_assert_int_eq(pthread_create(&threads[i], NULL, copy_and_fault, &workers[i]), 0);
        }
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
                ck_assert_uint_eq(workers[i].errors, 0);
        }
}
END_TEST

START_TEST(a_copy_that_faults_on_the_alternate_stack_goes_on)
{
        size_t size = 65536;
        stack_t stack = {.ss_sp = mvt_map_pages(size / mvt_page, PROT_READ | PROT_WRITE), .ss_size = size};
        ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
        char *none = mvt_map_pages(1, PROT_NONE);
        char bytes[8];
        for (unsigned i = 0; i < 3; i++)
                ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes));
        ck_assert_int_eq(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), 0);
}
END_TEST

void mvt_memory_add_copies(Suite *suite)
{
        TCase *tc = mvt_memory_case(suite, "copies");
        tcase_add_test(tc, copies_of_every_length_are_exact);
        tcase_add_test(tc, fills_of_every_length_are_exact);
        tcase_add_test(tc, memory_unmapped_behind_the_table_is_caught);
        tcase_add_test(tc, protected_pages_are_caught);
        tcase_add_test(tc, a_file_cut_under_its_mapping_is_caught);
        tcase_add_test(tc, addresses_that_cannot_be_are_caught);
        tcase_add_test(tc, two_threads_fault_at_the_same_time);
        tcase_add_test(tc, a_copy_that_faults_on_the_alternate_stack_goes_on);
}
