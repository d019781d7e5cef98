#include "crc32.h"

/* A bit at a time: a record is short, and flash is slow. */
uint32_t crc32(uint32_t crc, const void *bytes, size_t len)
{
        const uint8_t *next = bytes;
        crc = ~crc;
        while (len-- > 0) {
                crc ^= *next++;
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1U ? 0xEDB88320U : 0U);
        }
        return ~crc;
}
