"""docs/architecture.md against the sources: who may include whom, as its table says; each module of src/ and sim/ in the
table of its directory; and nothing named that is not there.

usage: check_architecture.py SOURCE_ROOT
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, difference

ROOT = sys.argv[1]
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
SEARCHED = ("", "include/", "include/board/", "examples/common/")


def read(path):
    with open(f"{ROOT}/{path}", encoding="utf-8") as file:
        return file.read()


def sources(room):
    paths = glob.glob(f"{ROOT}/{room}**/*", recursive=True)
    return sorted(os.path.relpath(path, ROOT) for path in paths if re.search(r"\.([chS]|def)$", path))


def arrows():
    """The rows of the table: a room, and the rooms and files that it may include besides itself."""
    table = re.search(r"^\| room \|.*?\n\n", read("docs/architecture.md"), re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\| `([\w/-]+/)` \| (.*) \|$", table.group(0) if table else "", re.MULTILINE)
    return {room: [room] + re.findall(r"`([^`]+)`", allowed) for room, allowed in rows}


def room_of(path, rooms):
    return max((room for room in rooms if path.startswith(room)), key=len, default="")


def target_of(path, name):
    """The file of ours that is meant, or None for one of the system's."""
    for place in (os.path.dirname(path) + "/",) + SEARCHED:
        found = os.path.normpath(place + name)
        if os.path.isfile(f"{ROOT}/{found}"):
            return found
    return None


def wrong_ways(room, rooms):
    """A file goes by the row of the smallest room it is in, and counts as in no other."""
    for path in sources(room):
        for name in INCLUDE.findall(read(path)) if room_of(path, rooms) == room else ():
            target = target_of(path, name)
            if target and not {target, room_of(target, rooms)} & set(rooms[room]):
                yield f"{path} includes {target}"


def modules(page):
    """The files that the tables below the headings of directories name, by directory."""
    sections = re.findall(r"^### `([\w/]+/)`\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    return {room: [name for cell in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
                   for name in re.findall(r"`([^`]+)`", cell)] for room, text in sections}


def check_modules(tap, page):
    there = {}
    for path in sources("src/") + sources("sim/"):
        if path.endswith((".c", ".def")):
            there.setdefault(os.path.dirname(path) + "/", []).append(os.path.basename(path))
    named = modules(page)
    tap.check("each directory of modules has a table", difference(sorted(there), sorted(named)))
    for room in sorted(set(there) & set(named)):
        tap.check(f"{room} has the modules that its table has", difference(there[room], sorted(named[room])))


def check_names(tap, page):
    """Paths, and what looks like a name of ours: the sources have it."""
    text = "".join(read(path) for room in ("src/", "sim/", "include/") for path in sources(room))
    paths = {os.path.relpath(path, ROOT) for room in ("src", "sim", "include", "tests", "docs", "examples")
             for path in glob.glob(f"{ROOT}/{room}/**/*", recursive=True)}
    wrong = [f"no such file: {name}" for name in re.findall(r"`([\w/.-]+\.(?:c|h|def|py|S))`", page)
             if not any(path == name or path.endswith("/" + name) for path in paths)]
    wrong += [f"no such name: {name}" for name in re.findall(r"`(mvs(?:im)?_[a-z_]+)\b", page)
              if not name.endswith("_") and name not in text]
    tap.check("files and names on the page are there", wrong)


def main():
    tap = Tap()
    page = read("docs/architecture.md")
    rooms = arrows()
    wanted = ["include/", "src/", "sim/"] + [f"{path}/" for path in glob.glob("examples/*", root_dir=ROOT)
                                             if os.path.isdir(f"{ROOT}/{path}")]
    tap.check("the table of who may include whom has each room",
              [f"missing: {room}" for room in wanted if room not in rooms])
    for room in rooms:
        tap.check(f"{room} includes what it may", list(wrong_ways(room, rooms)))
    check_modules(tap, page)
    check_names(tap, page)
    tap.finish()


main()
