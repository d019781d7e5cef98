/* Opaque channels for tests: a device whose profile names the endpoints, and what an application does with a channel.
 */
#ifndef MVT_OPAQUE_H
#define MVT_OPAQUE_H

#include "online.h"
#include "stream_peer.h"

/* Boots a device whose profile has these endpoints: "NAME: ADDRESS" lines, and more sections of the profile or NULL. */
void mvt_opaque_boot(const char *endpoints, const char *more, bool real_time);

/* ---- one peer ---- */

/* It, and what it may need. A test that makes its own peer puts it here, so that one fixture ends all. */
extern struct mvt_stream_peer mvt_peer;
extern struct mvt_pki mvt_peer_pki;
extern struct mvt_tempdir mvt_peer_dir;

/* Boots a device whose profile has one endpoint, "peer", which is mvt_peer: plain, or over TLS, where mvt_peer_pki are
 * the authorities; and more sections of the profile or NULL. */
void mvt_opaque_boot_peer(const char *more, bool real_time);

/* Begin to listen, with TLS with a certificate for 127.0.0.1. */
void mvt_peer_begin_unix(void);
void mvt_peer_begin_tls(void (*listen)(struct mvt_stream_peer *ret, const struct mvt_certificate *certificate));

/* Fixtures: both, and the end of what either of them, or a test, began. */
void mvt_opaque_boot_tcp(void);
void mvt_opaque_boot_tcp_real(void);
void mvt_opaque_boot_unix(void);
void mvt_opaque_boot_unix_real(void);
void mvt_opaque_boot_tls(void);
void mvt_opaque_end(void);

/* ---- channels ---- */

/* Parameters for a channel to the endpoint on the static buffers, of which it gets `receive_len` and `send_len` bytes.
 */
struct MvOpenChannelParams mvt_opaque_params(const char *endpoint, uint32_t receive_len, uint32_t send_len);

/* An open channel to "peer", the connection made and accepted. */
MvChannelHandle mvt_opaque_open(struct mvt_stream_peer *peer, uint32_t receive_len, uint32_t send_len);

/* mvReadChannel: how many bytes lie together, and where. */
uint32_t mvt_opaque_look(MvChannelHandle channel, const uint8_t **ret_bytes);

/* Takes the text off the channel, waiting for the bytes of it. */
void mvt_opaque_expect(MvChannelHandle channel, const char *text);

/* Writes all of it at once. */
void mvt_opaque_write(MvChannelHandle channel, const char *text);

/* Writes until neither the send buffer nor the peer's socket take any more; returns how many bytes that were, each the
 * low byte of its number. The peer must not read, and be a Unix socket, which does not grow; the profile must have
 * MVT_NOWHERE among its endpoints. Takes a second of the device's time and more. */
uint32_t mvt_opaque_fill(MvChannelHandle channel);

#define MVT_NOWHERE "  nowhere: \"unix:/nowhere\"\n"

unsigned mvt_readables(void);
unsigned mvt_spaces(void);
unsigned mvt_losses(void);

/* Waits until the channel has ended, checks that it was told so once and why, and closes it. */
void mvt_opaque_expect_closure(MvChannelHandle *channel, enum MvClosureReason reason);

#endif
