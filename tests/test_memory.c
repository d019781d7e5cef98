/* The table of regions, loans, fault-catching copies and the secure arena. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/memory/regions.h"
#include "suite.h"
#include "tools.h"

static struct mvs_memory memory;
static uintptr_t page;

static char *map_pages(size_t count, int protection)
{
        char *at = mmap(NULL, count * page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        return at;
}

/* Pages with a hole before and behind, so that nothing joins them. */
static char *map_island(size_t count)
{
        char *at = map_pages(count + 2, PROT_NONE);
        ck_assert_int_eq(mprotect(at + page, count * page, PROT_READ | PROT_WRITE), 0);
        return at + page;
}

static void protect(void *at, size_t count, int protection)
{
        ck_assert_int_eq(mprotect(at, count * page, protection), 0);
}

static bool allowed(const void *at, size_t len, enum mvs_access access)
{
        return mvs_memory_check(&memory, (uintptr_t)at, len, access, NULL);
}

static void expect_refusal(const void *at, size_t len, enum mvs_access access, const void *where, const char *reason)
{
        struct mvs_memory_fault fault = {0};
        ck_assert(!mvs_memory_check(&memory, (uintptr_t)at, len, access, &fault));
        ck_assert_str_eq(fault.reason, reason);
        ck_assert_uint_eq(fault.address, (uintptr_t)where);
        ck_assert(!allowed(at, len, access));
}

static void setup(void)
{
        page = (uintptr_t)sysconf(_SC_PAGESIZE);
        memset(&memory, 0, sizeof memory);
        ck_assert_int_eq(mvs_memory_init(&memory), 0);
        ck_assert_int_eq(mvs_copy_install(), 0);
}

static void teardown(void)
{
        mvs_copy_remove();
        mvs_memory_finish(&memory);
}

/* ---- the table ---- */

static int initialised = 1;
static int zeroed;
static const int constant = 1;

START_TEST(data_heap_and_stack_are_writable)
{
        int local = 0;
        int *heap = malloc(sizeof *heap);
        ck_assert(allowed(&initialised, sizeof initialised, MVS_WRITE));
        ck_assert(allowed(&zeroed, sizeof zeroed, MVS_WRITE));
        ck_assert(allowed(&local, sizeof local, MVS_WRITE));
        ck_assert(allowed(heap, sizeof *heap, MVS_WRITE));
        ck_assert(allowed(heap, sizeof *heap, MVS_READ));
        free(heap);
}
END_TEST

START_TEST(code_and_constants_are_readable_only)
{
        const void *code = (const void *)(uintptr_t)setup;
        ck_assert(allowed(&constant, sizeof constant, MVS_READ));
        ck_assert(allowed(code, 4, MVS_READ));
        expect_refusal(&constant, sizeof constant, MVS_WRITE, &constant, "is read-only");
        expect_refusal(code, 4, MVS_WRITE, code, "is read-only");
}
END_TEST

START_TEST(length_0_is_always_allowed)
{
        char *none = map_pages(1, PROT_NONE);
        ck_assert(allowed(NULL, 0, MVS_WRITE));
        ck_assert(allowed(none, 0, MVS_WRITE));
        ck_assert(allowed((void *)UINTPTR_MAX, 0, MVS_READ));
}
END_TEST

START_TEST(null_is_refused)
{
        expect_refusal(NULL, 1, MVS_READ, NULL, "is NULL");
        expect_refusal(NULL, SIZE_MAX, MVS_WRITE, NULL, "is NULL");
        expect_refusal((void *)8, 4, MVS_READ, (void *)8, "is not mapped");
}
END_TEST

START_TEST(a_range_past_the_end_of_the_address_space_is_refused)
{
        const void *high = (const void *)(UINTPTR_MAX - 3);
        expect_refusal(high, 5, MVS_READ, high, "overflows the address space");
        expect_refusal(high, 4, MVS_READ, high, "is not mapped");
        expect_refusal(&zeroed, SIZE_MAX, MVS_READ, &zeroed, "overflows the address space");
        ck_assert(allowed(&zeroed, 1, MVS_READ));
        expect_refusal(&zeroed, SIZE_MAX, MVS_READ, &zeroed, "overflows the address space");
}
END_TEST

