#include "sim/memory/context.h"

#include <string.h>
#include <ucontext.h>

#include "sim/memory/memory.h"

uint64_t *mvs_context_mask(void *context)
{
        return (uint64_t *)(void *)&((ucontext_t *)context)->uc_sigmask;
}

#if defined(__x86_64__)

#define ERROR_WRITE   0x2
#define ERROR_EXECUTE 0x10
#define GENERAL_FAULT 13 /* a general protection fault: no address, or one that cannot be */
#define STACK_FAULT   12 /* the same through the stack pointer */

static greg_t *registers(const void *context)
{
        return ((ucontext_t *)(uintptr_t)context)->uc_mcontext.gregs;
}

uintptr_t mvs_context_ip(const void *context)
{
        return (uintptr_t)registers(context)[REG_RIP];
}

uintptr_t mvs_context_sp(const void *context)
{
        return (uintptr_t)registers(context)[REG_RSP];
}

static enum mvs_access_kind access_of(const void *context)
{
        greg_t error = registers(context)[REG_ERR];
        if (error & ERROR_EXECUTE)
                return MVS_ACCESS_EXECUTE;
        return error & ERROR_WRITE ? MVS_ACCESS_WRITE : MVS_ACCESS_READ;
}

bool mvs_context_has_address(const void *context)
{
        greg_t trap = registers(context)[REG_TRAPNO];
        return trap != GENERAL_FAULT && trap != STACK_FAULT;
}

bool mvs_context_return(void *context)
{
        uintptr_t caller;
        if (!mvs_copy_from_app(&caller, mvs_context_sp(context), sizeof caller))
                return false;
        registers(context)[REG_RIP] = (greg_t)caller;
        registers(context)[REG_RSP] += (greg_t)sizeof caller;
        return true;
}

#elif defined(__aarch64__)

#define RECORD_ESR     0x45535201 /* the record of the exception syndrome in the signal frame */
#define CLASS_SHIFT    26         /* the class of the exception; newer processors say more above it */
#define CLASS_MASK     0x3f
#define CLASS_DATA     0x24
#define CLASS_CODE     0x20
#define SYNDROME_WRITE (1 << 6)

struct record {
        uint32_t magic;
        uint32_t size;
        uint64_t syndrome;
};

uintptr_t mvs_context_ip(const void *context)
{
        return ((const ucontext_t *)context)->uc_mcontext.pc;
}

uintptr_t mvs_context_sp(const void *context)
{
        return ((const ucontext_t *)context)->uc_mcontext.sp;
}

static uint64_t syndrome_of(const void *context)
{
        const ucontext_t *interrupted = context;
        const unsigned char *at = (const unsigned char *)interrupted->uc_mcontext.__reserved;
        const unsigned char *end = at + sizeof interrupted->uc_mcontext.__reserved - sizeof(struct record);
        struct record record;
        for (; at <= end; at += record.size) {
                memcpy(&record, at, sizeof record);
                if (record.magic == RECORD_ESR)
                        return record.syndrome;
                if (record.magic == 0 || record.size == 0)
                        break;
        }
        return 0;
}

static enum mvs_access_kind access_of(const void *context)
{
        uint64_t syndrome = syndrome_of(context);
        uint64_t class = syndrome >> CLASS_SHIFT & CLASS_MASK;
        if (class == CLASS_CODE)
                return MVS_ACCESS_EXECUTE;
        if (class != CLASS_DATA)
                return MVS_ACCESS_UNKNOWN;
        return syndrome & SYNDROME_WRITE ? MVS_ACCESS_WRITE : MVS_ACCESS_READ;
}

bool mvs_context_has_address(const void *context)
{
        (void)context;
        return true;
}

bool mvs_context_return(void *context)
{
        ucontext_t *interrupted = context;
        interrupted->uc_mcontext.pc = interrupted->uc_mcontext.regs[30];
        return interrupted->uc_mcontext.pc != 0;
}

#else

uintptr_t mvs_context_ip(const void *context)
{
        (void)context;
        return 0;
}

uintptr_t mvs_context_sp(const void *context)
{
        (void)context;
        return 0;
}

static enum mvs_access_kind access_of(const void *context)
{
        (void)context;
        return MVS_ACCESS_UNKNOWN;
}

bool mvs_context_has_address(const void *context)
{
        (void)context;
        return true;
}

bool mvs_context_return(void *context)
{
        (void)context;
        return false;
}

#endif

enum mvs_access_kind mvs_context_access(const void *context, uintptr_t address)
{
        if (address == mvs_context_ip(context))
                return MVS_ACCESS_EXECUTE;
        return access_of(context);
}
