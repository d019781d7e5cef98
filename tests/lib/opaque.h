/* Opaque channels for tests: a device whose profile names the endpoints, and what an application does with a channel.
 */
#ifndef MVT_OPAQUE_H
#define MVT_OPAQUE_H

#include "online.h"
#include "stream_peer.h"

/* Boots a device whose profile has these endpoints: "NAME: ADDRESS" lines, and more sections of the profile or NULL. */
void mvt_opaque_boot(const char *endpoints, const char *more, bool real_time);

/* The same with one endpoint, "peer", which is that peer: plain, or over TLS with the authorities of `ca_file`. */
void mvt_opaque_boot_with(const struct mvt_stream_peer *peer, const char *ca_file, bool real_time);

/* Parameters for a channel to that endpoint on the static buffers, of which it gets `receive_len` and `send_len` bytes.
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