START_TEST(a_range_that_straddles_the_end_is_refused_at_the_end)
{
        char *island = map_island(2);
        char *end = island + 2 * page;
        ck_assert(allowed(island, 2 * page, MVS_WRITE));
        ck_assert(allowed(end - 8, 8, MVS_WRITE));
        expect_refusal(end - 8, 9, MVS_WRITE, end, "is not mapped");
        expect_refusal(island - 1, 2, MVS_READ, island - 1, "is not mapped");
        expect_refusal(island, SIZE_MAX - (uintptr_t)island, MVS_READ, end, "is not mapped");
}
END_TEST

START_TEST(a_range_may_span_regions_that_all_permit_it)
{
        char *island = map_island(3);
        protect(island + page, 1, PROT_READ);
        ck_assert(allowed(island, 3 * page, MVS_READ));
        expect_refusal(island, 3 * page, MVS_WRITE, island + page, "is read-only");
        protect(island + page, 1, PROT_NONE);
        ck_assert_int_eq(mvs_maps_read(&memory), 0);
        expect_refusal(island, 3 * page, MVS_READ, island + page, "is not mapped");
}
END_TEST

START_TEST(pages_without_access_are_not_mapped)
{
        char *none = map_pages(1, PROT_NONE);
        expect_refusal(none, 1, MVS_READ, none, "is not mapped");
}
END_TEST

START_TEST(what_was_mapped_or_unprotected_since_is_found)
{
        char *island = map_island(1);
        ck_assert(allowed(island, page, MVS_WRITE));
        protect(island, 1, PROT_READ);
        ck_assert_int_eq(mvs_maps_read(&memory), 0);
        expect_refusal(island, 1, MVS_WRITE, island, "is read-only");
        protect(island, 1, PROT_READ | PROT_WRITE);
        ck_assert(allowed(island, page, MVS_WRITE));
}
END_TEST

START_TEST(reading_the_map_again_keeps_errno)
{
        errno = E2BIG;
        expect_refusal((void *)8, 1, MVS_READ, (void *)8, "is not mapped");
        ck_assert_int_eq(errno, E2BIG);
}
END_TEST

START_TEST(the_kernels_data_pages_are_not_mapped)
{
        uintptr_t vdso = getauxval(AT_SYSINFO_EHDR);
        if (vdso == 0) /* valgrind hides it */
                return;
        const void *vvar = (const void *)(vdso - page);
        ck_assert(allowed((const void *)vdso, 4, MVS_READ));
        expect_refusal(vvar, 1, MVS_READ, vvar, "is not mapped");
}
END_TEST

START_TEST(the_table_grows_and_is_itself_secure)
{
        size_t count = 1500;
        char *pages = map_island(count);
        for (size_t i = 0; i < count; i += 2)
                protect(pages + i * page, 1, PROT_READ);
        ck_assert(allowed(pages, count * page, MVS_READ));
        ck_assert_uint_ge(memory.region_count, count);
        ck_assert(allowed(pages + page, page, MVS_WRITE));
        expect_refusal(pages + 2 * page, 1, MVS_WRITE, pages + 2 * page, "is read-only");
        expect_refusal(memory.regions, 1, MVS_READ, memory.regions, "belongs to the secure world");
        const char *end = (const char *)(memory.regions + memory.region_capacity);
        expect_refusal(end - 1, 1, MVS_READ, end - 1, "belongs to the secure world");
}
END_TEST

START_TEST(the_table_is_sorted_disjoint_and_merged)
{
        for (size_t i = 0; i < memory.region_count; i++) {
                const struct mvs_region *region = &memory.regions[i];
                ck_assert_uint_lt(region->start, region->end);
                if (i == 0)
                        continue;
                ck_assert_uint_ge(region->start, region[-1].end);
                ck_assert(region->start != region[-1].end || region->kind != region[-1].kind);
        }
}
END_TEST

