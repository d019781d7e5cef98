#include "stream_peer.h"

#include <check.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "process.h"

#define PATIENCE_S 10

void mvt_stream_peer_thread(pthread_t *ret_thread, void *(*run)(void *argument), void *argument)
{
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int error = pthread_create(ret_thread, NULL, run, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        ck_assert_int_eq(error, 0);
}

/* ---- listening ---- */

void mvt_stream_peer_tcp(struct mvt_stream_peer *ret)
{
        *ret = (struct mvt_stream_peer){.fd = -1};
        ret->listener = mvt_listen(&ret->port);
}

static void listen_tls(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate, int max_version)
{
        mvt_stream_peer_tcp(ret);
        signal(SIGPIPE, SIG_IGN); /* OpenSSL does not ask for the call without it */
        ret->tls = SSL_CTX_new(TLS_server_method());
        ck_assert_ptr_nonnull(ret->tls);
        SSL_CTX_set_max_proto_version(ret->tls, max_version);
        ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(ret->tls, certificate->cert_file), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(ret->tls, certificate->key_file, SSL_FILETYPE_PEM), 1);
}

void mvt_stream_peer_tls(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate)
{
        listen_tls(ret, certificate, 0);
}

void mvt_stream_peer_tls12(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate)
{
        listen_tls(ret, certificate, TLS1_2_VERSION);
}

void mvt_stream_peer_unix(struct mvt_stream_peer *ret, const struct mvt_tempdir *dir)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        *ret = (struct mvt_stream_peer){.fd = -1};
        ck_assert_int_lt(snprintf(ret->path, sizeof ret->path, "%.90s/socket", dir->path), (int)sizeof ret->path);
        memcpy(address.sun_path, ret->path, sizeof address.sun_path);
        ret->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(ret->listener, (const struct sockaddr *)&address, sizeof address), 0);
        ck_assert_int_eq(listen(ret->listener, 8), 0);
}

void mvt_stream_peer_finish(struct mvt_stream_peer *peer)
{
        if (peer->fd >= 0)
                mvt_stream_peer_close(peer);
        if (peer->listener >= 0)
                close(peer->listener);
        SSL_CTX_free(peer->tls);
        *peer = (struct mvt_stream_peer){.listener = -1, .fd = -1};
}

/* ---- a connection ---- */

static void wait_for(int fd, const char *what)
{
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ck_assert_msg(poll(&poll_fd, 1, PATIENCE_S * 1000) == 1, "the device %s within %d s", what, PATIENCE_S);
}

bool mvt_stream_peer_try_accept(struct mvt_stream_peer *peer)
{
        const struct timeval patience = {.tv_sec = PATIENCE_S};
        ck_assert_int_eq(peer->fd, -1);
        wait_for(peer->listener, "does not connect");
        peer->fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(peer->fd, 0);
        setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (!peer->tls)
                return true;
        peer->ssl = SSL_new(peer->tls);
        ck_assert_int_eq(SSL_set_fd(peer->ssl, peer->fd), 1);
        bool fine = SSL_accept(peer->ssl) == 1;
        ERR_clear_error();
        return fine;
}

void mvt_stream_peer_accept(struct mvt_stream_peer *peer)
{
        ck_assert_msg(mvt_stream_peer_try_accept(peer), "the device does not shake hands");
}

static ssize_t send_some(struct mvt_stream_peer *peer, const void *bytes, size_t len)
{
        return peer->ssl ? SSL_write(peer->ssl, bytes, (int)len) : send(peer->fd, bytes, len, MSG_NOSIGNAL);
}

void mvt_stream_peer_send(struct mvt_stream_peer *peer, const void *bytes, size_t len)
{
        for (size_t sent = 0; sent < len;) {
                ssize_t more = send_some(peer, (const char *)bytes + sent, len - sent);
                ck_assert_msg(more > 0, "sending to the device: %s", strerror(errno));
                sent += (size_t)more;
        }
}

void mvt_stream_peer_say(struct mvt_stream_peer *peer, const char *text)
{
        mvt_stream_peer_send(peer, text, strlen(text));
}

static ssize_t receive(struct mvt_stream_peer *peer, void *bytes, size_t size)
{
        return peer->ssl ? SSL_read(peer->ssl, bytes, (int)size) : recv(peer->fd, bytes, size, 0);
}

void mvt_stream_peer_read(struct mvt_stream_peer *peer, void *ret_bytes, size_t len)
{
        for (size_t got = 0; got < len;) {
                ssize_t more = receive(peer, (char *)ret_bytes + got, len - got);
                ck_assert_msg(more > 0, "%zu bytes of %zu have come from the device: %s", got, len, strerror(errno));
                got += (size_t)more;
        }
}

void mvt_stream_peer_expect(struct mvt_stream_peer *peer, const char *text)
{
        char found[4096] = "";
        size_t len = strlen(text);
        ck_assert_uint_lt(len, sizeof found);
        mvt_stream_peer_read(peer, found, len);
        ck_assert_str_eq(found, text);
}

void mvt_stream_peer_renegotiate(struct mvt_stream_peer *peer)
{
        ck_assert_int_eq(SSL_renegotiate(peer->ssl), 1);
        ck_assert_int_eq(SSL_do_handshake(peer->ssl), 1);
        wait_for(peer->fd, "does not begin to shake hands anew");
}

size_t mvt_stream_peer_poll(struct mvt_stream_peer *peer, void *ret_bytes, size_t size)
{
        ssize_t len = recv(peer->fd, ret_bytes, size, MSG_DONTWAIT);
        return len > 0 ? (size_t)len : 0;
}

void mvt_stream_peer_expect_end(struct mvt_stream_peer *peer)
{
        char byte;
        errno = 0;
        ssize_t len = receive(peer, &byte, 1);
        ck_assert_msg(len <= 0 && errno != EAGAIN, "the device has not closed the connection");
        ERR_clear_error();
}

/* ---- its end ---- */

static void end(struct mvt_stream_peer *peer, bool farewell)
{
        if (peer->ssl && farewell)
                SSL_shutdown(peer->ssl);
        SSL_free(peer->ssl);
        peer->ssl = NULL;
        close(peer->fd);
        peer->fd = -1;
        ERR_clear_error();
}

void mvt_stream_peer_close(struct mvt_stream_peer *peer)
{
        end(peer, true);
}

void mvt_stream_peer_cut(struct mvt_stream_peer *peer)
{
        end(peer, false);
}

void mvt_stream_peer_reset(struct mvt_stream_peer *peer)
{
        const struct linger now = {.l_onoff = 1, .l_linger = 0};
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        end(peer, false);
}

void mvt_stream_peer_half_close(struct mvt_stream_peer *peer)
{
        if (peer->ssl)
                SSL_shutdown(peer->ssl);
        else
                shutdown(peer->fd, SHUT_WR);
}
