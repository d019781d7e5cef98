#include "sim/memory/guard_calls.h"

#include <string.h>
#include <sys/mman.h>

#include "sim/memory/guard_pages.h"

#define LEAST_LENGTH 4096 /* of what an argument may point to: a path, a structure */
#define MOST_LENGTH  ((uintptr_t)1 << 30)

/* What the calling thread has under way. */
static __thread volatile enum { NO_CALL, CALL, CALL_WITH_PAGES } call __attribute__((tls_model("initial-exec")));

bool mvs_guard_has_call(void)
{
        return call != NO_CALL;
}

void mvs_guard_begin_call(void)
{
        if (call == NO_CALL)
                call = CALL;
}

/* ---- what the call may touch ---- */

/* What the arguments may point to: a pointer, and often the next argument is its length. */
struct touch {
        uintptr_t arguments[MVS_DISPATCH_ARGS + 1];
        bool all;
        bool found;
};

static bool may_touch(const struct touch *touch, uintptr_t start, uintptr_t last)
{
        for (unsigned i = 0; i < MVS_DISPATCH_ARGS; i++) {
                uintptr_t at = touch->arguments[i];
                uintptr_t len = touch->arguments[i + 1];
                if (len < LEAST_LENGTH || len > MOST_LENGTH)
                        len = LEAST_LENGTH;
                if (at <= last && start - at < len)
                        return true;
                if (at >= start && at <= last)
                        return true;
        }
        return false;
}

static void look_for_touch(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct touch *touch = context;
        if (!may_touch(touch, page, page + (memory->guard.page_size - 1)))
                return;
        struct mvs_guarded_page *entry = mvs_guard_page_at(memory, page);
        if (++entry->accesses >= MVS_GUARD_HOT)
                mvs_guard_make_hot(memory, entry);
        else
                touch->found = true;
}

static void give_up_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        mvs_guard_page_at(memory, page)->hot = true;
        mvs_guard_give_up(memory, page);
}

/* ---- opening ---- */

static void open_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        mprotect((void *)page, memory->guard.page_size, PROT_READ | PROT_WRITE);
}

static void open_edges(struct mvs_memory *memory)
{
        mvs_guard_visit_edges(memory, open_edge, NULL);
}

static bool open_for_call(struct mvs_memory *memory, struct touch *touch)
{
        mvs_guard_visit_edges(memory, look_for_touch, touch);
        if (!touch->all && !touch->found)
                return false;
        if (memory->guard.calls++ == 0)
                open_edges(memory);
        return true;
}

bool mvs_guard_open_for_call(struct mvs_memory *memory, enum mvs_dispatch_answer answer,
                             const uintptr_t arguments[MVS_DISPATCH_ARGS])
{
        struct touch touch = {.all = answer == MVS_DISPATCH_ALL || answer == MVS_DISPATCH_START};
        memcpy(touch.arguments, arguments, MVS_DISPATCH_ARGS * sizeof arguments[0]);
        if (answer == MVS_DISPATCH_YIELD)
                mvs_guard_visit_edges(memory, give_up_edge, NULL);
        else if (open_for_call(memory, &touch))
                call = CALL_WITH_PAGES;
        return call != NO_CALL;
}

/* ---- the end ---- */

struct change {
        uintptr_t first;
};

static void look_for_change(struct mvs_memory *memory, uintptr_t page, void *context)
{
        struct change *change = context;
        if (change->first == 0)
                change->first = mvs_guard_changed_in(memory, page);
}

static void close_edge(struct mvs_memory *memory, uintptr_t page, void *context)
{
        (void)context;
        mvs_guard_close(memory, page, page + memory->guard.page_size);
}

uintptr_t mvs_guard_end_call(struct mvs_memory *memory)
{
        struct change change = {0};
        bool with_pages = call == CALL_WITH_PAGES;
        call = NO_CALL;
        if (!with_pages)
                return 0;
        mvs_guard_visit_edges(memory, look_for_change, &change);
        if (--memory->guard.calls == 0)
                mvs_guard_visit_edges(memory, close_edge, NULL);
        return change.first;
}
