#!/usr/bin/env python3
"""Writes the reference of the calls, calls.md, to standard output.

What each call does and what its statuses mean stands above its declaration in mv_syscalls.h; arguments, flags and
statuses in calls.def; the pointers in structures in pointers.def; the rest in calls.toml. Nothing is said twice, and a
name that one of them has and another lacks is an error here.

usage: make_calls.py SOURCE_ROOT
"""
import pathlib
import re
import sys
import tomllib

KINDS = {
    "NOTIFICATION": "a notification centre", "NETWORK": "a network request", "OPAQUE_CHANNEL": "an opaque channel",
    "HTTP_CHANNEL": "an HTTP channel", "CONFIG_CHANNEL": "a configuration channel", "MQTT_CHANNEL": "an MQTT channel",
    "PAST_CHANNEL": "a channel, also one that was closed", "SYSTEM_EVENT": "a system event stream",
    "FLASH": "an external flash handle",
}
ACCESS = {"READ": "is read", "WRITE": "is written", "LEND": "is lent to Microvisor"}


# ---- what the lists say ----

def entries(text, macro):
    """The arguments of each use of the macro, split at the commas that are not inside of parentheses."""
    for match in re.finditer(rf"^{macro}\(", text, re.MULTILINE):
        parts, depth, start, at = [], 1, match.end(), match.end()
        while depth > 0:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if depth == 0 or depth == 1 and text[at] == ",":
                parts.append(" ".join(text[start:at].split()))
                start = at + 1
            at += 1
        yield parts


def arguments_of(text):
    inner = text[text.index("(") + 1:-1]
    for use in re.finditer(r"ARG_(\w+)\(([^()]*)\)", inner):
        yield use.group(1), [part.strip() for part in use.group(2).split(",")]


class Call:
    """A row of calls.def, with its pointers and its comment."""

    def __init__(self, row):
        self.name, self.group = row[0], row[1]
        self.flags = {flag.strip() for flag in row[3].split("|")}
        self.arguments = list(arguments_of(row[4]))
        self.listed = ["OKAY"] + re.findall(r"(?:MAY|SLIP)\((\w+)\)", row[5])
        self.slips = re.findall(r"SLIP\((\w+)\)", row[5])
        self.pointers = []
        self.section, self.text, self.meanings, self.prototype = "", "", {}, ""

    def has(self, *kinds):
        return any(kind in kinds for kind, _ in self.arguments)

    def lends(self):
        return self.has("LEND") or any(pointer[5] == "LEND" for pointer in self.pointers)

    def works_on_a_handle(self):
        return self.has("HANDLE") or any(kind == "INOUT" and words[0].endswith("Handle") for kind, words in self.arguments)


# ---- what the header says ----

def plain(comment):
    lines = [re.sub(r"^ ?\*? ?", "", line) for line in comment.strip().split("\n")]
    return "\n".join(line.rstrip() for line in lines).strip()


def split_comment(text):
    """What a call does, and {status: what provokes it}; a status begins a line, two spaces before its meaning."""
    words, meanings, last = [], {}, None
    for line in text.split("\n"):
        status = re.match(r"([A-Z]{6,})  +(\S.*)", line)
        if status:
            last = status.group(1)
            meanings[last] = status.group(2)
        elif last and line.startswith(" "):
            meanings[last] += " " + line.strip()
        else:
            words.append(line.strip())
            last = None
    return " ".join(words), meanings


def read_header(text, calls):
    """Comments above the declarations, in order, below the headings of their sections."""
    section, intros = "", {}
    pattern = r"/\* ---- ([^-]+?) -+(?: \*/|\n((?:(?!\*/).)*)\*/)|/\*((?:(?!\*/).)*)\*/\n(enum MvStatus (mv\w+)\([^;]*;)"
    for match in re.finditer(pattern, text, re.DOTALL):
        if match.group(1):
            section = match.group(1)
            intros[section] = " ".join(plain(match.group(2) or "").split("\n"))
            continue
        call = calls[match.group(5)]
        call.section, call.prototype = section, match.group(4)
        call.text, call.meanings = split_comment(plain(match.group(3)))
        call.text = re.sub(r"\s*ISR: (no|tolerated)\.", "", call.text)
    return intros


# ---- the page ----

