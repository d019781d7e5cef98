/*
 * A log on the external flash that loses nothing when power fails: a record whose append has returned is there at the
 * next start, whole, and what was half written is not.
 *
 * The journal is a ring of sectors. A full one is followed by the next, which is erased first; so the oldest records go
 * when room is needed, a sector at a time. Records are numbered from 0 on, over all starts.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mv_syscalls.h"

#define JOURNAL_SECTOR      4096U /* what the flash erases at once */
#define JOURNAL_RECORD_MAX  240U  /* bytes of a record, at most */
#define JOURNAL_SECTORS_MIN 2U    /* one to write to, and one to keep meanwhile */

struct journal {
        MvExternalFlashHandle flash;
        uint32_t base, sectors; /* where it lies: an address, a multiple of a sector; how many sectors */
        bool used;              /* there is a sector to write to */
        uint32_t head;          /* its number; it is sector head % sectors */
        uint32_t offset;        /* in it, where the next record goes; JOURNAL_SECTOR: nowhere */
        uint32_t oldest, next;  /* numbers: of the oldest record, and of the next */
};

/* Finds what is stored. The flash handle is the caller's and must stay open. */
enum MvStatus journal_open(struct journal *journal, MvExternalFlashHandle flash, uint32_t base, uint32_t sectors);

/* Stores a record. PARAMETERFAULT: it is too long, or the journal was never opened. */
enum MvStatus journal_append(struct journal *journal, const void *bytes, uint32_t len);

/* Calls `visit` for each record, oldest first, until it returns false. */
enum MvStatus journal_read(const struct journal *journal,
                           bool (*visit)(void *context, uint32_t number, const uint8_t *bytes, uint32_t len),
                           void *context);

#endif
