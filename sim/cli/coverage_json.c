/* Status coverage for programs. Its members are described in docs/coverage.md. */
#include <errno.h>
#include <jansson.h>

#include "sim/cli/coverage.h"

static const char *const states[] = {
        [MVS_COVERAGE_NEVER] = "never",
        [MVS_COVERAGE_BY_INJECTION] = "injected",
        [MVS_COVERAGE_PROVOKED] = "provoked",
};

static json_t *describe_sum(const struct mvs_coverage_sum *sum)
{
        return json_pack("{s:i, s:i, s:i, s:i, s:f}", "calls", (int)sum->calls, "pairs", (int)sum->pairs, "provoked",
                         (int)sum->provoked, "injected_only", (int)sum->injected, "percent",
                         mvs_coverage_permille(sum) / 10.0);
}

static json_t *describe_status(const struct mvs_coverage_report *report, unsigned call, unsigned status)
{
        const uint64_t *counts = report->counts[call][status];
        return json_pack("{s:s, s:s, s:I, s:I, s:b, s:b}", "status", report->table.status_names[status], "state",
                         states[mvs_coverage_state(report, call, status)], "natural",
                         (json_int_t)counts[MVS_COVERAGE_NATURAL], "injected",
                         (json_int_t)counts[MVS_COVERAGE_INJECTED], "documented",
                         mvs_coverage_is_pair(report, call, status), "by_injection_only",
                         mvs_coverage_is_slip(report, call, status));
}

static json_t *describe_call(const struct mvs_coverage_report *report, unsigned call)
{
        json_t *statuses = json_array();
        for (unsigned status = 0; status < report->table.statuses; status++) {
                if (mvs_coverage_is_pair(report, call, status) || mvs_coverage_times(report, call, status) > 0)
                        json_array_append_new(statuses, describe_status(report, call, status));
        }
        return json_pack("{s:s, s:o}", "call", report->table.call_names[call], "statuses", statuses);
}

static json_t *describe_never(const struct mvs_coverage_report *report)
{
        json_t *never = json_array();
        for (unsigned call = 0; call < report->table.calls; call++) {
                for (unsigned status = 0; mvs_coverage_has_call(report, call) && status < report->table.statuses;
                     status++) {
                        if (mvs_coverage_is_pair(report, call, status) && !mvs_coverage_counts(report, call, status))
                                json_array_append_new(never,
                                                      json_pack("{s:s, s:s}", "call", report->table.call_names[call],
                                                                "status", report->table.status_names[status]));
                }
        }
        return never;
}

int mvs_coverage_print_json(const struct mvs_coverage_report *report, FILE *out)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum(report);
        json_t *calls = json_array();
        for (unsigned call = 0; call < report->table.calls; call++) {
                if (mvs_coverage_has_call(report, call))
                        json_array_append_new(calls, describe_call(report, call));
        }
        json_t *all = json_pack("{s:i, s:o, s:o, s:o}", "version", 1, "total", describe_sum(&sum), "never",
                                describe_never(report), "calls", calls);
        int result = all ? 0 : -ENOMEM;
        if (all && (json_dumpf(all, out, JSON_INDENT(2) | JSON_REAL_PRECISION(4)) < 0 || fputc('\n', out) == EOF))
                result = -EIO;
        json_decref(all);
        return result;
}
