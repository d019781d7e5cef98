#include "sim/thread.h"

#include <signal.h>

int mvs_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *argument), void *argument)
{
        static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
        sigset_t deaf, before;
        sigfillset(&deaf);
        for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++)
                sigdelset(&deaf, faults[i]);
        pthread_sigmask(SIG_SETMASK, &deaf, &before);
        int error = pthread_create(ret_thread, NULL, run, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (!error)
                pthread_setname_np(*ret_thread, name);
        return -error;
}
