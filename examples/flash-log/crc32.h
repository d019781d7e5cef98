/* CRC-32 as Ethernet and zip have it. */
#ifndef CRC32_H
#define CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of `len` bytes; `crc` is 0, or that of the bytes that came before. */
uint32_t crc32(uint32_t crc, const void *bytes, size_t len);

#endif