START_TEST(an_empty_table_refuses)
{
        struct mvs_memory empty = {0};
        struct mvs_memory_fault fault;
        ck_assert_uint_eq(mvs_regions_find(&empty, 1), 0);
        ck_assert(!mvs_regions_permit(&empty, 1, 2, MVS_READ, &fault));
        ck_assert_str_eq(fault.reason, "is not mapped");
        mvs_memory_finish(&empty);
}
END_TEST

/* ---- against a model ---- */

#define MODEL_SIZE 200
#define MODEL_BASE ((uintptr_t)0x10000)
#define UNMAPPED   3

static void fill_model(unsigned char model[MODEL_SIZE], struct mvs_memory *table)
{
        mvs_regions_clear(table);
        for (unsigned at = 0; at < MODEL_SIZE;) {
                unsigned len = 1 + (unsigned)rand() % 12;
                unsigned char kind = (unsigned char)(rand() % 4);
                len = len < MODEL_SIZE - at ? len : MODEL_SIZE - at;
                memset(model + at, kind, len);
                if (kind != UNMAPPED)
                        ck_assert_int_eq(mvs_regions_add(table, MODEL_BASE + at, MODEL_BASE + at + len,
                                                         (enum mvs_region_kind)kind),
                                         0);
                at += len;
        }
}

static const char *model_objection(const unsigned char model[MODEL_SIZE], uintptr_t address, enum mvs_access access)
{
        if (address < MODEL_BASE || address >= MODEL_BASE + MODEL_SIZE || model[address - MODEL_BASE] == UNMAPPED)
                return "is not mapped";
        if (model[address - MODEL_BASE] == MVS_REGION_SECURE)
                return "belongs to the secure world";
        if (model[address - MODEL_BASE] == MVS_REGION_NONSECURE_RO && access == MVS_WRITE)
                return "is read-only";
        return NULL;
}

static void compare(const unsigned char model[MODEL_SIZE], const struct mvs_memory *table)
{
        uintptr_t first = MODEL_BASE - 5 + (uintptr_t)rand() % (MODEL_SIZE + 10);
        uintptr_t last = first + (uintptr_t)rand() % 30;
        enum mvs_access access = rand() % 2 == 0 ? MVS_READ : MVS_WRITE;
        struct mvs_memory_fault fault = {0};
        bool permitted = mvs_regions_permit(table, first, last, access, &fault);

        const char *reason = NULL;
        uintptr_t address = first;
        while (address <= last && (reason = model_objection(model, address, access)) == NULL)
                address++;
        ck_assert(permitted == (reason == NULL));
        if (permitted)
                return;
        ck_assert_uint_eq(fault.address, address);
        ck_assert_str_eq(fault.reason, reason);
}

START_TEST(random_tables_agree_with_a_model)
{
        struct mvs_memory table = {0};
        unsigned char model[MODEL_SIZE];
        srand(1);
        for (unsigned round = 0; round < 200; round++) {
                fill_model(model, &table);
                for (unsigned i = 0; i < 500; i++)
                        compare(model, &table);
        }
        mvs_memory_finish(&table);
}
END_TEST

/* ---- loans ---- */

static struct mvs_lent loan(const char *at, size_t len, uint32_t owner, bool secret)
{
        return (struct mvs_lent){.start = (uintptr_t)at,
                                 .end = (uintptr_t)at + len,
                                 .what = "send_buffer of channel 0x12345678",
                                 .owner = owner,
                                 .secret = secret};
}

static void lend(const char *at, size_t len, uint32_t owner, bool secret)
{
        struct mvs_lent lent = loan(at, len, owner, secret);
        ck_assert(mvs_memory_lend(&memory, &lent));
}

