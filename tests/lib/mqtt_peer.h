/*
 * A broker that misbehaves to order, for what no real one does: it follows a script. A process of its own, on a port of
 * 127.0.0.1, which dies with the test; start it before the test has threads. One connection after the other, each from
 * the top of the script.
 */
#ifndef MVT_MQTT_PEER_H
#define MVT_MQTT_PEER_H

#include <stdint.h>
#include <sys/types.h>

/* Packet types, as the first four bits of a packet have them. */
enum mvt_packet {
        MVT_PACKET_NONE = 0, /* do not wait for one */
        MVT_PACKET_CONNECT = 1,
        MVT_PACKET_PUBLISH = 3,
        MVT_PACKET_PUBREL = 6,
        MVT_PACKET_SUBSCRIBE = 8,
        MVT_PACKET_UNSUBSCRIBE = 10,
        MVT_PACKET_PING = 12,
        MVT_PACKET_DISCONNECT = 14,
};

enum mvt_peer_then {
        MVT_PEER_GO_ON,
        MVT_PEER_CLOSE, /* an orderly end of the connection */
        MVT_PEER_RESET, /* torn off */
        MVT_PEER_HOLD,  /* silence, until the client goes */
};

/* Waits for a packet of this type, leaving out others, then sends the bytes. In them, 0xfffe is followed by the packet
 * identifier of the packet that came: "\xff\xfe" stands for its two bytes. */
struct mvt_step {
        enum mvt_packet on;
        const char *bytes;
        uint32_t len;
        enum mvt_peer_then then;
};

#define MVT_SEND(bytes_) .bytes = (bytes_), .len = sizeof(bytes_) - 1

/* CONNACKs that accept, of MQTT 5 and 3.1.1. */
#define MVT_CONNACK_5 "\x20\x03\x00\x00\x00"
#define MVT_CONNACK_3 "\x20\x02\x00\x00"

struct mvt_mqtt_peer {
        uint16_t port;
        pid_t pid;
};

void mvt_mqtt_peer_start(struct mvt_mqtt_peer *ret, const struct mvt_step *steps, unsigned count);

/* One that was never started (all zero) is fine. */
void mvt_mqtt_peer_finish(struct mvt_mqtt_peer *peer);

#endif
