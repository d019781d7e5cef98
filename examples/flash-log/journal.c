/*
 * On the flash, everything little-endian:
 *
 *      sector   magic  number of the sector  number of its first record  CRC of these      then records
 *      record   length  number  CRC of these and the bytes               bytes             then 0 to 3 bytes unused
 *
 * A sector is erased, gets its header, and then one record after the other; nothing is written over. What may be left
 * when power fails, and why it does no harm:
 *
 *  - half a record: its CRC is wrong, and it ends its sector. Behind it bits may be programmed already, so nothing is
 *    written there any more: the next record opens the next sector.
 *  - half a header: its CRC is wrong, the sector counts as unused, and is erased when its turn comes, which is now.
 *  - half an erased sector: its header may still look right. What follows its damage is missing, so that its records do
 *    not lead up to those of the next sector: they are forgotten together.
 *  - a sector that reads as erased and is not quite: none is used without being erased first.
 */
#include "journal.h"

#include <stddef.h>
#include <string.h>

#include "crc32.h"

#define MAGIC 0x4c4e524aU /* "JRNL" */
#define BLANK 0xFFFFFFFFU

struct sector_header {
        uint32_t magic, number, first, crc;
};

struct record_header {
        uint32_t len, number, crc;
};

/* What stands in a record's place. */
enum found {
        RECORD,
        END,    /* nothing yet */
        DAMAGE, /* something, which is no record */
};

struct record {
        struct record_header header;
        uint8_t bytes[JOURNAL_RECORD_MAX];
};

static uint32_t sector_address(const struct journal *journal, uint32_t number)
{
        return journal->base + number % journal->sectors * JOURNAL_SECTOR;
}

static uint32_t size_of(uint32_t len)
{
        return (uint32_t)sizeof(struct record_header) + (len + 3) / 4 * 4;
}

static uint32_t record_crc(const struct record *record)
{
        uint32_t crc = crc32(0, &record->header.len, sizeof record->header.len);
        crc = crc32(crc, &record->header.number, sizeof record->header.number);
        return crc32(crc, record->bytes, record->header.len);
}

/* ---- looking ---- */

static bool is_header(const struct journal *journal, uint32_t place, const struct sector_header *header)
{
        return header->magic == MAGIC && header->number % journal->sectors == place &&
               header->crc == crc32(0, header, offsetof(struct sector_header, crc));
}

static enum MvStatus read_header(const struct journal *journal, uint32_t place, struct sector_header *ret, bool *ret_ok)
{
        enum MvStatus status = mvExternalFlashReadBlocking(journal->flash, sector_address(journal, place), sizeof *ret,
                                                           (uint8_t *)ret);
        *ret_ok = status == MV_STATUS_OKAY && is_header(journal, place, ret);
        return status;
}

/* Whether the sector is erased from there to its end. */
static enum MvStatus is_blank(const struct journal *journal, uint32_t number, uint32_t offset, bool *ret_blank)
{
        uint8_t bytes[256];
        *ret_blank = true;
        while (*ret_blank && offset < JOURNAL_SECTOR) {
                uint32_t part = JOURNAL_SECTOR - offset;
                if (part > sizeof bytes)
                        part = sizeof bytes;
                enum MvStatus status = mvExternalFlashReadBlocking(
                        journal->flash, sector_address(journal, number) + offset, part, bytes);
                if (status != MV_STATUS_OKAY)
                        return status;
                for (uint32_t i = 0; i < part; i++)
                        *ret_blank = *ret_blank && bytes[i] == 0xFF;
                offset += part;
        }
        return MV_STATUS_OKAY;
}

