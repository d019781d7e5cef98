/*
 * The journal of the example flash-log, cut at every operation of the flash: at the next start it has every record
 * whose append had returned, in order and whole, and none that nobody stored. And then it goes on, is cut again, and
 * still has.
 *
 * The same sweep runs over a journal without CRCs and over one that writes in the wrong order: there it must find
 * losses, or it would find none anywhere (FLAWED).
 */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "journal.h"
#include "suite.h"
#include "tools.h"

#ifndef FLAWED
#define FLAWED 0
#endif

#define SECTORS 3U
#define RECORDS 85U /* more than SECTORS hold */
#define MORE    12U /* in the lives after a cut */
#define SEEDS   3U

/* ---- records that can be told apart ---- */

/* The life that has stored the record of a number, or was about to: each stores other bytes, and more or fewer. */
static uint32_t stored_in[RECORDS + 2 * MORE + 2];

static uint32_t length_of(uint32_t number)
{
        uint32_t some = (number + stored_in[number] * 5U) * 37U % (JOURNAL_RECORD_MAX / 2 + 1);
        return number % 5 == 0 ? some : JOURNAL_RECORD_MAX / 2 + some;
}

static void fill(uint32_t number, uint8_t *ret)
{
        for (uint32_t i = 0; i < length_of(number); i++)
                ret[i] = (uint8_t)(number * 7U + stored_in[number] * 101U + i * 13U);
}

/* ---- a life: what it stores, and what is known of that ---- */

struct life {
        uint32_t number;  /* of the life */
        uint32_t records; /* to be there at its end */
        bool opened;      /* the journal opened, and said what follows */
        uint32_t found;   /* records that it found, by their numbers from 0 on; those that are gone count too */
        uint32_t stored;  /* appends that have returned, and those of earlier lives */
        uint32_t found_oldest;
        uint32_t *oldest_after; /* each append, as the journal says itself; NULL: not wanted */
        bool wrong;             /* it has a record that is not the one that was stored */
        bool refused;
};

struct seen {
        uint32_t next;
        bool wrong;
};

static bool look(void *context, uint32_t number, const uint8_t *bytes, uint32_t len)
{
        struct seen *seen = context;
        uint8_t wanted[JOURNAL_RECORD_MAX];
        seen->wrong = number != seen->next || number >= sizeof stored_in / sizeof stored_in[0];
        if (seen->wrong)
                return false;
        fill(number, wanted);
        seen->wrong = len != length_of(number) || memcmp(bytes, wanted, len) != 0;
        seen->next = number + 1;
        return !seen->wrong;
}

/* All that the journal says it has is there. */
static bool is_sound(const struct journal *journal)
{
        struct seen seen = {.next = journal->oldest};
        return journal_read(journal, look, &seen) == MV_STATUS_OKAY && !seen.wrong && seen.next == journal->next;
}

static void live(void *context)
{
        struct life *life = context;
        struct journal journal;
        MvExternalFlashHandle flash = NULL;
        uint8_t bytes[JOURNAL_RECORD_MAX];
        life->refused = mvExternalFlashOpen(&flash) != MV_STATUS_OKAY ||
                        journal_open(&journal, flash, JOURNAL_SECTOR, SECTORS) != MV_STATUS_OKAY;
        if (life->refused)
                return;
        life->wrong = !is_sound(&journal);
        life->found = journal.next;
        life->found_oldest = journal.oldest;
        life->opened = true;
        for (life->stored = journal.next; life->stored < life->records && !life->refused; life->stored++) {
                stored_in[life->stored] = life->number;
                fill(life->stored, bytes);
                life->refused = journal_append(&journal, bytes, length_of(life->stored)) != MV_STATUS_OKAY;
                if (life->oldest_after)
                        life->oldest_after[life->stored] = journal.oldest;
        }
        life->wrong = life->wrong || !is_sound(&journal);
        life->refused = life->refused || mvExternalFlashClose(&flash) != MV_STATUS_OKAY;
}

/* ---- what must hold from one life to the next ---- */

static const char *problem(const struct life *before, const struct life *after)
{
        if (after->refused || !after->opened)
                return "the journal does not open";
        if (after->wrong)
                return "a record is not what was stored";
        if (before->opened && after->found < before->stored)
                return "a record is lost that was stored";
        if (before->opened && after->found > before->stored + 1)
                return "a record is there that nobody stored";
        return NULL;
}

/* ---- the sweep ---- */

/* A sound journal never programs what is programmed already. */
static void boot(unsigned seed)
{
        char profile[128];
        snprintf(profile, sizeof profile, "time: {seed: %u}\nflash: {size: 16384}\nlint: {flash-not-erased: %s}\n",
                 seed, FLAWED ? "off" : "error");
        mvt_device_boot(&(struct mvt_device){.profile = profile, .leaves_handles = true});
}

/* A life that power may cut during its `cut`th operation; true: it did, and the next may begin. */
static bool live_until(struct life *life, uint64_t cut)
{
        struct mvsim_ending ending;
        mvsim_flash_cut(cut);
        if (!mvsim_catch(live, life, &ending))
                return false;
        ck_assert_int_eq(ending.kind, MVSIM_ENDING_POWER_CUT);
        ck_assert_int_eq(mvsim_boot_again(), 0);
        return true;
}

static uint32_t oldest_after[RECORDS]; /* each append in a life that nothing cuts */

static uint64_t operations_of_a_whole_life(void)
{
        struct life life = {.records = RECORDS, .oldest_after = oldest_after};
        boot(1);
        ck_assert(!live_until(&life, 0));
        ck_assert(!life.refused && !life.wrong);
        ck_assert_uint_eq(life.stored, RECORDS);
        ck_assert_uint_gt(oldest_after[RECORDS - 1], 0); /* it has gone round */
        uint64_t operations = mvsim_flash_operations();
        mvt_device_end();
        return operations;
}

/* Cuts a first life, and a second one a little later; a third must find everything. */
static const char *sweep_point(unsigned seed, uint64_t cut)
{
        boot(seed);
        struct life first = {.records = RECORDS};
        ck_assert(live_until(&first, cut));
        struct life second = {.number = 1, .records = first.stored + MORE};
        bool cut_again = live_until(&second, cut % 7 + 1);
        const char *found = problem(&first, &second);
        if (!found && second.found_oldest > oldest_after[first.stored])
                found = "older records are lost without need";
        struct life third = {.number = 2, .records = second.stored + MORE};
        if (!found && cut_again) {
                live_until(&third, 0);
                found = problem(&second, &third);
        }
        mvt_device_end();
        return found;
}

START_TEST(every_cut_leaves_what_was_stored)
{
        if ((unsigned)_i > mvt_rounds(SEEDS, 1))
                return;
        uint64_t operations = operations_of_a_whole_life();
        unsigned losses = 0;
        for (uint64_t cut = 1; cut <= operations; cut++) {
                const char *found = sweep_point((unsigned)_i, cut);
                losses += found != NULL;
                ck_assert_msg(FLAWED || !found, "seed %d, cut %u of %u: %s", _i, (unsigned)cut, (unsigned)operations,
                              found);
        }
        ck_assert_msg(!FLAWED || losses > 0, "a flawed journal passes the sweep over %u cuts", (unsigned)operations);
}
END_TEST

Suite *suite(void)
{
        Suite *suite = suite_create("flash_log");
        TCase *tests = tcase_create("sweep");
        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, every_cut_leaves_what_was_stored, 1, 1 + SEEDS);
        suite_add_tcase(suite, tests);
        return suite;
}
