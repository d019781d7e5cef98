#!/usr/bin/env python3
"""Holds the text of mv_syscalls.h against tests/data and src/calls.def: what a compiler does not see.

That each enumeration has exactly its enumerators and the header no calls beyond the table; that every declaration is
documented, and each call's comment names every status of statuses.tsv, none that does not exist, and whether the call
may be made from an interrupt handler, as its flags in calls.def have it.

check_documentation.py HEADER CALLS_DEF DATA
"""
import pathlib
import re
import sys

complaints = []


def complain(text):
    complaints.append(text)


def rows(path):
    return [line.split('\t') for line in path.read_text().splitlines() if line and not line.startswith('#')]


def group(pairs):
    groups = {}
    for first, second in pairs:
        groups.setdefault(first, []).append(second)
    return groups


def same(what, found, expected):
    if found != expected:
        only_found = [x for x in found if x not in expected]
        only_expected = [x for x in expected if x not in found]
        complain(f'{what}: extra {only_found}, missing {only_expected}, or in another order')


def check_enums(header, data):
    expected = group((enum, f'{name} = {value}') for enum, name, value in rows(data / 'enums.tsv'))
    found = {name: re.findall(r'\b(MV_\w+ = \w+)', body)
             for name, body in re.findall(r'\nenum (Mv\w+) \{(.*?)\n\};', header.replace('__extension__ ', ''), re.S)}
    same('enumerations', list(found), list(expected))
    for enum, names in found.items():
        same(enum, names, expected.get(enum, []))


def check_types_are_documented(header, data):
    names = [row[0] for row in rows(data / 'enums.tsv') + rows(data / 'structs.tsv') + rows(data / 'handles.tsv')]
    documented = re.findall(r'\*/\n(?:__extension__ )?(?:enum|struct) (Mv\w+) \{', header)
    documented += re.findall(r'\*/\ntypedef struct \w+ \*(Mv\w+);', header)
    for name in dict.fromkeys(names):
        if name not in documented:
            complain(f'{name}: no comment above its declaration')


def documented_calls(header):
    """The comment above each call's declaration, which may be missing."""
    for match in re.finditer(r'(?:/\*((?:(?!\*/).)*)\*/\n)?enum MvStatus (mv\w+)\(', header, re.S):
        yield match[2], match[1] or ''


def statuses_named(comment):
    """Each status stands at the beginning of a line of its own, two spaces before what it means."""
    return set(re.findall(r'^ \* ([A-Z]{6,})  +\S', comment, re.M))


def check_calls(header, calls_def, data):
    statuses = group(rows(data / 'statuses.tsv'))
    known = set(re.findall(r'\bMV_STATUS_([A-Z]+) =', header))
    flags = dict(re.findall(r'^MVS_CALL\((\w+), \w+, \w+, ([\w| ]+),', calls_def, re.M))
    same('calls', [name for name, _ in documented_calls(header)], [row[0] for row in rows(data / 'functions.tsv')])
    for name, comment in documented_calls(header):
        named = statuses_named(comment)
        for status in sorted(set(statuses.get(name, [])) - {'OKAY'} - named):
            complain(f'{name}: {status} is not documented')
        for status in sorted(named - known):
            complain(f'{name}: there is no status {status}')
        said = 'ISR: no' if 'NOT_FROM_ISR' in flags.get(name, '') else 'ISR: tolerated'
        if said + '.' not in comment:
            complain(f'{name}: its comment does not say "{said}"')


def main():
    header, calls_def, data = (pathlib.Path(path) for path in sys.argv[1:])
    check_enums(header.read_text(), data)
    check_types_are_documented(header.read_text(), data)
    check_calls(header.read_text(), calls_def.read_text(), data)
    for complaint in complaints:
        print(f'{header.name}: {complaint}')
    return 1 if complaints else 0


sys.exit(main())