def row(*cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(head, rows):
    return [row(*head), row(*["---"] * len(head))] + [row(*cells) for cells in rows] + [""] if rows else []


def counted(kind, length):
    return {"BYTES": f", `{length}` bytes", "ITEMS": f", `{length}` of them", "ONE": "", "OPTIONAL": "; NULL for none"}[kind]


def describe_argument(kind, words):
    name = words[-1] if kind in ("VALUE", "OUT", "IN", "INOUT", "HANDLE", "REGISTER") else words[0]
    what = {
        "VALUE": lambda: "a value", "OUT": lambda: "is written", "IN": lambda: "is read",
        "INOUT": lambda: "is read and written", "HANDLE": lambda: f"must stand for {KINDS[words[1]]}",
        "BUFFER_OUT": lambda: f"is written, `{words[1]}` bytes", "BUFFER_IN": lambda: f"is read, `{words[1]}` bytes",
        "LEND": lambda: f"is lent to Microvisor, `{words[1]}` bytes",
        "REGISTER": lambda: "the address of a register",
    }[kind]()
    return name, what


def argument_rows(call):
    for kind, words in call.arguments:
        name, what = describe_argument(kind, words)
        bad = {"HANDLE": "INVALIDHANDLE", "VALUE": "", "REGISTER": "PERIPHERALACCESSFAULT"}.get(kind, "PARAMETERFAULT")
        yield f"`{name}`", what, bad
        for _, field, _, _, _, access, count, length, refusal in call.pointers if kind == "IN" else []:
            length = length.removeprefix("v1.")
            yield f"`{name}->{field[1:-1]}`", ACCESS[access] + counted(count, length), refusal


def split_source(meaning):
    """'no such centre [header]': text and source. Sources in the middle stay where they are."""
    match = re.fullmatch(r"(.*?)\s*\[([^\]]*)\]", meaning)
    return (match.group(1), match.group(2)) if match and "[" not in match.group(1) else (meaning, "")


def status_rows(call):
    okay = "accepted: the outcome comes as a notification" if "DEFERRED" in call.flags else "it was done"
    yield "OKAY", okay, "header"
    for status, meaning in call.meanings.items():
        text, source = split_source(meaning)
        if status in call.slips:
            text += "; by fault injection only"
        if status not in call.listed:
            status += " \\*"
        yield status, text, source
    if "NOT_FROM_ISR" in call.flags and "UNAVAILABLE" not in call.meanings:
        yield "UNAVAILABLE", "made from an interrupt handler", "header"
    missing = [status for status in call.listed[1:] if status not in call.meanings]
    if missing:
        sys.exit(f"{call.name}: mv_syscalls.h does not say what provokes {', '.join(missing)}")


def decisions(call):
    text = call.text + " ".join(call.meanings.values())
    lists = re.findall(r"decisions? ([\d, and]+)", text)
    return sorted({int(number) for part in lists for number in re.findall(r"\d+", part)})


def assumed(call, points):
    for number in decisions(call):
        titles = "; ".join(points.get(number, []))
        yield f"{number} ({titles})" if titles else str(number)


def lints_of(call, lints):
    matching = {"all": True, "handle": call.works_on_a_handle(), "lend": call.lends()}
    return [lint for lint, about in lints.items() if any(matching.get(word, word == call.name) for word in about)]


def facts(call, data, points):
    group = data["groups"][call.group]
    yield "From an interrupt handler", "UNAVAILABLE" if "NOT_FROM_ISR" in call.flags else "works, and is counted"
    yield "Carried out", "by the link thread, after the call has returned" if "DEFERRED" in call.flags else "in the call"
    if "TEST_MODE" in call.flags:
        yield "Only in", "the factory's test mode"
    see = f" More in [{group['page']}]({group['page']})." if "page" in group else ""
    yield "Simulated", group["simulated"] + see
    yield "Assumed, by decision", "; ".join(assumed(call, points))
    yield "Profile", ", ".join(f"`{key}`" for key in group.get("profile", []))
    yield "In tests", ", ".join(f"`{name}()`" for name in group.get("control", []))
    yield "Findings", ", ".join(f"[{lint}](lints.md#{lint})" for lint in lints_of(call, data["lints"]))


def page_of(call, data, points):
    lines = [f"### {call.name}", "", call.text, "", "```c", call.prototype, "```", ""]
    lines += table(("argument", "what Microvisor does with it", "bad"), list(argument_rows(call)))
    lines += table(("status", "when", "source"), list(status_rows(call)))
    lines += [f"- {what}: {text}" for what, text in facts(call, data, points) if text]
    return lines + [""]


def first_sentence(text):
    text = text.removeprefix("Opaque channels: ")
    sentence = re.match(r".*?(?=\.(?: |$)|;| \[|: )", text).group(0)
    return sentence[0].upper() + sentence[1:] + "."


def points_of(text):
    """{decision: the points of assumptions.md that have its number}"""
    points = {}
    for title, numbers in re.findall(r"^\| ([^|]*?) \((\d+(?:, \d+)*)\) \|", text, re.MULTILINE):
        for number in numbers.split(", "):
            points.setdefault(int(number), []).append(title)
    return points


HEAD = """# The calls

Every call: what it does, its arguments, its statuses and what provokes each. Made from the header, the lists of the
sources, and calls.toml; see there before changing anything here.

"Source" names where a rule comes from: the vendor's header, the vendor's guides, one of the header's rules, or a
decision of the simulator's where nothing is documented ([assumptions.md](assumptions.md) has them by number). A status
with an asterisk is not among those that the vendor's header lists for the call. "Bad" is what an argument gets that is
no handle, or memory that Microvisor may not access. Order of checks: the calling context; arguments as they are
declared, a structure's fields where it stands; the state of the object; counts; nested data; room.
"""


def main():
    root = pathlib.Path(sys.argv[1])
    calls = {parts[0]: Call(parts) for parts in entries((root / "src/calls.def").read_text(), "MVS_CALL")}
    for parts in entries((root / "src/pointers.def").read_text(), "MVS_POINTER"):
        calls[parts[0]].pointers.append(parts)
    intros = read_header((root / "include/mv_syscalls.h").read_text(), calls)
    data = tomllib.loads((root / "docs/calls.toml").read_text())
    points = points_of((root / "docs/assumptions.md").read_text())
    print(HEAD)
    print("\n".join(table(("call", "what it does"), [(f"[{name}](#{name.lower()})", first_sentence(call.text))
                                                     for name, call in calls.items()])))
    section = None
    for call in calls.values():
        if call.section != section:
            section = call.section
            print(f"## {section}\n")
            if intros[section]:
                print(f"{intros[section]}\n")
        print("\n".join(page_of(call, data, points)))


if __name__ == "__main__":
    main()
