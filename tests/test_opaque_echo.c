/*
 * The example application opaque-echo, built to serve two connections, in virtual time. Its main function is called
 * opaque_echo here; the peer is a thread.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"
#include "online.h"
#include "process.h"
#include "stream_peer.h"
#include "suite.h"

#define GREETING "this is opaque-echo\n"
#define BULK     300000U

int opaque_echo(void);

static int listener;
static uint16_t port;

/* What the peer has seen; looked at when its thread has ended. */
static struct {
        char greeting[sizeof GREETING];
        char line[8];
        size_t echoed; /* bytes that came back as they were sent */
} seen;

static void set_up(void)
{
        mvt_online_prepare();
        memset(&seen, 0, sizeof seen);
        port = 0;
        listener = mvt_listen(&port);
}

static void tear_down(void)
{
        mvt_device_end();
        close(listener);
}

static void boot(void)
{
        char profile[256];
        snprintf(profile, sizeof profile, "endpoints: {echo: \"tcp://127.0.0.1:%u\"}\nlog: {file: /dev/null}\n",
                 (unsigned)port);
        mvt_device_boot(&(struct mvt_device){.profile = profile});
}

static size_t receive(int fd, char *bytes, size_t len)
{
        size_t got = 0;
        for (ssize_t more; got < len; got += (size_t)more) {
                more = recv(fd, bytes + got, len - got, 0);
                if (more <= 0)
                        break;
        }
        return got;
}

static void talk(int fd)
{
        receive(fd, seen.greeting, sizeof GREETING - 1);
        send(fd, "hello\n", 6, MSG_NOSIGNAL);
        receive(fd, seen.line, 6);
}

static void *send_much(void *fd)
{
        static char bytes[BULK];
        for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = (char)(i * 13);
        send(*(int *)fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        return NULL;
}

/* Sends all of it before it takes the first byte back: the echo stands still meanwhile. */
static void talk_much(int fd)
{
        static char bytes[BULK];
        pthread_t sender;
        receive(fd, bytes, sizeof GREETING - 1);
        if (pthread_create(&sender, NULL, send_much, &fd) != 0)
                return;
        size_t got = receive(fd, bytes, sizeof bytes);
        pthread_join(sender, NULL);
        while (seen.echoed < got && bytes[seen.echoed] == (char)(seen.echoed * 13))
                seen.echoed++;
}

static void *play_the_peer(void *unused)
{
        (void)unused;
        for (unsigned i = 0; i < 2; i++) {
                int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                if (i == 0)
                        talk(fd);
                else
                        talk_much(fd);
                close(fd);
        }
        return NULL;
}

START_TEST(it_greets_and_sends_back_what_comes)
{
        pthread_t thread;
        boot();
        mvt_stream_peer_thread(&thread, play_the_peer, NULL);
        ck_assert_int_eq(opaque_echo(), 0);
        pthread_join(thread, NULL);
        ck_assert_str_eq(seen.greeting, GREETING);
        ck_assert_str_eq(seen.line, "hello\n");
        ck_assert_uint_eq(seen.echoed, BULK);
        const struct mvsim_statistics statistics = mvt_statistics();
        ck_assert_msg(statistics.overruns == 0 && statistics.open_handles == 0 && !mvsim_finding(0), "%s",
                      mvsim_finding(0) ? mvsim_finding(0)->message : "");
}
END_TEST

Suite *suite(void)
{
        Suite *s = suite_create("opaque_echo");
        TCase *tests = tcase_create("opaque-echo");
        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 30);
        tcase_add_test(tests, it_greets_and_sends_back_what_comes);
        suite_add_tcase(s, tests);
        return s;
}
