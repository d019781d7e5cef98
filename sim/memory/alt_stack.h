/* A stack of its own for the handlers of faults on the thread that boots, so that an overflow of its stack is reported.
 */
#ifndef MVS_ALT_STACK_H
#define MVS_ALT_STACK_H

#include <pthread.h>

struct mvs_alt_stack {
        void *stack; /* NULL: the thread has one of its own */
        pthread_t thread;
};

/* Nothing happens where the thread has one already (a sanitizer's), or there is no memory for it. */
void mvs_alt_stack_begin(struct mvs_alt_stack *alt);

/* By another thread than the one that began: the stack stays, for it cannot be taken from under the other. */
void mvs_alt_stack_end(struct mvs_alt_stack *alt);

#endif
