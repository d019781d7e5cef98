#include "sim/flash/cut.h"

#include <string.h>

/* How far it came. The ends, nothing and everything, come often enough to be met in a sweep. */
enum progress {
        NOTHING,
        IN_ORDER,  /* up to some byte, which is half done */
        A_PIECE,   /* from one byte to another: nobody says that a chip begins with the first */
        SCATTERED, /* here and there */
        EVERYTHING,
};

static enum progress draw_progress(struct mvs_random *random)
{
        static const enum progress likely[] = {NOTHING,   IN_ORDER,  A_PIECE,   A_PIECE,
                                               SCATTERED, SCATTERED, SCATTERED, EVERYTHING};
        return likely[mvs_random_next(random) % 8];
}

static size_t draw_place(struct mvs_random *random, size_t len)
{
        return (size_t)(mvs_random_next(random) % len);
}

/* A piece that is not all of it. */
static void draw_piece(struct mvs_random *random, size_t len, size_t *ret_start, size_t *ret_len)
{
        *ret_start = draw_place(random, len);
        *ret_len = draw_place(random, len - *ret_start) + 1;
}

/* Some bits of `wanted` in place of those of `old`: none to all. */
static uint8_t mix(struct mvs_random *random, uint8_t old, uint8_t wanted)
{
        uint64_t bits = mvs_random_next(random);
        uint8_t done = (uint8_t)bits;
        if (bits >> 8 & 1)
                done &= (uint8_t)(bits >> 16); /* a quarter of them */
        else if (bits >> 9 & 1)
                done |= (uint8_t)(bits >> 16); /* three quarters */
        return (uint8_t)((old & ~done) | (wanted & done));
}

void mvs_flash_cut_program(struct mvs_random *random, uint8_t *bytes, const uint8_t *wanted, size_t len)
{
        size_t place, piece;
        switch (draw_progress(random)) {
        case NOTHING: break;
        case A_PIECE:
                draw_piece(random, len, &place, &piece);
                memcpy(bytes + place, wanted + place, piece);
                break;
        case IN_ORDER:
                place = draw_place(random, len);
                memcpy(bytes, wanted, place);
                bytes[place] = mix(random, bytes[place], wanted[place]);
                break;
        case SCATTERED:
                for (size_t i = 0; i < len; i++)
                        bytes[i] = mix(random, bytes[i], wanted[i]);
                break;
        case EVERYTHING: memcpy(bytes, wanted, len); break;
        }
}

/* Before it erases, a chip clears; cut there, the old bytes are lost in part and nothing is erased yet. */
static void cut_clearing(struct mvs_random *random, uint8_t *bytes, size_t len)
{
        size_t place = draw_place(random, len);
        memset(bytes, 0, place);
        bytes[place] = mix(random, bytes[place], 0);
}

void mvs_flash_cut_erase(struct mvs_random *random, uint8_t *bytes, size_t len)
{
        size_t place, piece;
        switch (draw_progress(random)) {
        case NOTHING: break;
        case A_PIECE:
                draw_piece(random, len, &place, &piece);
                memset(bytes + place, 0, piece);
                break;
        case IN_ORDER:
                if (mvs_random_next(random) % 2 == 0) {
                        cut_clearing(random, bytes, len);
                        break;
                }
                place = draw_place(random, len);
                memset(bytes, 0xff, place);
                bytes[place] = mix(random, 0, 0xff);
                memset(bytes + place + 1, 0, len - place - 1);
                break;
        case SCATTERED:
                for (size_t i = 0; i < len; i++)
                        bytes[i] = mix(random, 0, 0xff);
                break;
        case EVERYTHING: memset(bytes, 0xff, len); break;
        }
}
