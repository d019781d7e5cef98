/*
 * What newlib asks of a system. The device has a heap and nothing else: no files, no processes. All are weak: an
 * application that sends its printf to mvServerLog defines its own _write.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "cmsis_compiler.h"

extern char end[], _heap_limit[];

void *_sbrk(ptrdiff_t increment);
int _write(int file, const char *data, int len);
int _read(int file, char *data, int len);
int _close(int file);
off_t _lseek(int file, off_t offset, int whence);
int _fstat(int file, struct stat *ret_status);
int _isatty(int file);
int _kill(int process, int signal);
int _getpid(void);
void _exit(int status) __NO_RETURN;
void _init(void);
void _fini(void);

/* What the compiler's start-up objects bring, which are not linked: C++ destructors of static objects name the first,
 * and newlib's exit calls the last. */
extern void *__dso_handle;
__WEAK void *__dso_handle;

__WEAK void _init(void)
{
}

__WEAK void _fini(void)
{
}

__WEAK void *_sbrk(ptrdiff_t increment)
{
        static char *brk = end;
        char *old = brk;
        if (increment > _heap_limit - brk || increment < end - brk) {
                errno = ENOMEM;
                return (void *)-1;
        }
        brk += increment;
        return old;
}

static int no_such_file(void)
{
        errno = EBADF;
        return -1;
}

__WEAK int _write(int file, const char *data, int len)
{
        (void)file;
        (void)data;
        (void)len;
        return no_such_file();
}

__WEAK int _read(int file, char *data, int len)
{
        (void)file;
        (void)data;
        (void)len;
        return no_such_file();
}

__WEAK int _close(int file)
{
        (void)file;
        return no_such_file();
}

__WEAK off_t _lseek(int file, off_t offset, int whence)
{
        (void)file;
        (void)offset;
        (void)whence;
        return no_such_file();
}

__WEAK int _fstat(int file, struct stat *ret_status)
{
        (void)file;
        (void)ret_status;
        return no_such_file();
}

__WEAK int _isatty(int file)
{
        (void)file;
        no_such_file();
        return 0;
}

__WEAK int _kill(int process, int signal)
{
        (void)process;
        (void)signal;
        errno = EINVAL;
        return -1;
}

__WEAK int _getpid(void)
{
        return 1;
}

__WEAK void _exit(int status)
{
        (void)status;
        for (;;)
                __WFI();
}
