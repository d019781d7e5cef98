#include "echo.h"

#include <check.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

static void send_back(int fd)
{
        char bytes[16384];
        ssize_t len;
        while ((len = read(fd, bytes, sizeof bytes)) > 0) {
                for (ssize_t sent = 0; sent < len;) {
                        ssize_t n = send(fd, bytes + sent, (size_t)(len - sent), MSG_NOSIGNAL);
                        if (n <= 0)
                                return;
                        sent += n;
                }
        }
}

static void serve(int listener)
{
        for (;;) {
                int fd = accept(listener, NULL, NULL);
                if (fd < 0)
                        _exit(1);
                send_back(fd);
                close(fd);
        }
}

void mvt_echo_start(struct mvt_echo *ret)
{
        pid_t parent = getpid();
        ret->port = 0;
        int listener = mvt_listen(&ret->port);
        ret->pid = fork();
        ck_assert_int_ge(ret->pid, 0);
        if (ret->pid == 0) {
                mvt_child_setup(parent);
                serve(listener);
        }
        close(listener);
}

void mvt_echo_finish(struct mvt_echo *echo)
{
        mvt_kill(echo->pid);
        *echo = (struct mvt_echo){0};
}
