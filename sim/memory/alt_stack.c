#include "sim/memory/alt_stack.h"

#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>

#define STACK_SIZE 131072

void mvs_alt_stack_begin(struct mvs_alt_stack *alt)
{
        stack_t current;
        alt->stack = NULL;
        alt->thread = pthread_self();
        if (sigaltstack(NULL, &current) < 0 || (current.ss_flags & SS_DISABLE) == 0)
                return;
        void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
        if (stack == MAP_FAILED)
                return;
        const stack_t wanted = {.ss_sp = stack, .ss_size = STACK_SIZE};
        if (sigaltstack(&wanted, NULL) == 0)
                alt->stack = stack;
        else
                munmap(stack, STACK_SIZE);
}

void mvs_alt_stack_end(struct mvs_alt_stack *alt)
{
        const stack_t none = {.ss_flags = SS_DISABLE};
        stack_t current;
        if (alt->stack == NULL || !pthread_equal(alt->thread, pthread_self()))
                return;
        if (sigaltstack(NULL, &current) < 0 || current.ss_sp != alt->stack) /* the application has set another */
                return;
        if (sigaltstack(&none, NULL) == 0)
                munmap(alt->stack, STACK_SIZE);
        alt->stack = NULL;
}
