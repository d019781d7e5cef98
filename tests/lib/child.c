#include "child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools.h"

static void read_back(int fd, char ret_text[MVT_OUTPUT_SIZE])
{
        ssize_t len = pread(fd, ret_text, MVT_OUTPUT_SIZE - 1, 0);
        ck_assert_int_ge(len, 0);
        ret_text[len] = '\0';
        close(fd);
}

static int open_output(void)
{
        int fd = memfd_create("output", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        return fd;
}

/*
 * Asked by the leak checker of the address sanitizer. A child has lost the device that its parent had running, and
 * what that device had allocated is no leak of the child's.
 */
static bool is_child;

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
        return is_child;
}

void mvt_child_run(struct mvt_child *ret, void (*body)(void))
{
        int output = open_output();
        int status;
        mvt_let_threads_rest();
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                is_child = true;
                dup2(output, STDERR_FILENO);
                body();
                exit(0);
        }
        while (waitpid(pid, &status, 0) < 0)
                ck_assert_int_eq(errno, EINTR);
        ret->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        read_back(output, ret->output);
}

static struct {
        int output;
        int usual;
} capture;

void mvt_capture_begin(void)
{
        capture.output = open_output();
        capture.usual = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        ck_assert_int_ge(capture.usual, 0);
        dup2(capture.output, STDERR_FILENO);
}

void mvt_capture_end(char ret_text[MVT_OUTPUT_SIZE])
{
        dup2(capture.usual, STDERR_FILENO);
        close(capture.usual);
        read_back(capture.output, ret_text);
}

unsigned mvt_count(const char *text, const char *part)
{
        unsigned count = 0;
        for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
                count++;
        return count;
}
