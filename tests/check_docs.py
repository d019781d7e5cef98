"""The documents: what they show can be done, prints what they say, and they agree with the sources.

A C, YAML or configuration block whose first line is a comment with a file's name is written to that file. A `sh` block
is run there, in one directory for each document; a plain block that comes next is what it prints, compared by the rules
in lib/document.py. Ports 1883, 8080 and 8443 are replaced by free ones, and the directory is shown as /home/me/app, the
sources' as /home/me/libmvsim. Blocks of which a command begins with ./dev, or needs a program that is not installed,
are not run.

usage: check_docs.py SOURCE_ROOT BUILD
"""
import glob
import os
import re
import shutil
import signal
import socket
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from document import blocks_of, links_of, output_problems, run_shell
from tap import Tap, difference, run

ROOT, BUILD = sys.argv[1:3]
SHOWN_ROOT, SHOWN_DIRECTORY = "/home/me/libmvsim", "/home/me/app"
SHOWN_PORTS = ("1883", "8080", "8443")
MAY_BE_MISSING = ("gdb", "valgrind", "nginx", "mosquitto")


def environment():
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("MVSIM_", "CK_"))}
    settings.update(PKG_CONFIG_PATH=f"{BUILD}/meson-uninstalled", LD_LIBRARY_PATH=BUILD, MVSIM=ROOT, LC_ALL="C",
                    TERM="dumb", PATH=f"{BUILD}:{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return settings


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


class Workshop:
    """The directory in which a document's blocks are written and run."""

    def __init__(self, directory):
        self.directory = directory
        self.ports = {port: free_port() for port in SHOWN_PORTS}

    def real(self, text):
        for shown, port in self.ports.items():
            text = re.sub(rf"\b{shown}\b", port, text)
        return text

    def shown(self, text):
        for shown, port in self.ports.items():
            text = re.sub(rf"\b{port}\b", shown, text)
        return text.replace(self.directory, SHOWN_DIRECTORY).replace(ROOT, SHOWN_ROOT)

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as file:
            file.write(self.real(text))

    def run(self, text):
        status, output = run_shell(self.real(text), self.directory, environment())
        return status, self.shown(output)

    def end_servers(self):
        """Servers that a failed block left behind; each wrote its process id here."""
        for path in glob.glob(f"{self.directory}/*.pid"):
            with open(path, encoding="utf-8") as file:
                try:
                    os.kill(int(file.read()), signal.SIGTERM)
                except (ValueError, ProcessLookupError):
                    pass


def reason_not_to_run(text):
    if re.search(r"^\s*\./dev\b", text, re.MULTILINE):
        return "it calls ./dev"
    words, path = set(re.findall(r"[\w.-]+", text)), environment()["PATH"]
    return next((f"{tool} is not installed" for tool in MAY_BE_MISSING
                 if tool in words and not shutil.which(tool, path=path)), None)


def check_profile_block(tap, name, block, workshop):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=workshop.directory, encoding="utf-8") as file:
        file.write(block.text)
        file.flush()
        status, output = run([f"{BUILD}/mvsim", "run", "-p", file.name, "--", "true"])
    tap.check(f"{name}: the profile is read", output.splitlines() if status else [])


def check_commands(tap, name, block, after, workshop):
    reason = reason_not_to_run(block.text)
    if reason:
        tap.skip(f"{name}: the commands", reason)
        return
    status, output = workshop.run(block.text)
    if after is not None and after.language == "":
        tap.check(f"{name}: the commands print what is shown", output_problems(after.text, output))
    else:
        tap.check(f"{name}: the commands succeed", [f"exit status {status}"] + output.splitlines() if status else [])


def check_blocks(tap, path, workshop):
    with open(path, encoding="utf-8") as file:
        blocks = blocks_of(file.read())
    for block, after in zip(blocks, blocks[1:] + [None]):
        name = f"{os.path.relpath(path, ROOT)}:{block.line}"
        if block.file:
            workshop.write(block.file, block.text)
        if block.is_profile():
            check_profile_block(tap, name, block, workshop)
        elif block.language == "sh":
            check_commands(tap, name, block, after, workshop)


def check_links(tap, path):
    with open(path, encoding="utf-8") as file:
        links = links_of(file.read())
    missing = [link for link in links if not os.path.exists(os.path.join(os.path.dirname(path), link))]
    tap.check(f"{os.path.relpath(path, ROOT)}: its links lead somewhere", [f"no such file: {link}" for link in missing])


def refusal_of(workshop, profile):
    workshop.write("probe.yaml", profile)
    return run([f"{BUILD}/mvsim", "run", "-p", f"{workshop.directory}/probe.yaml", "--", "true"])[1]


def keys_below(workshop, before, after=""):
    """The keys that the loader knows in a mapping, from its message about one that it does not."""
    text = refusal_of(workshop, f"{before}no_such_key_at_all: 1{after}")
    return text.split("allowed here: ")[-1].strip().split(", ") if "allowed here: " in text else []


def wanted_words(workshop, section, key):
    """What the loader expects of the key's value, as far as it is a range or a choice."""
    text = refusal_of(workshop, f"{section}: {{{key}: -}}").split("expected ")[-1].strip()
    bounds = re.fullmatch(r"a whole number from (\d+) to (\d+)", text)
    if bounds:
        return [f"{bounds.group(1)} to {bounds.group(2)}"]
    choice = re.match(r"one of (.*)", text)
    return [f"`{word}`" for word in choice.group(1).split(", ")] if choice else []


def check_profile_page(tap, workshop):
    with open(f"{ROOT}/docs/profile.md", encoding="utf-8") as file:
        page = file.read()
    problems = []
    for section in keys_below(workshop, ""):
        part = re.search(rf"^## {section}\b.*?(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        if not part:
            problems.append(f"there is no section ## {section}")
        for key in keys_below(workshop, f"{section}: {{", "}"):
            row = re.search(rf"^\| `{key}` \|.*$", part.group(0) if part else "", re.MULTILINE)
            if not row:
                problems.append(f"{section}.{key} has no row in the section ## {section}")
                continue
            missing = [word for word in wanted_words(workshop, section, key) if word not in row.group(0)]
            if missing:
                problems.append(f"{section}.{key}: its row does not say {', '.join(missing)}")
    for key in keys_below(workshop, "http: {rewrite: [{", "}]}"):
        if f"`{key}`" not in page:
            problems.append(f"http.rewrite: `{key}` is not on the page")
    tap.check("docs/profile.md has every key, with its range or its choices", problems)


def main():
    tap = Tap()
    for path in [f"{ROOT}/README.md"] + sorted(glob.glob(f"{ROOT}/docs/*.md")):
        with tempfile.TemporaryDirectory(prefix="mvsim-docs-") as directory:
            workshop = Workshop(directory)
            try:
                check_links(tap, path)
                check_blocks(tap, path, workshop)
            finally:
                workshop.end_servers()
    with tempfile.TemporaryDirectory(prefix="mvsim-docs-") as directory:
        check_profile_page(tap, Workshop(directory))
    tap.finish()


main()