static enum MvStatus read_record(const struct journal *journal, uint32_t number, uint32_t offset, struct record *ret,
                                 enum found *ret_found)
{
        uint32_t address = sector_address(journal, number) + offset;
        *ret_found = END;
        if (offset + sizeof ret->header > JOURNAL_SECTOR)
                return MV_STATUS_OKAY;
        enum MvStatus status =
                mvExternalFlashReadBlocking(journal->flash, address, sizeof ret->header, (uint8_t *)&ret->header);
        if (status != MV_STATUS_OKAY || (ret->header.len & ret->header.number & ret->header.crc) == BLANK)
                return status;
        *ret_found = DAMAGE;
        if (ret->header.len > JOURNAL_RECORD_MAX || offset + size_of(ret->header.len) > JOURNAL_SECTOR)
                return MV_STATUS_OKAY;
        status = mvExternalFlashReadBlocking(journal->flash, address + (uint32_t)sizeof ret->header, ret->header.len,
                                             ret->bytes);
        if (status == MV_STATUS_OKAY && record_crc(ret) == ret->header.crc)
                *ret_found = RECORD;
        return status;
}

/* ---- opening ---- */

/* The records of one sector; those of the sectors before are forgotten where they do not lead up to these. */
static enum MvStatus scan_sector(struct journal *journal, const struct sector_header *header)
{
        enum MvStatus status;
        enum found found;
        struct record record;
        bool blank = false;
        if (header->first != journal->next)
                journal->oldest = journal->next = header->first;
        journal->head = header->number;
        journal->offset = sizeof *header;
        for (;;) {
                status = read_record(journal, header->number, journal->offset, &record, &found);
                if (status != MV_STATUS_OKAY || found != RECORD || record.header.number != journal->next)
                        break;
                journal->offset += size_of(record.header.len);
                journal->next++;
        }
        if (status == MV_STATUS_OKAY)
                status = is_blank(journal, header->number, journal->offset, &blank);
        if (!blank)
                journal->offset = JOURNAL_SECTOR;
        return status;
}

/* The newest sector's number. */
static enum MvStatus find_head(struct journal *journal)
{
        for (uint32_t place = 0; place < journal->sectors; place++) {
                struct sector_header header;
                bool ok;
                enum MvStatus status = read_header(journal, place, &header, &ok);
                if (status != MV_STATUS_OKAY)
                        return status;
                if (ok && (!journal->used || header.number > journal->head)) {
                        journal->used = true;
                        journal->head = header.number;
                }
        }
        return MV_STATUS_OKAY;
}

enum MvStatus journal_open(struct journal *journal, MvExternalFlashHandle flash, uint32_t base, uint32_t sectors)
{
        *journal = (struct journal){.flash = flash, .base = base, .sectors = sectors};
        if (sectors < JOURNAL_SECTORS_MIN)
                return MV_STATUS_PARAMETERFAULT;
        enum MvStatus status = find_head(journal);
        if (status != MV_STATUS_OKAY || !journal->used)
                return status;
        uint32_t newest = journal->head;
        for (uint32_t number = newest < sectors ? 0 : newest - sectors + 1; number <= newest; number++) {
                struct sector_header header;
                bool ok;
                status = read_header(journal, number % sectors, &header, &ok);
                if (status == MV_STATUS_OKAY && ok && header.number == number)
                        status = scan_sector(journal, &header);
                if (status != MV_STATUS_OKAY)
                        return status;
        }
        return MV_STATUS_OKAY;
}

/* ---- appending ---- */

/* The oldest record that is left once the sector of that number is erased. */
static enum MvStatus oldest_without(const struct journal *journal, uint32_t erased, uint32_t *ret)
{
        struct sector_header header;
        bool ok = false;
        enum MvStatus status = MV_STATUS_OKAY;
        *ret = journal->next;
        for (uint32_t number = erased + 1; !ok && number <= journal->head && status == MV_STATUS_OKAY; number++) {
                status = read_header(journal, number % journal->sectors, &header, &ok);
                ok = ok && header.number == number && header.first >= journal->oldest;
        }
        if (ok)
                *ret = header.first;
        return status;
}

