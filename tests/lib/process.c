#include "process.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int mvt_listen(uint16_t *port)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof address;
        int on = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_ge(fd, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 511) != 0)
                ck_abort_msg("port %u of 127.0.0.1: %s", *port, strerror(errno));
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        *port = ntohs(address.sin_port);
        return fd;
}

void mvt_child_setup(pid_t parent)
{
        sigset_t none;
        sigemptyset(&none);
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        for (int number = 1; number < NSIG; number++)
                signal(number, SIG_DFL);
        sigprocmask(SIG_SETMASK, &none, NULL);
}

void mvt_kill(pid_t pid)
{
        if (pid <= 0)
                return;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

void mvt_abort_start(const char *server, const struct mvt_tempdir *dir, const char *log)
{
        char path[MVT_PATH_SIZE];
        char text[1024] = "";
        mvt_path(path, dir, log);
        if (access(path, R_OK) == 0)
                mvt_read_file(path, text, sizeof text);
        ck_abort_msg("%s did not start: %s", server, text);
}
