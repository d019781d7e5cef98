"""What the tests that are scripts share: TAP output, data files, running a tool."""
import csv
import os
import subprocess
import sys


class Tap:
    """Prints a line per check; the process fails if one did."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, name, problems):
        """`problems` is a list of lines that say what is wrong; empty means passed."""
        self.count += 1
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}")
        for line in problems:
            print(f"# {line}")
        self.failed += bool(problems)

    def skip(self, name, reason):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}")

    def finish(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed else 0)


def skip_all(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def run(command, stdin=None):
    """The command's exit status and everything it printed."""
    # Messages are compared, so they must be in the tools' own language.
    environment = dict(os.environ, LC_ALL="C")
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment, check=False)
    return done.returncode, done.stdout


def read_tsv(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.reader((line for line in file if not line.startswith("#")), delimiter="\t"))


def missing(output, parts):
    """Nothing, if the parts come in this order; else the first that does not, and the output."""
    at = 0
    for part in parts:
        found = output.find(part, at)
        if found < 0:
            return [f"missing: {part}"] + output.splitlines()
        at = found + len(part)
    return []


def difference(expected, found):
    """Lines that name what is missing and what is too much; then, if only the order differs, where."""
    problems = [f"missing: {item}" for item in expected if item not in found]
    problems += [f"unexpected: {item}" for item in found if item not in expected]
    if not problems and list(expected) != list(found):
        problems = [f"expected {a}, found {b}" for a, b in zip(expected, found) if a != b] or ["an item is doubled"]
    return problems