START_TEST(a_secret_loan_refuses_the_application)
{
        char *island = map_island(2);
        ck_assert(allowed(island, 2 * page, MVS_WRITE));
        lend(island + 512, 512, 7, true);
        ck_assert(allowed(island, 512, MVS_WRITE));
        ck_assert(allowed(island + 1024, 512, MVS_WRITE));
        expect_refusal(island + 600, 4, MVS_READ, island + 600, "is lent to Microvisor");
        expect_refusal(island, page, MVS_READ, island + 512, "is lent to Microvisor");
        struct mvs_memory_fault fault;
        ck_assert(!mvs_memory_check(&memory, (uintptr_t)island, page, MVS_READ, &fault));
        ck_assert_str_eq(fault.what, "send_buffer of channel 0x12345678");
        mvs_memory_give_back(&memory, 7, (uintptr_t)island + 512, false);
        ck_assert(allowed(island, page, MVS_WRITE));
}
END_TEST

START_TEST(the_lowest_refused_byte_is_named)
{
        char *island = map_island(4);
        lend(island + 2 * page, 16, 1, true);
        lend(island + page, 16, 2, true);
        expect_refusal(island, 4 * page, MVS_READ, island + page, "is lent to Microvisor");
        expect_refusal(island + 2 * page, 3 * page, MVS_READ, island + 2 * page, "is lent to Microvisor");
        protect(island, 1, PROT_READ);
        ck_assert_int_eq(mvs_maps_read(&memory), 0);
        expect_refusal(island, 4 * page, MVS_WRITE, island, "is read-only");
}
END_TEST

START_TEST(a_lent_page_that_is_protected_is_still_called_lent)
{
        char *island = map_island(1);
        lend(island, page, 1, true);
        protect(island, 1, PROT_NONE);
        ck_assert_int_eq(mvs_maps_read(&memory), 0);
        expect_refusal(island, 4, MVS_READ, island, "is lent to Microvisor");
}
END_TEST

START_TEST(an_open_loan_leaves_access)
{
        char *island = map_island(1);
        lend(island, 64, 1, false);
        ck_assert(allowed(island, 64, MVS_WRITE));
        ck_assert_ptr_nonnull(mvs_memory_lent_overlap(&memory, (uintptr_t)island, 1));
}
END_TEST

START_TEST(overlap_is_exact)
{
        char *island = map_island(1);
        uintptr_t at = (uintptr_t)island + 100;
        lend(island + 100, 50, 1, true);
        ck_assert_ptr_null(mvs_memory_lent_overlap(&memory, at - 10, 10));
        ck_assert_ptr_null(mvs_memory_lent_overlap(&memory, at + 50, 10));
        ck_assert_ptr_null(mvs_memory_lent_overlap(&memory, at, 0));
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&memory, at - 10, 11), &memory.lent[0]);
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&memory, at + 49, 1), &memory.lent[0]);
        ck_assert_ptr_eq(mvs_memory_lent_overlap(&memory, at - 10, SIZE_MAX), &memory.lent[0]);
}
END_TEST

START_TEST(an_empty_loan_is_no_loan)
{
        char *island = map_island(1);
        lend(island + 8, 0, 1, true);
        ck_assert_ptr_null(mvs_memory_lent_overlap(&memory, (uintptr_t)island, page));
        ck_assert(allowed(island, page, MVS_WRITE));
}
END_TEST

START_TEST(there_is_room_for_a_fixed_number_of_loans)
{
        char *island = map_island(1);
        for (unsigned i = 0; i < MVS_MEMORY_LENT_MAX; i++)
                lend(island + 8 * i, 8, i, true);
        struct mvs_lent one_more = loan(island + page - 8, 8, 99, true);
        ck_assert(!mvs_memory_lend(&memory, &one_more));
        mvs_memory_give_back(&memory, 5, (uintptr_t)island + 40, false);
        ck_assert(mvs_memory_lend(&memory, &one_more));
        ck_assert_uint_eq(memory.lent[5].owner, 6);
}
END_TEST

