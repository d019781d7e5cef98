/* Adding up what was recorded. */
#include "sim/cli/coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the first record counts is what the report is about. */
static int begin(struct mvs_coverage_report *report, const struct mvs_coverage_record *record, const char *path,
                 char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        int result = mvs_coverage_table_read(&report->table, record->table, ret_why);
        if (result < 0)
                return result;
        memcpy(report->first_table, record->table, sizeof report->first_table);
        report->first = path;
        return 0;
}

static int compare(const struct mvs_coverage_report *report, const struct mvs_coverage_record *record,
                   char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        char word[64];
        int result = mvs_coverage_table_compare(report->first_table, record->table, word);
        if (result < 0)
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE,
                         "its list of calls and statuses is not that of %.64s, from \"%s\" on: another version of "
                         "libmvsim recorded it (show it apart, or record again)",
                         report->first, word);
        return result;
}

static void add(struct mvs_coverage_report *report, const struct mvs_coverage_record *record)
{
        uint64_t *sums = &report->counts[0][0][0];
        const _Atomic uint64_t *counts = &record->counts[0][0][0];
        for (size_t i = 0; i < sizeof report->counts / sizeof *sums; i++)
                sums[i] += counts[i];
}

int mvs_coverage_report_add(struct mvs_coverage_report *report, const char *path, char ret_why[MVS_COVERAGE_WHY_SIZE])
{
        struct mvs_coverage_record *record = calloc(1, sizeof *record);
        if (!record) {
                snprintf(ret_why, MVS_COVERAGE_WHY_SIZE, "%s", strerror(ENOMEM));
                return -ENOMEM;
        }
        int result = mvs_coverage_record_read(record, path, ret_why);
        if (result == 0)
                result = report->first ? compare(report, record, ret_why) : begin(report, record, path, ret_why);
        if (result == 0)
                add(report, record);
        free(record);
        return result;
}

bool mvs_coverage_is_pair(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        return (report->table.pairs[call] >> status & 1) != 0;
}

bool mvs_coverage_is_slip(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        return (report->table.slips[call] >> status & 1) != 0;
}

uint64_t mvs_coverage_times(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        const uint64_t *counts = report->counts[call][status];
        return counts[MVS_COVERAGE_NATURAL] + counts[MVS_COVERAGE_INJECTED];
}

static bool was_made(const struct mvs_coverage_report *report, unsigned call)
{
        uint64_t times = 0;
        for (unsigned status = 0; status < report->table.statuses; status++)
                times += mvs_coverage_times(report, call, status);
        return times > 0;
}

bool mvs_coverage_has_call(const struct mvs_coverage_report *report, unsigned call)
{
        if (report->table.pairs[call] == 0)
                return false;
        bool chosen = (report->used_only && was_made(report, call)) || (report->linked_only && report->linked[call]);
        return chosen || !(report->used_only || report->linked_only);
}

enum mvs_coverage_state mvs_coverage_state(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        const uint64_t *counts = report->counts[call][status];
        if (counts[MVS_COVERAGE_NATURAL] > 0)
                return MVS_COVERAGE_PROVOKED;
        return counts[MVS_COVERAGE_INJECTED] > 0 ? MVS_COVERAGE_BY_INJECTION : MVS_COVERAGE_NEVER;
}

bool mvs_coverage_counts(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        enum mvs_coverage_state state = mvs_coverage_state(report, call, status);
        if (state == MVS_COVERAGE_BY_INJECTION)
                return !report->natural_only || mvs_coverage_is_slip(report, call, status);
        return state == MVS_COVERAGE_PROVOKED;
}

struct mvs_coverage_sum mvs_coverage_sum_of(const struct mvs_coverage_report *report, unsigned call)
{
        struct mvs_coverage_sum sum = {.calls = 1};
        for (unsigned status = 0; status < report->table.statuses; status++) {
                if (!mvs_coverage_is_pair(report, call, status))
                        continue;
                sum.pairs++;
                sum.provoked += mvs_coverage_counts(report, call, status);
                sum.injected += mvs_coverage_state(report, call, status) == MVS_COVERAGE_BY_INJECTION;
        }
        return sum;
}

struct mvs_coverage_sum mvs_coverage_sum(const struct mvs_coverage_report *report)
{
        struct mvs_coverage_sum all = {.calls = 0};
        for (unsigned call = 0; call < report->table.calls; call++) {
                if (!mvs_coverage_has_call(report, call))
                        continue;
                struct mvs_coverage_sum sum = mvs_coverage_sum_of(report, call);
                all.calls += sum.calls;
                all.pairs += sum.pairs;
                all.provoked += sum.provoked;
                all.injected += sum.injected;
        }
        return all;
}

unsigned mvs_coverage_permille(const struct mvs_coverage_sum *sum)
{
        return sum->pairs == 0 ? 1000 : sum->provoked * 1000 / sum->pairs;
}
