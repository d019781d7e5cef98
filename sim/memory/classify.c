#include "sim/memory/classify.h"

#include <inttypes.h>
#include <string.h>

#include "sim/memory/regions.h"
#include "sim/memory/windows.h"

#define NULL_SIZE  65536 /* addresses below are null pointers, and what is reached through them */
#define STACK_NEAR 65536 /* so far from the stack pointer, an access is one to the stack */

static const char *did(const struct mvs_fault *fault)
{
        switch (fault->access) {
        case MVS_ACCESS_WRITE: return "wrote to";
        case MVS_ACCESS_READ: return "read";
        case MVS_ACCESS_EXECUTE: return "jumped to";
        case MVS_ACCESS_UNKNOWN: break;
        }
        return "accessed";
}

/* `kind`: as the device's handler is called. */
static void begin(struct mvs_text *text, const char *kind, const struct mvs_fault *fault)
{
        mvs_text_add(text, "%s: the application %s 0x%08zx", kind, did(fault), (size_t)fault->address);
}

/* ---- lent memory ---- */

void mvs_describe_lent(struct mvs_text *text, const struct mvs_lent *lent, uintptr_t address)
{
        mvs_text_add(text, "byte %zu of %zu of the %s", (size_t)(address - lent->start),
                     (size_t)(lent->end - lent->start), lent->what);
        if (lent->owner != 0)
                mvs_text_add(text, " (0x%08" PRIx32 ")", lent->owner);
}

static void classify_lent(struct mvs_text *text, const struct mvs_fault *fault)
{
        begin(text, "SecureFault", fault);
        mvs_text_add(text, ", ");
        mvs_describe_lent(text, &fault->lent, fault->address);
        mvs_text_add(text, ", which is lent to Microvisor");
}

/* ---- the device's windows ---- */

static void classify_peripheral(struct mvs_text *text, const struct mvs_fault *fault)
{
        const struct mvs_peripheral *peripheral = mvs_peripheral_find(fault->address);
        begin(text, "BusFault", fault);
        if (peripheral == NULL)
                mvs_text_add(text, ": no peripheral of the STM32U585 is there");
        else if (peripheral->owner == MVS_OWNER_MICROVISOR)
                mvs_text_add(text, ": %s belongs to Microvisor", peripheral->name);
        else if (peripheral->owner == MVS_OWNER_GATE)
                mvs_text_add(text, ": %s belongs to Microvisor (use mvPeriphPeek32 and mvPeriphPoke32)",
                             peripheral->name);
        else
                mvs_text_add(text,
                             ": peripheral %s is not modelled (on the host, leave the access out or put a model of the "
                             "application's own in its place)",
                             peripheral->name);
}

static void classify_secure_peripheral(struct mvs_text *text, const struct mvs_fault *fault)
{
        uintptr_t alias = fault->address - MVS_SECURE_ALIAS;
        const struct mvs_peripheral *peripheral = mvs_peripheral_find(alias);
        begin(text, "SecureFault", fault);
        mvs_text_add(text, ": secure aliases of peripherals belong to Microvisor");
        if (peripheral != NULL)
                mvs_text_add(text, " (%s is at 0x%08zx for the application)", peripheral->name, (size_t)alias);
}

static void classify_window(struct mvs_text *text, const struct mvs_fault *fault, const struct mvs_window *window)
{
        switch (window->kind) {
        case MVS_WINDOW_PERIPHERALS: classify_peripheral(text, fault); return;
        case MVS_WINDOW_SECURE_PERIPHERALS: classify_secure_peripheral(text, fault); return;
        case MVS_WINDOW_SECURE:
                begin(text, "SecureFault", fault);
                mvs_text_add(text, ": %s belongs to Microvisor", window->name);
                return;
        case MVS_WINDOW_SYSTEM:
                begin(text, "BusFault", fault);
                mvs_text_add(text, ": the processor's own registers are not memory here (use the functions of CMSIS: "
                                   "NVIC_EnableIRQ, SysTick_Config, NVIC_SystemReset…)");
                return;
        case MVS_WINDOW_MEMORY: break;
        }
        begin(text, "BusFault", fault);
        mvs_text_add(text,
                     ": the device has its %s there, this computer has nothing (take the address of a variable or "
                     "function in place of a number)",
                     window->name);
}

/* ---- everything else ---- */

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash != NULL && path[0] == '/' ? slash + 1 : path;
}

