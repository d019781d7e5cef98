#include "peer.h"

#include <check.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "process.h"

#define REQUEST_MAX (256 * 1024)

struct mvt_peer_counts {
        atomic_uint accepted;
        atomic_uint open;
        atomic_uint requests;
        atomic_uint flooded;
};

/* What the peer's process knows; its threads only read it. */
struct service {
        SSL_CTX *tls; /* NULL: plain */
        const struct mvt_answer *answers;
        struct mvt_peer_counts *counts;
};

struct connection {
        const struct service *service;
        int fd;
        SSL *ssl; /* NULL: plain */
        char request[REQUEST_MAX];
        size_t len;
};

static ssize_t receive(struct connection *c, void *data, size_t len)
{
        return c->ssl ? SSL_read(c->ssl, data, (int)len) : recv(c->fd, data, len, 0);
}

static bool send_all(struct connection *c, const char *data, size_t len)
{
        while (len > 0) {
                ssize_t sent = c->ssl ? SSL_write(c->ssl, data, (int)len) : send(c->fd, data, len, MSG_NOSIGNAL);
                if (sent <= 0)
                        return false;
                data += sent;
                len -= (size_t)sent;
        }
        return true;
}

static size_t body_length(const char *header)
{
        for (const char *line = header; line; line = strstr(line, "\r\n")) {
                line += line == header ? 0 : 2;
                if (strncasecmp(line, "Content-Length:", 15) == 0)
                        return strtoul(line + 15, NULL, 10);
        }
        return 0;
}

/* The length of the request that the buffer begins with, 0 while it is not all there */
static size_t complete_length(struct connection *c)
{
        c->request[c->len] = '\0';
        char *end = strstr(c->request, "\r\n\r\n");
        if (!end)
                return 0;
        *end = '\0';
        size_t len = (size_t)(end + 4 - c->request) + body_length(c->request);
        *end = '\r';
        return len <= c->len ? len : 0;
}

static bool read_request(struct connection *c)
{
        c->len = 0;
        while (complete_length(c) == 0) {
                if (c->len == sizeof c->request - 1)
                        return false;
                ssize_t got = receive(c, c->request + c->len, sizeof c->request - 1 - c->len);
                if (got <= 0)
                        return false;
                c->len += (size_t)got;
        }
        atomic_fetch_add(&c->service->counts->requests, 1);
        return true;
}

static bool asks_for(const struct connection *c, const char *path)
{
        const char *target = strchr(c->request, ' ');
        size_t len = strlen(path);
        return target && strncmp(target + 1, path, len) == 0 && target[1 + len] == ' ';
}

static bool echo(struct connection *c)
{
        char header[64];
        int len = snprintf(header, sizeof header, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", c->len);
        bool head = strncmp(c->request, "HEAD ", 5) == 0;
        return send_all(c, header, (size_t)len) && (head || send_all(c, c->request, c->len));
}

static bool hold(struct connection *c)
{
        char byte;
        while (receive(c, &byte, 1) > 0)
                ;
        return false;
}

static bool flood(struct connection *c, const char *bytes)
{
        bytes = strstr(bytes, "\r\n") + 2;
        while (send_all(c, bytes, strlen(bytes)))
                atomic_fetch_add(&c->service->counts->flooded, (unsigned)strlen(bytes));
        return false;
}

static bool cut(struct connection *c)
{
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        if (!c->ssl)
                setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        return false;
}

static bool bid_farewell(struct connection *c)
{
        if (c->ssl)
                SSL_shutdown(c->ssl);
        return false;
}

/* false: the connection is done with */
static bool answer(struct connection *c)
{
        const struct mvt_answer *a = c->service->answers;
        while (a->path && !asks_for(c, a->path))
                a++;
        if (!a->path || a->then == MVT_ECHO)
                return echo(c);
        if (a->bytes && !send_all(c, a->bytes, strlen(a->bytes)))
                return false;
        switch (a->then) {
        case MVT_CLOSE: return bid_farewell(c);
        case MVT_CUT: return cut(c);
        case MVT_HOLD: return hold(c);
        case MVT_FLOOD: return flood(c, a->bytes);
        default: return true;
        }
}

static bool shake_hands(struct connection *c)
{
        if (!c->service->tls)
                return true;
        c->ssl = SSL_new(c->service->tls);
        return c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_accept(c->ssl) == 1;
}

static void *serve(void *arg)
{
        struct connection *c = arg;
        if (shake_hands(c)) {
                while (read_request(c) && answer(c))
                        ;
        }
        SSL_free(c->ssl);
        close(c->fd);
        atomic_fetch_sub(&c->service->counts->open, 1);
        free(c);
        return NULL;
}

static void accept_one(const struct service *service, int listener)
{
        pthread_t thread;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        struct connection *c = calloc(1, sizeof *c);
        if (fd < 0 || !c)
                _exit(1);
        c->service = service;
        c->fd = fd;
        atomic_fetch_add(&service->counts->accepted, 1);
        atomic_fetch_add(&service->counts->open, 1);
        if (pthread_create(&thread, NULL, serve, c) != 0)
                _exit(1);
        pthread_detach(thread);
}

static SSL_CTX *make_tls(const struct mvt_certificate *certificate)
{
        SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
        if (!tls || SSL_CTX_use_certificate_chain_file(tls, certificate->cert_file) != 1 ||
            SSL_CTX_use_PrivateKey_file(tls, certificate->key_file, SSL_FILETYPE_PEM) != 1)
                _exit(1);
        return tls;
}

static void run(const struct mvt_peer *peer, int listener, const struct mvt_certificate *certificate,
                const struct mvt_answer *answers)
{
        struct service service = {.answers = answers, .counts = peer->counts};
        if (certificate)
                service.tls = make_tls(certificate);
        signal(SIGPIPE, SIG_IGN);
        for (;;)
                accept_one(&service, listener);
}

void mvt_peer_start(struct mvt_peer *ret, const struct mvt_certificate *certificate, const struct mvt_answer *answers)
{
        pid_t parent = getpid();
        *ret = (struct mvt_peer){0};
        ret->counts = mmap(NULL, sizeof *ret->counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(ret->counts, MAP_FAILED);
        int listener = mvt_listen(&ret->port);
        ret->pid = fork();
        if (ret->pid == 0) {
                mvt_child_setup(parent);
                run(ret, listener, certificate, answers);
        }
        ck_assert_int_ge(ret->pid, 0);
        close(listener);
}

void mvt_peer_finish(struct mvt_peer *peer)
{
        mvt_kill(peer->pid);
        if (peer->counts)
                munmap(peer->counts, sizeof *peer->counts);
        *peer = (struct mvt_peer){0};
}

unsigned mvt_peer_accepted(const struct mvt_peer *peer)
{
        return atomic_load(&peer->counts->accepted);
}

unsigned mvt_peer_open(const struct mvt_peer *peer)
{
        return atomic_load(&peer->counts->open);
}

unsigned mvt_peer_requests(const struct mvt_peer *peer)
{
        return atomic_load(&peer->counts->requests);
}

unsigned mvt_peer_flooded(const struct mvt_peer *peer)
{
        return atomic_load(&peer->counts->flooded);
}
