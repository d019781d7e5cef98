/*
 * A handler that cannot end: which one, the call it is stuck in, what the device would have done; then the process ends
 * with _exit(), as the thread that would have to go on cannot. Told by the IRQ thread, so nothing here may allocate or
 * use a stream: the lock that is missing may be theirs.
 */
#include "src/held.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/backtrace.h"
#include "sim/diag.h"
#include "sim/memory/trace_back.h"
#include "src/device.h"

#define FRAMES_MAX 24

struct stack {
        uintptr_t frames[FRAMES_MAX];
        unsigned count;
};

/* ---- what the stack says ---- */

static bool is_in(const struct stack *stack, unsigned frame, uintptr_t base)
{
        return mvs_code_at(stack->frames[frame]).base == base;
}

static uintptr_t library(void)
{
        return mvs_code_at((uintptr_t)mvs_held_init).base;
}

/* The function by which the application, or the delivery of its handler, got into frame `from`: the last one of others.
 * Without the underscored names under which the C library has its functions too. */
static const char *call_into(const struct stack *stack, unsigned from, uintptr_t application)
{
        unsigned own = from;
        while (own < stack->count && !is_in(stack, own, application) && !is_in(stack, own, library()))
                own++;
        const char *name = own > from && own < stack->count ? mvs_code_at(stack->frames[own - 1]).function : NULL;
        if (name && strncmp(name, "_IO_", 4) == 0)
                return name + 4;
        return name && strncmp(name, "__libc_", 7) == 0 ? name + 7 : name;
}

/* Behind the handler come the frames of this library, then the signal's, then what was interrupted. */
static const char *interrupted_call(const struct stack *stack, uintptr_t application)
{
        unsigned frame = 0;
        while (frame < stack->count && !is_in(stack, frame, library()))
                frame++;
        while (frame < stack->count && is_in(stack, frame, library()))
                frame++;
        return call_into(stack, frame + 1, application);
}

/* ---- what the device would have done ---- */

static bool has_part(const char *name, const char *const *parts, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (strstr(name, parts[i]))
                        return true;
        }
        return false;
}

static const char *on_the_device(const char *call)
{
        static const char *const allocator[] = {"alloc", "free", "memalign", "_Znw", "_Zna", "_Zdl", "_Zda"};
        static const char *const stream[] = {"print", "put", "fwrite", "fread", "get", "fflush", "scanf", "fclose"};
        if (call && has_part(call, allocator, sizeof allocator / sizeof allocator[0]))
                return "on the device nothing waits there: newlib's allocator has no lock unless an RTOS gives it one, "
                       "and the handler would have gone on in a half-changed heap and corrupted it (allocate nothing "
                       "in a handler: set a flag, do the work in the main loop)";
        if (call && has_part(call, stream, sizeof stream / sizeof stream[0]))
                return "on the device nothing waits there: newlib's streams have no lock unless an RTOS gives them "
                       "one, and the handler would have written into a half-changed buffer (print nothing in a "
                       "handler: set a flag, print in the main loop)";
        return "on the device the handler would wait for ever, as what it interrupted never goes on, until a watchdog "
               "resets it (take no lock in a handler: mask its interrupt where the data is used, or set a flag and do "
               "the work in the main loop)";
}

/* ---- the report ---- */

static void explain(const struct stack *stack, uintptr_t application)
{
        const char *call = call_into(stack, 0, application);
        const char *interrupted = interrupted_call(stack, application);
        mvs_diag(MVS_LOG_ERROR,
                 "  it is stuck in %s, whose lock the code that it interrupted holds, in %s, or a thread that does not "
                 "run",
                 call ? call : "a function of its own", interrupted ? interrupted : "the application itself");
        mvs_diag(MVS_LOG_ERROR, "  %s", on_the_device(call));
        struct mvs_text text = {.len = 0};
        for (unsigned i = 0; i < stack->count; i++)
                mvs_trace_back_line(&text, i, stack->frames[i]);
        if (write(STDERR_FILENO, text.bytes, text.len) < 0)
                return; /* nowhere left to say so */
}

static void on_handler_stuck(void *owner, const struct mvs_active *handler)
{
        struct mvs_device *device = owner;
        struct mvs_machine *machine = &device->machine;
        uint64_t now = mvs_machine_now(machine);
        struct stack stack;
        mvs_diag(MVS_LOG_ERROR,
                 "interrupt %d (%s): its handler cannot end: it is asleep for %" PRIu32
                 " ms (time.stuck_ms), in a lock, as is found at %" PRIu64 ".%06" PRIu64 " s",
                 (int)handler->vector - MVS_VECTOR_IRQ, mvs_vector_name(handler->vector),
                 machine->profile.time.stuck_ms, now / 1000000, now % 1000000);
        stack.count = mvs_preempt_backtrace(machine, handler->thread, stack.frames, FRAMES_MAX);
        uintptr_t function = (uintptr_t)mvs_nvic_handler(&machine->nvic, handler->vector);
        if (stack.count > 0)
                explain(&stack, mvs_code_at(function).base);
        else
                mvs_diag(MVS_LOG_ERROR, "  where it is stuck is not known: its thread masks every signal");
        mvs_diag(MVS_LOG_ERROR, "  the process ends with status %d", MVSIM_EXIT_STUCK);
        _exit(MVSIM_EXIT_STUCK);
}

void mvs_held_init(struct mvs_device *device)
{
        device->machine.cpu.handler_stuck = on_handler_stuck;
        device->machine.cpu.owner = device;
}
