#include "sim/memory/dispatch.h"

#if defined(__x86_64__)

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "sim/memory/context.h"
#include "sim/memory/memory.h"

#define DISPATCH     59 /* PR_SET_SYSCALL_USER_DISPATCH; the C library's header may be older than the kernel */
#define DISPATCH_ON  1
#define SYSCALL_SIZE 2 /* bytes of the instruction */
#define RED_ZONE     128
#define SIGNALS      64
#define SET_SIZE     8 /* of a set of signals, as the kernel has it */

/* What the kernel looks at: 0 lets a call pass, 1 dispatches it. Initial-exec: a signal handler must not allocate. */
static __thread struct {
        volatile unsigned char selector;
        bool enrolled;
} dispatch __attribute__((tls_model("initial-exec")));

/* The kernel's struct sigaction. */
struct action {
        uintptr_t handler; /* 0 and 1 stand for the default and for none */
        unsigned long flags;
        void (*restorer)(void);
        uint64_t mask;
};

/*
 * What the kernel never dispatches. First the way back from a handler, so that a handler may switch the dispatch on
 * before it returns; unwinders know it by its bytes. Then a system call for code that was diverted here: it finds its
 * return address below the 128 bytes that its leaf functions may use under the stack pointer.
 */
extern const char mvs_dispatch_return[] __attribute__((visibility("hidden")));
extern const char mvs_dispatch_aside[] __attribute__((visibility("hidden")));
extern const char mvs_dispatch_end[] __attribute__((visibility("hidden")));
__asm__(".text\n"
        ".balign 16\n"
        "nop\n"
        ".hidden mvs_dispatch_return\n"
        ".globl mvs_dispatch_return\n"
        ".type mvs_dispatch_return, @function\n"
        "mvs_dispatch_return:\n"
        "mov $15, %rax\n"
        "syscall\n"
        ".size mvs_dispatch_return, . - mvs_dispatch_return\n"
        ".hidden mvs_dispatch_aside\n"
        ".globl mvs_dispatch_aside\n"
        ".type mvs_dispatch_aside, @function\n"
        "mvs_dispatch_aside:\n"
        ".cfi_startproc\n"
        ".cfi_def_cfa %rsp, 136\n"
        ".cfi_offset %rip, -136\n"
        "syscall\n"
        "ret $128\n"
        ".cfi_endproc\n"
        ".size mvs_dispatch_aside, . - mvs_dispatch_aside\n"
        ".hidden mvs_dispatch_end\n"
        ".globl mvs_dispatch_end\n"
        "mvs_dispatch_end:\n"
        "nop\n");

static uint64_t bit_of(int signal)
{
        return UINT64_C(1) << (signal - 1);
}

/* The signals that must stay open. */
static uint64_t fault_signals(void)
{
        return bit_of(SIGSEGV) | bit_of(SIGBUS) | bit_of(SIGILL) | bit_of(SIGFPE) | bit_of(SIGTRAP) | bit_of(SIGSYS);
}

/* ---- enrolling ---- */

static bool is_function(const struct action *action)
{
        return action->handler > 1;
}

/* Would a handler run with the signals of faults blocked? */
static bool some_handler_blocks(void)
{
        for (int signal = 1; signal <= SIGNALS; signal++) {
                struct action action;
                if (syscall(SYS_rt_sigaction, signal, NULL, &action, SET_SIZE) == 0 && is_function(&action) &&
                    (action.mask & fault_signals() & ~bit_of(signal)) != 0)
                        return true;
        }
        return false;
}

bool mvs_dispatch_enrol(void)
{
        if (some_handler_blocks())
                return false;
        if (dispatch.enrolled)
                return true;
        size_t len = (size_t)(mvs_dispatch_end - mvs_dispatch_return);
        dispatch.selector = 0;
        dispatch.enrolled = prctl(DISPATCH, DISPATCH_ON, mvs_dispatch_return, len, &dispatch.selector) == 0;
        return dispatch.enrolled;
}

bool mvs_dispatch_is_enrolled(void)
{
        return dispatch.enrolled;
}

void mvs_dispatch_forget(void)
{
        dispatch.selector = 0;
        dispatch.enrolled = false;
}

bool mvs_dispatch_switch(bool on)
{
        bool before = dispatch.selector != 0;
        dispatch.selector = on && dispatch.enrolled;
        return before;
}

void mvs_dispatch_set_return(int signal)
{
        struct action action;
        if (syscall(SYS_rt_sigaction, signal, NULL, &action, SET_SIZE) < 0)
                return;
        action.restorer = (void (*)(void))(uintptr_t)mvs_dispatch_return;
        syscall(SYS_rt_sigaction, signal, &action, NULL, SET_SIZE);
}

/* ---- calls that are carried out here ---- */

static greg_t *registers(void *context)
{
        return ((ucontext_t *)context)->uc_mcontext.gregs;
}

static enum mvs_dispatch_answer finish(void *context, long result)
{
        registers(context)[REG_RAX] = result;
        return MVS_DISPATCH_DONE;
}

static uint64_t new_mask(uint64_t mask, uintptr_t how, uint64_t set)
{
        switch (how) {
        case SIG_BLOCK: mask |= set; break;
        case SIG_UNBLOCK: mask &= ~set; break;
        default: mask = set; break;
        }
        return mask & ~fault_signals();
}