/* Makes room for the next sector, at the cost of the oldest one. */
static enum MvStatus erase_sector(struct journal *journal, uint32_t number)
{
        uint32_t oldest = journal->oldest;
        enum MvStatus status = MV_STATUS_OKAY;
        if (number >= journal->sectors)
                status = oldest_without(journal, number - journal->sectors, &oldest);
        if (status == MV_STATUS_OKAY)
                status = mvExternalFlashEraseBlocking(journal->flash, sector_address(journal, number), JOURNAL_SECTOR);
        if (status == MV_STATUS_OKAY && oldest > journal->oldest)
                journal->oldest = oldest;
        return status;
}

static enum MvStatus open_sector(struct journal *journal)
{
        uint32_t number = journal->used ? journal->head + 1 : 0;
        struct sector_header header = {MAGIC, number, journal->next, 0};
        header.crc = crc32(0, &header, offsetof(struct sector_header, crc));
        enum MvStatus status = erase_sector(journal, number);
        if (status == MV_STATUS_OKAY)
                status = mvExternalFlashWriteBlocking(journal->flash, sector_address(journal, number), sizeof header,
                                                      (const uint8_t *)&header);
        if (status != MV_STATUS_OKAY)
                return status;
        journal->used = true;
        journal->head = number;
        journal->offset = sizeof header;
        return MV_STATUS_OKAY;
}

enum MvStatus journal_append(struct journal *journal, const void *bytes, uint32_t len)
{
        struct record record = {.header = {.len = len, .number = journal->next}};
        enum MvStatus status = MV_STATUS_OKAY;
        if (len > JOURNAL_RECORD_MAX || journal->sectors < JOURNAL_SECTORS_MIN)
                return MV_STATUS_PARAMETERFAULT;
        memcpy(record.bytes, bytes, len);
        record.header.crc = record_crc(&record);
        if (!journal->used || journal->offset + size_of(len) > JOURNAL_SECTOR)
                status = open_sector(journal);
        if (status != MV_STATUS_OKAY)
                return status;
        uint32_t address = sector_address(journal, journal->head) + journal->offset;
        status = mvExternalFlashWriteBlocking(journal->flash, address, (uint32_t)sizeof record.header + len,
                                              (const uint8_t *)&record);
        if (status != MV_STATUS_OKAY) {
                journal->offset = JOURNAL_SECTOR; /* some of it may stand there */
                return status;
        }
        journal->offset += size_of(len);
        journal->next++;
        return MV_STATUS_OKAY;
}

/* ---- reading ---- */

/* Who is shown the records, and which one comes next. */
struct reader {
        bool (*visit)(void *context, uint32_t number, const uint8_t *bytes, uint32_t len);
        void *context;
        uint32_t wanted;
        bool enough;
};

static enum MvStatus read_sector(const struct journal *journal, uint32_t number, struct reader *reader)
{
        struct record record;
        enum found found = RECORD;
        uint32_t offset = sizeof(struct sector_header);
        while (reader->wanted < journal->next && !reader->enough) {
                enum MvStatus status = read_record(journal, number, offset, &record, &found);
                if (status != MV_STATUS_OKAY || found != RECORD || record.header.number != reader->wanted)
                        return status;
                reader->enough = !reader->visit(reader->context, reader->wanted++, record.bytes, record.header.len);
                offset += size_of(record.header.len);
        }
        return MV_STATUS_OKAY;
}

enum MvStatus journal_read(const struct journal *journal,
                           bool (*visit)(void *context, uint32_t number, const uint8_t *bytes, uint32_t len),
                           void *context)
{
        struct reader reader = {visit, context, journal->oldest, false};
        enum MvStatus status = MV_STATUS_OKAY;
        uint32_t number = journal->head < journal->sectors ? 0 : journal->head - journal->sectors + 1;
        if (!journal->used)
                return MV_STATUS_OKAY;
        for (; number <= journal->head && status == MV_STATUS_OKAY; number++) {
                struct sector_header header;
                bool ok;
                status = read_header(journal, number % journal->sectors, &header, &ok);
                if (ok && header.number == number && header.first == reader.wanted)
                        status = read_sector(journal, number, &reader);
        }
        return status;
}
