/* A channel for bytes, in both directions, one at a time. */
#ifndef BYTES_H
#define BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"

/* Once, before the first channel. False: it cannot be done; the log says why. */
bool bytes_start(void);
void bytes_stop(void);

/* Opens a channel to the endpoint. False: it cannot be opened; the log says why. */
bool bytes_open(const char *endpoint);
void bytes_close(void);

/* Sleeps until there is something to read, room to write, or the channel has ended. */
void bytes_wait(void);

/* The bytes that have come and lie together; none: length 0. They stay where they are until bytes_used(). */
enum MvStatus bytes_look(const uint8_t **ret_bytes, uint32_t *ret_len);
enum MvStatus bytes_used(uint32_t len);

/* Writes as many as there is room for. */
enum MvStatus bytes_write(const uint8_t *first, uint32_t len, uint32_t *ret_written);

/* Why the channel has ended. */
enum MvClosureReason bytes_reason(void);

#endif
