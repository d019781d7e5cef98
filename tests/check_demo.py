"""The demonstrations: each shows its story, leaves nothing behind however it ends, and fails when the application's log
does not show what it should: check_demo.py ROOT BUILD EXAMPLE"""
import os
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, run, skip_all

EXAMPLE = sys.argv[3]
DEMO = f"{sys.argv[1]}/examples/{EXAMPLE}/demo"
BUILD = sys.argv[2]
PATIENCE = 120


def children_of(directory):
    """Processes whose command line names the directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                command = file.read()
        except OSError:
            continue
        if directory.encode() in command:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


def start(directory, build):
    environment = dict(os.environ, TMPDIR=directory, LC_ALL="C")
    for name in ("MVSIM_PROFILE", "MVSIM_TIME", "MVSIM_SEED", "MVSIM_SUMMARY"):
        environment.pop(name, None)
    # A session of its own: the key that interrupts it goes to all of its processes.
    return subprocess.Popen([DEMO, build], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=environment, start_new_session=True)


def in_order(text, parts):
    place = 0
    for part in parts:
        found = text.find(part, place)
        if found < 0:
            return [f"\"{part}\" does not come where it should in:"] + text.splitlines()
        place = found + len(part)
    return []


def left_behind(directory):
    problems = [f"left in the temporary directory: {name}" for name in os.listdir(directory)]
    return problems + [f"still running: {command}" for command in children_of(directory)]


STORIES = {
    "http-poll": ["device UV", "poll 1: 200, application/json", '"temperature":7.5', "poll 3 failed",
                  "next try in 2000 ms", ": 200, application/json", "success, failure, recovery"],
    "mqtt-sensor": ["device UV", "the broker is broker.example.com:8883", "connected", "report 1: state 0",
                    "mosquitto_sub: sensors/UV", 'command "interval 300"', "the connection has ended",
                    "next try in 2000 ms", "connected", ": state 0", 'command "stop"', "reports were acknowledged",
                    "recovery, the end"],
}
SERVERS = {"http-poll": ["nginx"], "mqtt-sensor": ["mosquitto", "mosquitto_sub"]}
FIRST_SIGHT = {"http-poll": "poll 1: 200", "mqtt-sensor": "report 1: state 0"}


def check_whole(tap, directory):
    demo = start(directory, BUILD)
    text, _ = demo.communicate(timeout=PATIENCE)
    tap.check("it ends with success",
              [] if demo.returncode == 0 else [f"exit status {demo.returncode}"] + text.splitlines())
    tap.check("it shows its story", in_order(text, STORIES[EXAMPLE]))
    tap.check("it leaves nothing behind", left_behind(directory))


def check_interrupted(tap, directory, number, to_all):
    demo = start(directory, BUILD)
    seen = ""
    for line in demo.stdout:
        seen += line
        if FIRST_SIGHT[EXAMPLE] in line:
            break
    (os.killpg if to_all else os.kill)(demo.pid, number)
    demo.communicate(timeout=PATIENCE)
    problems = [] if FIRST_SIGHT[EXAMPLE] in seen else ["it did not come to its first sight:"] + seen.splitlines()
    if demo.returncode != 128 + number:
        problems.append(f"exit status {demo.returncode}")
    tap.check(f"{signal.Signals(number).name} ends it, and nothing is left behind", problems + left_behind(directory))


# Of http-poll, whose demonstration listens to nothing but its log.
STUB_LINES = ["device UV00112233445566778899aabbccddeeff", "poll 1: 200, application/json",
              "poll 2: 200, application/json", '"temperature":7.5', "poll 3 failed", "poll 4 failed",
              "next try in 2000 ms", "poll 5: 200, application/json", '"temperature":7.5']


def check_stub(tap, directory, missing):
    """A stand-in for the application, whose log has all the lines but one."""
    with tempfile.TemporaryDirectory() as build:
        lines = [line for number, line in enumerate(STUB_LINES) if number != missing]
        for name in ("mvsim", "http-poll"):
            with open(f"{build}/{name}", "w", encoding="utf-8") as file:
                file.write("#!/bin/sh\n" + "".join(f"echo '{line}'\n" for line in lines))
            os.chmod(f"{build}/{name}", 0o755)
        demo = start(directory, build)
        text, _ = demo.communicate(timeout=PATIENCE)
    expected = 0 if missing is None else 1
    what = "all of its lines" if missing is None else f"all but \"{STUB_LINES[missing]}\""
    problems = [] if demo.returncode == expected else [f"exit status {demo.returncode}"] + text.splitlines()
    tap.check(f"exit status {expected} for a log with {what}", problems + left_behind(directory))


def check_no_build(tap, directory):
    demo = start(directory, directory)
    text, _ = demo.communicate(timeout=PATIENCE)
    problems = [] if demo.returncode == 1 else [f"exit status {demo.returncode}"]
    tap.check("a directory without a build is named", problems + in_order(text, ["mvsim is not in", directory]))


def check_sample_profile(tap):
    status, text = run([f"{BUILD}/mvsim", "run", "-p", os.path.join(os.path.dirname(DEMO), "profile.yaml"), "true"])
    tap.check("the sample profile is a good one", [] if status == 0 else text.splitlines())


def main():
    search = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
    for server in SERVERS[EXAMPLE]:
        if not any(os.access(f"{path}/{server}", os.X_OK) for path in search.split(":")):
            skip_all(f"{server} is not installed")
    tap = Tap()
    # Blanks, so that forgotten quotes show.
    with tempfile.TemporaryDirectory(prefix="mvsim demo ") as directory:
        check_whole(tap, directory)
        check_interrupted(tap, directory, signal.SIGINT, to_all=True)
        check_interrupted(tap, directory, signal.SIGTERM, to_all=False)
        check_interrupted(tap, directory, signal.SIGHUP, to_all=False)
        for missing in (None, 0, 2, 3, 5, 6, 7, 8) if EXAMPLE == "http-poll" else ():
            check_stub(tap, directory, missing)
        check_no_build(tap, directory)
        check_sample_profile(tap)
    tap.finish()


main()