START_TEST(what_comes_back_holds_the_pattern)
{
        char *island = map_island(1);
        lend(island + 10, 700, 3, true);
        lend(island + 800, 10, 3, true);
        mvs_memory_give_back(&memory, 4, (uintptr_t)island + 10, true);
        mvs_memory_give_back(&memory, 3, (uintptr_t)island + 11, true);
        ck_assert_uint_eq(memory.lent_count, 2);
        ck_assert_int_eq(island[10], 0);
        mvs_memory_give_back(&memory, 3, (uintptr_t)island + 10, true);
        ck_assert_uint_eq(memory.lent_count, 1);
        for (size_t i = 0; i < page; i++)
                ck_assert_uint_eq((unsigned char)island[i], i >= 10 && i < 710 ? MVS_MEMORY_PATTERN : 0);
}
END_TEST

START_TEST(a_buffer_that_is_gone_can_come_back)
{
        char *island = map_island(1);
        lend(island, page, 3, true);
        ck_assert_int_eq(munmap(island, page), 0);
        mvs_memory_give_back(&memory, 3, (uintptr_t)island, true);
        ck_assert_uint_eq(memory.lent_count, 0);
}
END_TEST

/* ---- copies ---- */

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

START_TEST(memory_unmapped_behind_the_table_is_caught)
{
        char *island = map_island(1);
        char bytes[16] = {0};
        ck_assert(allowed(island, 16, MVS_WRITE));
        ck_assert_int_eq(munmap(island, page), 0);
        ck_assert(allowed(island, 16, MVS_WRITE));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)island, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island, bytes, sizeof bytes));
        ck_assert(!mvs_fill_app((uintptr_t)island, 1, 5));
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)&constant, sizeof constant));
}
END_TEST

START_TEST(protected_pages_are_caught)
{
        char *island = map_island(2);
        char bytes[16] = {0};
        protect(island + page, 1, PROT_READ);
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)island + page, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island + page, bytes, sizeof bytes));
        ck_assert(!mvs_copy_to_app((uintptr_t)island + page - 3, bytes, sizeof bytes));
        protect(island + page, 1, PROT_NONE);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)island + page - 11, sizeof bytes));
        ck_assert(!mvs_fill_app((uintptr_t)island, 1, page + 1));
        ck_assert(mvs_fill_app((uintptr_t)island, 1, page));
}
END_TEST

START_TEST(a_file_cut_under_its_mapping_is_caught)
{
        int fd = memfd_create("cut", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ftruncate(fd, (off_t)(2 * page)), 0);
        char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        ck_assert_ptr_ne(at, MAP_FAILED);
        ck_assert_int_eq(ftruncate(fd, (off_t)page), 0);
        char bytes[16] = {0};
        ck_assert(allowed(at, 2 * page, MVS_WRITE));
        ck_assert(mvs_copy_from_app(bytes, (uintptr_t)at + page - 16, 16));
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)at + page - 15, 16));
        ck_assert(!mvs_copy_to_app((uintptr_t)at + page, bytes, 16));
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
        uintptr_t end = (uintptr_t)worker->island + page;
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
                workers[i] = (struct worker){.island = map_island(1)};
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
        stack_t stack = {.ss_sp = map_pages(size / page, PROT_READ | PROT_WRITE), .ss_size = size};
        ck_assert_int_eq(sigaltstack(&stack, NULL), 0);
        char *none = map_pages(1, PROT_NONE);
        char bytes[8];
        for (unsigned i = 0; i < 3; i++)
                ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes));
        ck_assert_int_eq(sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL), 0);
}
END_TEST

/* ---- faults that are not a copy's ---- */

static sigjmp_buf back;
static void *volatile seen_address;
static volatile sig_atomic_t seen_signal;
static volatile sig_atomic_t seen_blocked;

__attribute__((noinline, no_sanitize("address", "thread"))) static void poke(volatile char *at)
{
        *at = 1;
}

static void on_fault_with_info(int signal, siginfo_t *info, void *context)
{
        (void)context;
        seen_signal = signal;
        seen_address = info->si_addr;
        siglongjmp(back, 1);
}

