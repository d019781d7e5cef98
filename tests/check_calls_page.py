"""The reference of the calls, as it was made: it has every call and status, and its names and links lead somewhere.

usage: check_calls_page.py SOURCE_ROOT PAGE
"""
import os
import re
import sys
import tomllib

ROOT, PAGE = sys.argv[1:3]
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))
from tap import Tap, difference


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def sections_of(page):
    parts = re.split(r"^### (mv\w+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def missing_statuses(sections):
    for line in read("tests/data/statuses.tsv").splitlines():
        if not line.startswith("#"):
            call, status = line.split("\t")
            if not re.search(rf"^\| {status} \| [^|]+ \|", sections.get(call, ""), re.MULTILINE):
                yield f"{call}: no row says when it returns {status}"


def strange_profile_keys(data):
    page = read("docs/profile.md")
    for group in data["groups"].values():
        for name in group.get("profile", []):
            section, key = name.split(".")
            part = re.search(rf"^## {section}\b.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
            if not part or not re.search(rf"^\| `{key}`", part.group(0), re.MULTILINE):
                yield f"the profile has no {name}"


def strange_functions(data):
    header = read("include/mvsim/mvsim.h")
    for group in data["groups"].values():
        for name in group.get("control", []):
            if not re.search(rf"\b{name}\(", header):
                yield f"the control API has no {name}"


def strange_calls(data, calls):
    for lint, about in data["lints"].items():
        for name in about:
            if name not in calls and name not in ("all", "handle", "lend"):
                yield f"{lint} is about {name}, which is no call"


def headings_of(text):
    return {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


def broken_links(page):
    for target, anchor in sorted(set(re.findall(r"\]\(([\w.-]*)(?:#([\w-]+))?\)", page))):
        there = not target or os.path.exists(f"{ROOT}/docs/{target}")
        text = page if not target else read(f"docs/{target}") if there else ""
        if not there or anchor and anchor not in headings_of(text):
            yield f"{target}#{anchor} is nowhere"


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    data = tomllib.loads(read("docs/calls.toml"))
    rows = re.findall(r"^MVS_CALL\((\w+), (\w+),", read("src/calls.def"), re.MULTILINE)
    lints = re.findall(r'^MVS_LINT\(\w+, "([^"]+)"', read("sim/profile/lints.def"), re.MULTILINE)
    sections = sections_of(page)
    tap = Tap()
    tap.check("it has every call, in order", difference([name for name, _ in rows], list(sections)))
    tap.check("it says when each status is returned", list(missing_statuses(sections)))
    tap.check("calls.toml has every group", difference(sorted({group for _, group in rows}), sorted(data["groups"])))
    tap.check("calls.toml has every finding", difference(sorted(lints), sorted(data["lints"])))
    tap.check("the calls that findings are about are there", list(strange_calls(data, dict(rows))))
    tap.check("the keys of the profile are there", list(strange_profile_keys(data)))
    tap.check("the functions of the control API are there", list(strange_functions(data)))
    tap.check("its links lead somewhere", list(broken_links(page)))
    tap.finish()


main()
