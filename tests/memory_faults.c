/* Faults that are not a copy's go where they went before; and the arena, whose guards make some. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "tools.h"

static const int constant = 1;
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
        char *none = mvt_map_pages(1, PROT_NONE);
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
        char *none = mvt_map_pages(1, PROT_NONE);
        struct sigaction action = {.sa_handler = on_fault_plain};
        sigaddset(&action.sa_mask, SIGUSR2);
        put_below(action);
        expect_fault(none);
        ck_assert(seen_blocked);
}
END_TEST

START_TEST(a_fault_of_the_simulators_side_is_not_the_copys)
{
        char *none = mvt_map_pages(1, PROT_NONE);
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
        char *island = mvt_map_island(1);
        char *none = mvt_map_pages(1, PROT_NONE);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        bool done = false;
        if (sigsetjmp(back, 1) == 0)
                done = mvs_copy_from_app(none, (uintptr_t)island, 16);
        ck_assert(!done);
        mvt_protect(island, 1, PROT_NONE);
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
        nested_page = mvt_map_pages(1, PROT_NONE);
        struct sigaction action = {.sa_handler = on_user};
        ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
        ck_assert_int_eq(raise(SIGUSR1), 0);
        ck_assert_int_eq(seen_signal, SIGUSR1);
        ck_assert(!mvs_copy_from_app(bytes, (uintptr_t)nested_page, sizeof bytes));
}
END_TEST

START_TEST(installing_again_does_not_chain_to_itself)
{
        char *none = mvt_map_pages(1, PROT_NONE);
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
        char *none = mvt_map_pages(1, PROT_NONE);
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
        char *none = mvt_map_pages(1, PROT_NONE);
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
        char *none = mvt_map_pages(1, PROT_NONE);
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
        size_t size = 2 * mvt_page + 100;
        char *arena = mvs_arena_create(size);
        ck_assert_ptr_nonnull(arena);
        for (size_t i = 0; i < size; i++)
                ck_assert_int_eq(arena[i], 0);
        memset(arena, 1, size);
        put_below((struct sigaction){.sa_sigaction = on_fault_with_info, .sa_flags = SA_SIGINFO});
        expect_fault(arena - 1);
        ck_assert_ptr_eq(seen_address, arena - 1);
        expect_fault(arena + 3 * mvt_page);
        ck_assert_ptr_eq(seen_address, arena + 3 * mvt_page);
        mvs_arena_destroy(arena, size);
        expect_fault(arena);
}
END_TEST

START_TEST(the_arena_is_refused)
{
        char *arena = mvs_arena_create(mvt_page);
        ck_assert_ptr_nonnull(arena);
        ck_assert(mvt_allowed(arena, mvt_page, MVS_READ));
        mvt_memory.secure_start = (uintptr_t)arena;
        mvt_memory.secure_end = (uintptr_t)arena + mvt_page;
        mvt_expect_refusal(arena, 1, MVS_READ, arena, "belongs to the secure world");
        mvt_expect_refusal(arena + mvt_page - 1, 2, MVS_WRITE, arena + mvt_page - 1, "belongs to the secure world");
        mvt_expect_refusal(arena - 1, 2, MVS_READ, arena - 1, "is not mapped");
        mvs_arena_destroy(arena, mvt_page);
}
END_TEST

START_TEST(an_impossible_arena_is_refused)
{
        errno = 0;
        ck_assert_ptr_null(mvs_arena_create(SIZE_MAX));
        ck_assert_int_eq(errno, ENOMEM);
        ck_assert_ptr_null(mvs_arena_create(0));
        ck_assert_int_eq(errno, EINVAL);
        mvs_arena_destroy(NULL, mvt_page);
}
END_TEST

void mvt_memory_add_faults(Suite *suite)
{
        TCase *tc = mvt_memory_case(suite, "faults");
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
}

void mvt_memory_add_arena(Suite *suite)
{
        TCase *tc = mvt_memory_case(suite, "arena");
        tcase_add_test(tc, the_arena_is_zeroed_and_between_guards);
        tcase_add_test(tc, the_arena_is_refused);
        tcase_add_test(tc, an_impossible_arena_is_refused);
}