static void on_fault_plain(int signal)
{
        sigset_t mask;
        pthread_sigmask(SIG_BLOCK, NULL, &mask);
        seen_blocked = sigismember(&mask, signal) && sigismember(&mask, SIGUSR2);
        seen_signal = signal;
        siglongjmp(back, 1);
}

/* Puts the handler below ours. */
static void put_below(struct sigaction action)
{
        mvs_copy_remove();
        ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
        ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
        ck_assert_int_eq(mvs_copy_install(), 0);
}

static void expect_fault(char *at)
{
        seen_signal = 0;
        if (sigsetjmp(back, 1) == 0)
                poke(at);
        ck_assert_int_eq(seen_signal, SIGSEGV);
}

START_TEST(an_earlier_handler_gets_other_faults)
{
        char *none = map_pages(1, PROT_NONE);
        char bytes[8];
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        for (unsigned i = 0; i < 3; i++) {
                seen_address = NULL;
                expect_fault(none + 17);
                ck_assert_ptr_eq(seen_address, none + 17);
                seen_signal = 0;
                ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes));
                ck_assert_int_eq(seen_signal, 0);
        }
}
END_TEST

START_TEST(an_earlier_handler_runs_with_its_own_mask)
{
        char *none = map_pages(1, PROT_NONE);
        struct sigaction action = {.sa_handler = on_fault_plain};
        sigaddset(&action.sa_mask, SIGUSR2);
        put_below(action);
        expect_fault(none);
        ck_assert(seen_blocked);
}
END_TEST

START_TEST(a_fault_of_the_simulators_side_is_not_the_copys)
{
        char *none = map_pages(1, PROT_NONE);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        seen_signal = 0;
        bool done = false;
        if (sigsetjmp(back, 1) == 0)
                done = mvs_copy_from_app(none, (uintptr_t)&constant, sizeof constant);
        ck_assert(!done);
        ck_assert_int_eq(seen_signal, SIGSEGV);
        ck_assert_ptr_eq(seen_address, none);
}
END_TEST

START_TEST(a_copy_that_was_jumped_out_of_is_forgotten)
{
        char *island = map_island(1);
        char *none = map_pages(1, PROT_NONE);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        bool done = false;
        if (sigsetjmp(back, 1) == 0)
                done = mvs_copy_from_app(none, (uintptr_t)island, 16);
        ck_assert(!done);
        protect(island, 1, PROT_NONE);
        expect_fault(island);
        ck_assert_ptr_eq(seen_address, island);
        ck_assert(!mvs_copy_from_app(&done, (uintptr_t)island, 1));
        expect_fault(island);
}
END_TEST

static char *nested_page;

static void on_user(int signal)
{
        char bytes[8];
        seen_signal = mvs_copy_from_app(bytes, (uintptr_t)nested_page, sizeof bytes) ? 0 : signal;
}

START_TEST(a_copy_in_a_signal_handler_may_fault)
{
        char bytes[8];
        nested_page = map_pages(1, PROT_NONE);
        struct sigaction action = {.sa_handler = on_user};
        ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(seen_signal, SIGUSR1);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)nested_page, sizeof bytes));
}
END_TEST

START_TEST(installing_again_does_not_chain_to_itself)
{
        char *none = map_pages(1, PROT_NONE);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        ck_assert_int_eq(mvs_copy_install(), 0);
        expect_fault(none);
        mvs_copy_remove();
        mvs_copy_remove();
        struct sigaction current;
        ck_assert_int_eq(sigaction(SIGSEGV, NULL, &current), 0);
        ck_assert(current.sa_sigaction == on_fault_with_info);
        ck_assert_int_eq(mvs_copy_install(), 0);
        expect_fault(none);
}
END_TEST

static struct sigaction below;

static void passes_on(int signal, siginfo_t *info, void *context)
{
        below.sa_sigaction(signal, info, context);
}