static void classify_null(struct mvs_text *text, const struct mvs_fault *fault)
{
        begin(text, "MemManage", fault);
        if (fault->access == MVS_ACCESS_EXECUTE)
                mvs_text_add(text, ": a call through a null pointer");
        else if (fault->address == 0)
                mvs_text_add(text, ": a null pointer");
        else
                mvs_text_add(text, ": a null pointer, and %zu bytes on", (size_t)fault->address);
}

static bool is_near_stack(const struct mvs_fault *fault)
{
        uintptr_t low = fault->sp > STACK_NEAR ? fault->sp - STACK_NEAR : 0;
        return fault->access != MVS_ACCESS_EXECUTE && fault->address >= low && fault->address - low < 2 * STACK_NEAR;
}

static void classify_stack(struct mvs_text *text, const struct mvs_fault *fault)
{
        begin(text, "MemManage", fault);
        mvs_text_add(text, ": its stack has overflowed (the device has no room left below it either: look for a "
                           "recursion or large local variables in the calls below)");
}

static void classify_mapped(struct mvs_text *text, const struct mvs_fault *fault, const struct mvs_segment *segment)
{
        begin(text, "MemManage", fault);
        if (fault->access == MVS_ACCESS_EXECUTE)
                mvs_text_add(text, ", which is data and no code");
        else if (segment->readable && fault->access == MVS_ACCESS_WRITE)
                mvs_text_add(text, ", which is read-only: %s", segment->executable ? "code" : "constants");
        else
                mvs_text_add(text, ", which may not be accessed");
        if (segment->name[0])
                mvs_text_add(text, " (%s)", base_name(segment->name));
}

static bool is_in_arena(const struct mvs_memory *memory, uintptr_t address)
{
        size_t page = mvs_page_size();
        return memory->secure_start != 0 && address >= memory->secure_start - page &&
               address < memory->secure_end + page;
}

static bool is_own(const struct mvs_memory *memory, uintptr_t address)
{
        return is_in_arena(memory, address) || mvs_maps_is_own_code(address);
}

static void classify_address(struct mvs_text *text, const struct mvs_memory *memory, const struct mvs_fault *fault)
{
        const struct mvs_window *window = mvs_window_find(fault->address);
        struct mvs_segment segment;
        bool is_mapped = mvs_maps_find(fault->address, &segment);
        bool is_open = is_mapped && (segment.readable || segment.writable || segment.executable);
        if (fault->address < NULL_SIZE) {
                classify_null(text, fault);
        } else if (is_own(memory, fault->address)) {
                begin(text, "SecureFault", fault);
                mvs_text_add(text, ", which is Microvisor's own memory");
        } else if (window != NULL && !is_open) {
                classify_window(text, fault, window);
        } else if (!is_open && is_near_stack(fault)) {
                classify_stack(text, fault);
        } else if (is_mapped) {
                classify_mapped(text, fault, &segment);
        } else {
                begin(text, "BusFault", fault);
                mvs_text_add(text, ": nothing is there");
        }
}

static void classify_signal(struct mvs_text *text, const struct mvs_fault *fault)
{
        size_t ip = (size_t)fault->ip;
        if (fault->signal == SIGILL)
                mvs_text_add(text, "UsageFault: the application ran an undefined instruction at 0x%08zx", ip);
        else if (fault->signal == SIGFPE && fault->code == FPE_INTDIV)
                mvs_text_add(text, "UsageFault: the application divided an integer by zero at 0x%08zx", ip);
        else if (fault->signal == SIGFPE)
                mvs_text_add(text, "UsageFault: an arithmetic error at 0x%08zx", ip);
        else if (fault->signal == SIGTRAP)
                mvs_text_add(text, "HardFault: a breakpoint without a debugger at 0x%08zx", ip);
        else
                mvs_text_add(text, "BusFault: the application used an address that cannot be, at 0x%08zx", ip);
}

void mvs_classify(struct mvs_text *text, const struct mvs_memory *memory, const struct mvs_fault *fault)
{
        if ((fault->signal != SIGSEGV && fault->signal != SIGBUS) || !fault->has_address) {
                classify_signal(text, fault);
        } else if (fault->is_lent) {
                classify_lent(text, fault);
        } else if (fault->signal == SIGBUS) {
                begin(text, "BusFault", fault);
                mvs_text_add(text,
                             fault->code == BUS_ADRALN ? ", which is not aligned" : ": the file there is shorter");
        } else {
                classify_address(text, memory, fault);
        }
}
