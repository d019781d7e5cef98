"""docs/lints.md against the list of findings: each id has its section with default and report, and the reports are what
the suites `lints` and `lints_mqtt` make the checker write, but for the numbers in them.

usage: check_lints.py SOURCE_ROOT TEST_LINTS...
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, difference, run

ROOT, SUITES = sys.argv[1], sys.argv[2:]


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def normal(line):
    return re.sub(r"\d+", "N", re.sub(r"0x[0-9a-f]+", "0xN", line))


def main():
    tap = Tap()
    lints = dict(re.findall(r'^MVS_LINT\(\w+, "([\w-]+)", (\w+)', read("sim/profile/lints.def"), re.MULTILINE))
    page = read("docs/lints.md")
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    tap.check("docs/lints.md has a section for each id", difference(sorted(lints), sorted(sections)))
    written = {normal(line) for suite in SUITES for line in run([suite])[1].splitlines()
               if line.startswith("mvsim: lint ")}
    for name, level in lints.items():
        text = sections.get(name, "")
        problems = [] if f"Default: `{level.lower()}`." in text else [f"it does not say Default: `{level.lower()}`."]
        reports = re.findall(r"^mvsim: lint .*$", text, re.MULTILINE)
        if not any(report.startswith(f"mvsim: lint {name}: ") for report in reports):
            problems.append("it shows no report")
        problems += [f"never written: {report}" for report in reports if normal(report) not in written]
        problems += [f"it has no paragraph `{word}`" for word in ("Why it matters:", "The way out:") if word not in text]
        tap.check(f"docs/lints.md: {name}", problems)
    tap.finish()


main()