START_TEST(a_handler_put_over_ours_is_left_in_place)
{
        char *none = map_pages(1, PROT_NONE);
        char bytes[8];
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        struct sigaction action = {.sa_sigaction = passes_on, .sa_flags = SA_SIGINFO};
        ck_assert_int_eq(sigaction(SIGSEGV, &action, &below), 0);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes));
        mvs_copy_remove();
        expect_fault(none);
        ck_assert_int_eq(mvs_copy_install(), 0);
        expect_fault(none);
        for (unsigned i = 0; i < 3; i++)
                ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes));
}
END_TEST

enum ending {
        FAULT,
        SENT,
};

/* The signal that ends a child with `handler` below ours; 0 if it lives. */
static int ending_of(void (*handler)(int), int flags, enum ending how, char *at)
{
        pid_t child = fork();
        if (child == 0) {
                put_below((struct sigaction){.sa_handler = handler, .sa_flags = flags});
                if (how == SENT)
                        kill(getpid(), SIGSEGV);
                else if (sigsetjmp(back, 1) == 0 || (flags & (int)SA_RESETHAND) != 0)
                        poke(at); /* with SA_RESETHAND twice: the handler is there for the first alone */
                _exit(0);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(the_default_action_is_kept)
{
        char *none = map_pages(1, PROT_NONE);
        ck_assert_int_eq(ending_of(SIG_DFL, 0, FAULT, none), SIGSEGV);
        ck_assert_int_eq(ending_of(SIG_DFL, 0, SENT, none), SIGSEGV);
        ck_assert_int_eq(ending_of(SIG_IGN, 0, FAULT, none), SIGSEGV);
        ck_assert_int_eq(ending_of(SIG_IGN, 0, SENT, none), 0);
        ck_assert_int_eq(ending_of(on_fault_plain, 0, FAULT, none), 0);
        ck_assert_int_eq(ending_of(on_fault_plain, (int)SA_RESETHAND, FAULT, none), SIGSEGV);
}
END_TEST

START_TEST(copies_work_in_a_child)
{
        char *none = map_pages(1, PROT_NONE);
        pid_t child = fork();
        if (child == 0) {
                char bytes[8];
                bool failed = mvs_copy_install() < 0 || mvs_copy_from_app(bytes, (uintptr_t)none, sizeof bytes);
                _exit(failed ? 1 : 0);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}
END_TEST

/* ---- the arena ---- */

START_TEST(the_arena_is_zeroed_and_between_guards)
{
        size_t size = 2 * page + 100;
        char *arena = mvs_arena_create(size);
        ck_assert_ptr_nonnull(arena);
        for (size_t i = 0; i < size; i++)
                ck_assert_int_eq(arena[i], 0);
        memset(arena, 1, size);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        expect_fault(arena - 1);
        ck_assert_ptr_eq(seen_address, arena - 1);
        expect_fault(arena + 3 * page);
        ck_assert_ptr_eq(seen_address, arena + 3 * page);
        mvs_arena_destroy(arena, size);
        expect_fault(arena);
}
END_TEST

START_TEST(the_arena_is_refused)
{
        char *arena = mvs_arena_create(page);
        ck_assert_ptr_nonnull(arena);
        ck_assert(allowed(arena, page, MVS_READ));
        memory.secure_start = (uintptr_t)arena;
        memory.secure_end = (uintptr_t)arena + page;
        expect_refusal(arena, 1, MVS_READ, arena, "belongs to the secure world");
        expect_refusal(arena + page - 1, 2, MVS_WRITE, arena + page - 1, "belongs to the secure world");
        expect_refusal(arena - 1, 2, MVS_READ, arena - 1, "is not mapped");
        mvs_arena_destroy(arena, page);
}
END_TEST

START_TEST(an_impossible_arena_is_refused)
{
        errno = 0;
        ck_assert_ptr_null(mvs_arena_create(SIZE_MAX));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_ptr_null(mvs_arena_create(0));
        ck_assert_int_eq(errno, EINVAL);
        mvs_arena_destroy(NULL, page);
}
END_TEST

static TCase *table_case(void)
{
        TCase *tc = tcase_create("table");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, data_heap_and_stack_are_writable);
        tcase_add_test(tc, code_and_constants_are_readable_only);
        tcase_add_test(tc, length_0_is_always_allowed);
        tcase_add_test(tc, null_is_refused);
        tcase_add_test(tc, a_range_past_the_end_of_the_address_space_is_refused);
        tcase_add_test(tc, a_range_that_straddles_the_end_is_refused_at_the_end);
        tcase_add_test(tc, a_range_may_span_regions_that_all_permit_it);
        tcase_add_test(tc, pages_without_access_are_not_mapped);
        tcase_add_test(tc, what_was_mapped_or_unprotected_since_is_found);
        tcase_add_test(tc, reading_the_map_again_keeps_errno);
        tcase_add_test(tc, the_kernels_data_pages_are_not_mapped);
        tcase_add_test(tc, the_table_grows_and_is_itself_secure);
        tcase_add_test(tc, the_table_is_sorted_disjoint_and_merged);
        tcase_add_test(tc, an_empty_table_refuses);
        tcase_add_test(tc, random_tables_agree_with_a_model);
        return tc;
}

static TCase *loans_case(void)
{
        TCase *tc = tcase_create("loans");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, a_secret_loan_refuses_the_application);
        tcase_add_test(tc, the_lowest_refused_byte_is_named);
        tcase_add_test(tc, a_lent_page_that_is_protected_is_still_called_lent);
        tcase_add_test(tc, an_open_loan_leaves_access);
        tcase_add_test(tc, overlap_is_exact);
        tcase_add_test(tc, an_empty_loan_is_no_loan);
        tcase_add_test(tc, there_is_room_for_a_fixed_number_of_loans);
        tcase_add_test(tc, what_comes_back_holds_the_pattern);
        tcase_add_test(tc, a_buffer_that_is_gone_can_come_back);
        return tc;
}

static TCase *copies_case(void)
{
        TCase *tc = tcase_create("copies");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, copies_of_every_length_are_exact);
        tcase_add_test(tc, fills_of_every_length_are_exact);
        tcase_add_test(tc, memory_unmapped_behind_the_table_is_caught);
        tcase_add_test(tc, protected_pages_are_caught);
        tcase_add_test(tc, a_file_cut_under_its_mapping_is_caught);
        tcase_add_test(tc, addresses_that_cannot_be_are_caught);
        tcase_add_test(tc, two_threads_fault_at_the_same_time);
        tcase_add_test(tc, a_copy_that_faults_on_the_alternate_stack_goes_on);
        return tc;
}

