#include "sim/memory/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/machine.h"
#include "sim/memory/alt_stack.h"
#include "sim/memory/chain.h"
#include "sim/memory/classify.h"
#include "sim/memory/dispatch.h"
#include "sim/memory/regions.h"
#include "sim/memory/trace_back.h"
#include "sim/memory/windows.h"
#include "sim/restart.h"

#define PATIENCE_MS 2000

/* What the fault handlers ask; global as in guard.c, for the same reasons. */
static struct mvs_machine *_Atomic watched;

/* One report at a time; the text is too large for a stack that may have overflowed. The flag guards both. */
static atomic_bool reporting;
static struct mvs_text text;

/* Is this thread writing a report? Then it has faulted in doing so. */
static __thread volatile sig_atomic_t is_reporter __attribute__((tls_model("initial-exec")));

/* ---- one at a time ---- */

/* Another thread's report comes to its end, unless its thread faulted: then this one goes on all the same. */
static void wait_for_others(void)
{
        const struct timespec ms = {.tv_nsec = 1000000};
        for (unsigned i = 0; i < PATIENCE_MS && atomic_exchange(&reporting, true); i++)
                nanosleep(&ms, NULL);
}

static void begin(void)
{
        wait_for_others();
        is_reporter = 1;
        text.len = 0;
        mvs_text_add(&text, "mvsim: ");
}

static void end(void)
{
        size_t done = 0;
        while (done < text.len) {
                ssize_t n = write(STDERR_FILENO, text.bytes + done, text.len - done);
                if (n < 0 && errno != EINTR)
                        break;
                done += n > 0 ? (size_t)n : 0;
        }
        is_reporter = 0;
        atomic_store(&reporting, false);
}

/* ---- the lines ---- */

static void add_time(const char *what, uint64_t us)
{
        mvs_text_add(&text, "%s%" PRIu64 ".%06" PRIu64 " s", what, us / 1000000, us % 1000000);
}

/* The lock may be anybody's: what is read may be a moment old. */
static void add_state(const struct mvs_machine *machine)
{
        unsigned exception = mvs_cpu_ipsr();
        add_time("mvsim:   at ", mvs_machine_now(machine));
        if (exception == 0)
                mvs_text_add(&text, ", not in a handler\n");
        else
                mvs_text_add(&text, ", in %s_%s (exception %u)\n", mvs_vector_name(exception),
                             exception < MVS_VECTOR_IRQ ? "Handler" : "IRQHandler", exception);
}

static void add_loan(const struct mvs_lent *lent)
{
        if (lent->by == NULL)
                return;
        mvs_text_add(&text, "mvsim:   lent by %s", lent->by);
        add_time(" at ", lent->since_us);
        mvs_text_add(&text, "; leave it alone until %s\n", lent->until);
}

static void add_rest(const struct mvs_machine *machine, void *context)
{
        if (machine != NULL)
                add_state(machine);
        if (context != NULL && mvs_maps_is_own_code(mvs_context_ip(context)))
                mvs_text_add(&text, "mvsim:   inside libmvsim: unless something has overwritten its memory, that is a "
                                    "defect of the simulator\n");
        mvs_trace_back(&text, context);
        end();
}

/* ---- reports ---- */

static void write_fault(const struct mvs_machine *machine, struct mvs_fault *fault, void *context)
{
        fault->ip = mvs_context_ip(context);
        fault->sp = mvs_context_sp(context);
        begin();
        mvs_classify(&text, &machine->memory, fault);
        mvs_text_add(&text, "\n");
        if (fault->is_lent)
                add_loan(&fault->lent);
        add_rest(machine, context);
}

void mvs_report_fault(int signal, const siginfo_t *info, void *context)
{
        struct mvs_machine *machine = atomic_load(&watched);
        if (machine == NULL || is_reporter)
                return;
        struct mvs_fault fault = {.signal = signal, .code = info->si_code, .address = (uintptr_t)info->si_addr};
        fault.has_address = signal != SIGSEGV || mvs_context_has_address(context);
        fault.access = mvs_context_access(context, fault.address);
        fault.is_lent = fault.has_address && mvs_guard_find(fault.address, &fault.lent);
        write_fault(machine, &fault, context);
        mvs_restart_crashed(machine);
}

void mvs_report_reached(uintptr_t address, void *context)
{
        struct mvs_machine *machine = atomic_load(&watched);
        struct mvs_fault fault = {
                .signal = SIGSEGV, .address = address, .has_address = true, .access = MVS_ACCESS_WRITE};
        if (machine == NULL)
                return;
        fault.is_lent = mvs_guard_find(address, &fault.lent);
        write_fault(machine, &fault, context);
        mvs_restart_crashed(machine);
}

static void add_found(const char *where)
{
        if (where != NULL)
                mvs_text_add(&text, ", as %s finds\n", where);
        else
                mvs_text_add(&text, ", as is found now that it comes back\n");
}

void mvs_report_written(const struct mvs_lent *lent, uintptr_t address, const char *where)
{
        begin();
        mvs_text_add(&text, "SecureFault: ");
        mvs_describe_lent(&text, lent, address);
        mvs_text_add(&text, ", 0x%08zx, was written while lent to Microvisor", (size_t)address);
        add_found(where);
        add_loan(lent);
        add_rest(atomic_load(&watched), NULL);
        if (atomic_load(&watched) != NULL)
                mvs_restart_crashed(atomic_load(&watched));
        mvs_chain_end(SIGSEGV);
}

void mvs_report_damage(const struct mvs_words *words, const char *where)
{
        const void *damage = mvs_words_damage(words, SIZE_MAX);
        begin();
        mvs_text_add(&text,
                     "SecureFault: Microvisor's own memory was overwritten: guard word %p, %zu bytes behind its "
                     "state, has changed, as %s finds\n",
                     damage, (size_t)((uintptr_t)damage - (uintptr_t)words->first),
                     where ? where : "the end of the run");
        add_rest(atomic_load(&watched), NULL);
        mvs_chain_end(SIGSEGV);
}

/* ---- life ---- */

int mvs_report_start(struct mvs_machine *machine)
{
        int result = mvs_copy_install();
        if (result < 0)
                return result;
        mvs_trace_back_prepare();
        mvs_alt_stack_begin(&machine->memory.alt_stack);
        mvs_windows_reserve();
        mvs_memory_configure(&machine->memory, &machine->profile.memory);
        mvs_guard_watch(&machine->memory);
        atomic_store(&watched, machine);
        return 0;
}

void mvs_report_stop(struct mvs_machine *machine)
{
        struct mvs_memory *memory = &machine->memory;
        mvs_memory_end_loans(memory);
        if (mvs_words_damage(&memory->words, SIZE_MAX) != NULL)
                mvs_report_damage(&memory->words, NULL);
        atomic_store(&watched, NULL);
        mvs_guard_watch(NULL);
        mvs_windows_release();
        mvs_alt_stack_end(&memory->alt_stack);
        mvs_copy_remove();
}

void mvs_report_forget(struct mvs_machine *machine)
{
        atomic_store(&watched, NULL);
        mvs_guard_watch(NULL);
        mvs_windows_release();
        mvs_dispatch_forget();
        mvs_memory_forget(&machine->memory);
}