/* The mask that the interrupted code will have is in the frame that the handler returns through. */
static enum mvs_dispatch_answer set_mask(void *context, const uintptr_t *arguments)
{
        uint64_t *mask = mvs_context_mask(context);
        uint64_t before = *mask;
        uint64_t set = 0;
        if (arguments[3] != SET_SIZE || arguments[0] > SIG_SETMASK)
                return finish(context, -EINVAL);
        if (arguments[1] != 0 && !mvs_copy_from_app(&set, arguments[1], sizeof set))
                return finish(context, -EFAULT);
        if (arguments[2] != 0 && !mvs_copy_to_app(arguments[2], &before, sizeof before))
                return finish(context, -EFAULT);
        if (arguments[1] != 0)
                *mask = new_mask(before, arguments[0], set);
        return finish(context, 0);
}

static bool is_ours(uintptr_t signal)
{
        return signal == SIGSEGV || signal == SIGTRAP || signal == SIGSYS;
}

static enum mvs_dispatch_answer set_action(void *context, const uintptr_t *arguments)
{
        struct action action, before;
        if (arguments[1] == 0 || arguments[3] != SET_SIZE)
                return MVS_DISPATCH_OPEN;
        if (is_ours(arguments[0]))
                return MVS_DISPATCH_YIELD;
        if (!mvs_copy_from_app(&action, arguments[1], sizeof action))
                return finish(context, -EFAULT);
        action.mask &= ~fault_signals();
        if (syscall(SYS_rt_sigaction, arguments[0], &action, &before, SET_SIZE) < 0)
                return finish(context, -errno);
        if (arguments[2] != 0 && !mvs_copy_to_app(arguments[2], &before, sizeof before))
                return finish(context, -EFAULT);
        return finish(context, 0);
}

/* From a place that is not dispatched; the stack pointer, which says what is returned to, stays as it is. */
static enum mvs_dispatch_answer return_from_handler(void *context)
{
        registers(context)[REG_RIP] = (greg_t)(uintptr_t)mvs_dispatch_return;
        return MVS_DISPATCH_DONE;
}

/* ---- all others ---- */

static enum mvs_dispatch_answer answer_for(long number)
{
        switch (number) {
        case SYS_exit:
        case SYS_exit_group: return MVS_DISPATCH_LAST;
        case SYS_clone:
        case SYS_clone3:
        case SYS_fork:
        case SYS_vfork: return MVS_DISPATCH_START;
        case SYS_readv:
        case SYS_writev:
        case SYS_preadv:
        case SYS_pwritev:
        case SYS_preadv2:
        case SYS_pwritev2:
        case SYS_sendmsg:
        case SYS_recvmsg:
        case SYS_sendmmsg:
        case SYS_recvmmsg:
        case SYS_vmsplice:
        case SYS_process_vm_readv:
        case SYS_process_vm_writev:
        case SYS_ioctl:
        case SYS_execve:
        case SYS_execveat:
        case SYS_io_submit:
        case SYS_io_uring_enter: return MVS_DISPATCH_ALL;
        default: return MVS_DISPATCH_OPEN;
        }
}

static void read_arguments(void *context, uintptr_t ret_arguments[MVS_DISPATCH_ARGS])
{
        static const int places[MVS_DISPATCH_ARGS] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
        for (unsigned i = 0; i < MVS_DISPATCH_ARGS; i++)
                ret_arguments[i] = (uintptr_t)registers(context)[places[i]];
}

bool mvs_dispatch_divert(void *context)
{
        greg_t *values = registers(context);
        uintptr_t back = (uintptr_t)values[REG_RIP] + SYSCALL_SIZE;
        uintptr_t stack = (uintptr_t)values[REG_RSP] - RED_ZONE - sizeof back;
        if (!mvs_copy_to_app(stack, &back, sizeof back))
                return false;
        values[REG_RSP] = (greg_t)stack;
        values[REG_RIP] = (greg_t)(uintptr_t)mvs_dispatch_aside;
        return true;
}

enum mvs_dispatch_answer mvs_dispatch_prepare(void *context, uintptr_t ret_arguments[MVS_DISPATCH_ARGS])
{
        long number = (long)registers(context)[REG_RAX];
        enum mvs_dispatch_answer answer;
        read_arguments(context, ret_arguments);
        switch (number) {
        case SYS_rt_sigprocmask: return set_mask(context, ret_arguments);
        case SYS_rt_sigaction: answer = set_action(context, ret_arguments); break;
        case SYS_rt_sigreturn: answer = return_from_handler(context); break;
        default: answer = answer_for(number); break;
        }
        if (answer != MVS_DISPATCH_DONE)
                registers(context)[REG_RIP] -= SYSCALL_SIZE;
        return answer;
}

#else

bool mvs_dispatch_enrol(void)
{
        return false;
}

bool mvs_dispatch_is_enrolled(void)
{
        return false;
}

void mvs_dispatch_forget(void)
{
}

bool mvs_dispatch_switch(bool on)
{
        (void)on;
        return false;
}

enum mvs_dispatch_answer mvs_dispatch_prepare(void *context, uintptr_t ret_arguments[MVS_DISPATCH_ARGS])
{
        (void)context;
        (void)ret_arguments;
        return MVS_DISPATCH_LAST;
}

bool mvs_dispatch_divert(void *context)
{
        (void)context;
        return false;
}

void mvs_dispatch_set_return(int signal)
{
        (void)signal;
}

#endif
