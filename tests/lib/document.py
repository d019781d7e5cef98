"""Documents as the tests see them: their fenced blocks, and running the blocks that are commands."""
import os
import pty
import re
import select
import signal
import subprocess
import time

PATIENCE = 120  # seconds for one block
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"^(?:/\*|#) ([\w.-]+)(?: \*/)?\s*$")
LINK = re.compile(r"\]\(([^)#\s]+)[^)\s]*\)")


class Block:
    """A fenced block: language, text, the line it begins in, and the file it stands for ("/* NAME.c */", "# NAME")."""

    def __init__(self, match, document):
        self.language, self.text = match.group(1), match.group(2)
        self.line = document.count("\n", 0, match.start()) + 1
        name = NAME.match(self.text.split("\n", 1)[0])
        self.file = name.group(1) if name and self.language not in ("", "sh") else None

    def is_profile(self):
        """Files of other programs that are YAML too end in .yml."""
        return self.language == "yaml" and not (self.file or "").endswith(".yml")


def blocks_of(document):
    return [Block(match, document) for match in FENCE.finditer(document)]


def links_of(document):
    return [link for link in LINK.findall(FENCE.sub("", document)) if "://" not in link]


# What may differ between two runs: each pattern's matches count as equal.
VARYING = [
    (re.compile(r"0x[0-9a-f]{5,}"), "0x…"),  # addresses and handles
    (re.compile(r"^#\d+ ", re.MULTILINE), "#… "),  # frames, which follow some that are left out
    (re.compile(r"^==\d+==", re.MULTILINE), "==…=="),  # process ids, as valgrind and the sanitizers show them
    (re.compile(r"^\[ *\d+\.\d{6}\]", re.MULTILINE), "[…]"),  # stamps of the server log
    (re.compile(r"(?<=summary: )\d+ calls|longest handler \d+ us|masked for \d+ us|\d+\.\d{6} s$", re.MULTILINE), "…"),  # in the summary
    (re.compile(r"(?<=after )\d+ ms"), "…"),  # in curl's messages
    (re.compile(r"(?<=running for )\d+ us"), "…"),  # of a handler that hangs
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
]


def normal(text):
    for pattern, stand_in in VARYING:
        text = pattern.sub(stand_in, text)
    return text.strip("\n").split("\n")


def matches(expected, found):
    """A line `...` stands for any number of lines."""
    if not expected:
        return not found
    if expected[0] == "...":
        return any(matches(expected[1:], found[skip:]) for skip in range(len(found) + 1))
    return bool(found) and expected[0] == found[0] and matches(expected[1:], found[1:])


def output_problems(expected, found):
    """A block shows either all of the simulator's own messages or none of them."""
    expected, found = normal(expected), normal(found)
    if not any(line.startswith("mvsim: ") for line in expected):
        found = [line for line in found if not line.startswith("mvsim: ")]
    if matches(expected, found):
        return []
    return ["expected:"] + expected + ["found:"] + found


def drain(terminal, shell):
    """What the shell prints until it ends; what it left running may hold the terminal open for longer."""
    text, end = b"", time.monotonic() + PATIENCE
    while True:
        ended = shell.poll() is not None
        if select.select([terminal], [], [], 0 if ended else 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:
                part = b""
            text += part
            if part:
                continue
        if ended:
            return text
        if time.monotonic() > end:
            os.killpg(shell.pid, signal.SIGKILL)
            text += b"(not ended in time)\n"
            end = float("inf")


def run_shell(text, directory, environment):
    """Runs the commands as typed: on a terminal, so that what programs print comes in the order that people see."""
    terminal, side = pty.openpty()
    shell = subprocess.Popen(["sh", "-ec", text], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                             stdout=side, stderr=side, start_new_session=True)
    os.close(side)
    output = drain(terminal, shell).decode(errors="replace").replace("\r\n", "\n")
    os.close(terminal)
    return shell.returncode, output
