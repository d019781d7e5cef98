"""Counts single tests in meson's testlog.json: `count_tests.py LOG STATUS` prints "passed failed skipped".

A test that speaks TAP counts once per point, any other once. A test that went wrong without a failed point of its own
(a crash, a time-out, a missing plan) counts as one failed, and so does a run (STATUS) that failed without saying why.
"""
import json
import re
import sys

POINT = re.compile(r"^(not )?ok\b(?:[^#]|#(?! ?(?:skip|todo)))*(?:# ?(skip|todo))?", re.IGNORECASE)
GOOD = {"OK", "EXPECTEDFAIL"}


def count_points(output):
    passed = failed = skipped = 0
    for line in output.splitlines():
        point = POINT.match(line)
        if not point:
            continue
        directive = (point.group(2) or "").lower()
        if directive == "skip":
            skipped += 1
        elif point.group(1) and directive != "todo":
            failed += 1
        else:
            passed += 1
    return passed, failed, skipped


def count_test(test):
    passed, failed, skipped = count_points(test.get("stdout") or "")
    if test["result"] == "SKIP":
        return passed, failed, skipped or 1
    if test["result"] not in GOOD:
        return passed, failed or 1, skipped
    if not passed + failed + skipped:
        passed = 1
    return passed, failed, skipped


def main():
    log, status = sys.argv[1], int(sys.argv[2])
    totals = [0, 0, 0]
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            for line in file:
                totals = [a + b for a, b in zip(totals, count_test(json.loads(line)))]
    except (OSError, ValueError) as error:
        print(f"{log}: {error}", file=sys.stderr)
        totals[1] += 1
    if status != 0 and totals[1] == 0:
        totals[1] = 1
    print(*totals)


main()