static TCase *faults_case(void)
{
        TCase *tc = tcase_create("faults");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, an_earlier_handler_gets_other_faults);
        tcase_add_test(tc, an_earlier_handler_runs_with_its_own_mask);
        tcase_add_test(tc, a_fault_of_the_simulators_side_is_not_the_copys);
        tcase_add_test(tc, a_copy_that_was_jumped_out_of_is_forgotten);
        if (!mvt_is_thread_sanitized()) /* it runs handlers with every signal blocked: a fault in one ends the process
                                         */
                tcase_add_test(tc, a_copy_in_a_signal_handler_may_fault);
        tcase_add_test(tc, installing_again_does_not_chain_to_itself);
        tcase_add_test(tc, a_handler_put_over_ours_is_left_in_place);
        tcase_add_test(tc, the_default_action_is_kept);
        tcase_add_test(tc, copies_work_in_a_child);
        return tc;
}

static TCase *arena_case(void)
{
        TCase *tc = tcase_create("arena");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, the_arena_is_zeroed_and_between_guards);
        tcase_add_test(tc, the_arena_is_refused);
        tcase_add_test(tc, an_impossible_arena_is_refused);
        return tc;
}

Suite *suite(void)
{
        Suite *s = suite_create("memory");
        suite_add_tcase(s, table_case());
        suite_add_tcase(s, loans_case());
        suite_add_tcase(s, copies_case());
        suite_add_tcase(s, faults_case());
        suite_add_tcase(s, arena_case());
        return s;
}
