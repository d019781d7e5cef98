/* Status coverage for a terminal: a row for each call, what was never provoked, and the total. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/cli/coverage.h"

#define WIDTH  110
#define INDENT 40

/* A word of a row, which goes on below where it is full. */
static unsigned put_word(FILE *out, unsigned column, const char *word)
{
        unsigned len = (unsigned)strlen(word);
        if (column > INDENT && column + 2 + len > WIDTH) {
                fprintf(out, "\n%*s%s", INDENT, "", word);
                return INDENT + len;
        }
        return column + (unsigned)fprintf(out, "%s%s", column > INDENT ? "  " : "", word);
}

static unsigned put_status(const struct mvs_coverage_report *report, FILE *out, unsigned column, unsigned call,
                           unsigned status)
{
        char word[64];
        enum mvs_coverage_state state = mvs_coverage_state(report, call, status);
        if (state == MVS_COVERAGE_NEVER)
                snprintf(word, sizeof word, "-%s", report->table.status_names[status]);
        else
                snprintf(word, sizeof word, "%s %" PRIu64 "%s", report->table.status_names[status],
                         mvs_coverage_times(report, call, status), state == MVS_COVERAGE_BY_INJECTION ? "~" : "");
        return put_word(out, column, word);
}

static void print_call(const struct mvs_coverage_report *report, FILE *out, unsigned call)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum_of(report, call);
        unsigned column =
                (unsigned)fprintf(out, "%-30s %2u of %-2u ", report->table.call_names[call], sum.provoked, sum.pairs);
        column += (unsigned)fprintf(out, "%*s", (int)(INDENT - column), "");
        for (unsigned status = 0; status < report->table.statuses; status++) {
                if (mvs_coverage_is_pair(report, call, status))
                        column = put_status(report, out, column, call, status);
        }
        fputc('\n', out);
}

static bool is_missing(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        return mvs_coverage_is_pair(report, call, status) && !mvs_coverage_counts(report, call, status);
}

/* Returned, and not in the header's list: decisions of the simulator's (docs/assumptions.md). */
static bool is_other(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        return !mvs_coverage_is_pair(report, call, status) && mvs_coverage_times(report, call, status) > 0;
}

/* The calls that have such statuses, a line each, below a title. */
static void print_list(const struct mvs_coverage_report *report, FILE *out, const char *title,
                       bool (*is_wanted)(const struct mvs_coverage_report *report, unsigned call, unsigned status))
{
        bool titled = false;
        for (unsigned call = 0; call < report->table.calls; call++) {
                unsigned column = 0;
                for (unsigned status = 0; mvs_coverage_has_call(report, call) && status < report->table.statuses;
                     status++) {
                        if (!is_wanted(report, call, status))
                                continue;
                        if (!titled)
                                fprintf(out, "\n%s\n", title);
                        if (column == 0)
                                column = (unsigned)fprintf(out, "  %-*s", INDENT - 2, report->table.call_names[call]);
                        column = put_word(out, column, report->table.status_names[status]);
                        titled = true;
                }
                if (column > 0)
                        fputc('\n', out);
        }
}

static void print_total(const struct mvs_coverage_report *report, FILE *out)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum(report);
        unsigned permille = mvs_coverage_permille(&sum);
        fprintf(out, "\n%u of %u pairs of call and status (%u.%u %%), %u calls", sum.provoked, sum.pairs, permille / 10,
                permille % 10, sum.calls);
        if (sum.injected > 0)
                fprintf(out, "; %u pairs by fault injection only", sum.injected);
        fprintf(out, "\n");
}

int mvs_coverage_print_text(const struct mvs_coverage_report *report, FILE *out)
{
        fprintf(out, "STATUS n: returned n times; n~: by fault injection only; -STATUS: never\n\n");
        for (unsigned call = 0; call < report->table.calls; call++) {
                if (mvs_coverage_has_call(report, call))
                        print_call(report, out, call);
        }
        print_list(report, out, "Beside the header's list:", is_other);
        print_list(report, out,
                   report->natural_only ? "Never provoked, or not without fault injection:" : "Never provoked:",
                   is_missing);
        print_total(report, out);
        return ferror(out) ? -EIO : 0;
}
