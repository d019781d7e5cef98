/* Status coverage as one page that needs nothing beside it. Names are words: nothing to escape. */
#include <errno.h>
#include <inttypes.h>

#include "sim/cli/coverage.h"

static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Status coverage</title>\n<style>\n"
        ":root { color-scheme: light dark; --good: #c9ecd1; --goodtext: #0b4a1c; --part: #ffe3a8; --parttext: "
        "#5c3b00;\n"
        "  --bad: #ffd0cc; --badtext: #7a0c06; --line: #8884; --bar: #2f9e4f }\n"
        "@media (prefers-color-scheme: dark) { :root { --good: #14401f; --goodtext: #b8f0c6; --part: #4d3800;\n"
        "  --parttext: #ffdf9e; --bad: #5c1410; --badtext: #ffc9c4 } }\n"
        "body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }\n"
        "table { border-collapse: collapse; width: 100% }\n"
        "th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-top: 1px solid "
        "var(--line) }\n"
        "th { font-weight: 600 } td:nth-child(2) { white-space: nowrap; font-variant-numeric: tabular-nums }\n"
        "code { font: 13px/1.6 ui-monospace, monospace }\n"
        ".s { display: inline-block; border-radius: .3rem; padding: 0 .45rem; margin: 0 .3rem .2rem 0 }\n"
        ".provoked { background: var(--good); color: var(--goodtext) }\n"
        ".injected { background: var(--part); color: var(--parttext) }\n"
        ".never { background: var(--bad); color: var(--badtext) } .other { border: 1px dashed var(--line) }\n"
        ".bar { background: var(--bad); height: .7rem; border-radius: .35rem; overflow: hidden }\n"
        ".bar div { background: var(--bar); height: 100% }\n</style>\n</head>\n<body>\n<h1>Status coverage</h1>\n";

static const struct {
        const char *class;
        const char *title;
} looks[] = {
        [MVS_COVERAGE_NEVER] = {"never", "never returned"},
        [MVS_COVERAGE_BY_INJECTION] = {"injected", "by fault injection only"},
        [MVS_COVERAGE_PROVOKED] = {"provoked", "returned"},
};

static void print_status(const struct mvs_coverage_report *report, FILE *out, unsigned call, unsigned status)
{
        uint64_t times = mvs_coverage_times(report, call, status);
        enum mvs_coverage_state state = mvs_coverage_state(report, call, status);
        bool is_pair = mvs_coverage_is_pair(report, call, status);
        if (!is_pair && times == 0)
                return;
        fprintf(out, "<code class=\"s %s\" title=\"%s\">%s", is_pair ? looks[state].class : "other",
                is_pair ? looks[state].title : "returned, and not in the header's list",
                report->table.status_names[status]);
        if (times > 0)
                fprintf(out, " %" PRIu64, times);
        fputs("</code>", out);
}

static void print_call(const struct mvs_coverage_report *report, FILE *out, unsigned call)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum_of(report, call);
        fprintf(out, "<tr><td><code>%s</code></td><td>%u of %u</td><td>", report->table.call_names[call], sum.provoked,
                sum.pairs);
        for (unsigned status = 0; status < report->table.statuses; status++)
                print_status(report, out, call, status);
        fputs("</td></tr>\n", out);
}

static void print_summary(const struct mvs_coverage_report *report, FILE *out)
{
        const struct mvs_coverage_sum sum = mvs_coverage_sum(report);
        unsigned permille = mvs_coverage_permille(&sum);
        fprintf(out, "<p><strong>%u of %u</strong> pairs of call and status (%u.%u %%), %u calls</p>\n", sum.provoked,
                sum.pairs, permille / 10, permille % 10, sum.calls);
        fprintf(out, "<div class=\"bar\"><div style=\"width: %u.%u%%\"></div></div>\n", permille / 10, permille % 10);
        fputs("<p><code class=\"s provoked\">STATUS 3</code>returned three times "
              "<code class=\"s injected\">STATUS 1</code>by fault injection only "
              "<code class=\"s never\">STATUS</code>never "
              "<code class=\"s other\">STATUS 2</code>returned, and not in the header's list</p>\n",
              out);
}

int mvs_coverage_print_html(const struct mvs_coverage_report *report, FILE *out)
{
        fputs(head, out);
        print_summary(report, out);
        fputs("<table>\n<tr><th>call</th><th>provoked</th><th>statuses</th></tr>\n", out);
        for (unsigned call = 0; call < report->table.calls; call++) {
                if (mvs_coverage_has_call(report, call))
                        print_call(report, out, call);
        }
        fputs("</table>\n</body>\n</html>\n", out);
        return ferror(out) ? -EIO : 0;
}
