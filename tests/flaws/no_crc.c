/* A journal without CRCs: every sum is right. */
#include "crc32.h"

uint32_t crc32(uint32_t crc, const void *bytes, size_t len)
{
        (void)crc;
        (void)bytes;
        (void)len;
        return 0x12345678;
}
