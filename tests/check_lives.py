"""A restarted application stays in the hands of gdb and of valgrind, and is told where it has left them.

usage: check_lives.py PROGRAM GDBINIT
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, missing, run, skip_all

PROGRAM, GDBINIT = sys.argv[1:3]
LIVES = ("life 0: reason 0,", "life 1: reason 2,", "life 2: reason 15,")

os.environ["MVSIM_TIME"] = "virtual"
os.environ.pop("MVSIM_PROFILE", None)


def debug(*commands):
    options = [word for command in commands for word in ("-ex", command)]
    return run(["gdb", "-nx", "-batch", "-x", GDBINIT, *options, "--args", PROGRAM, "rs"])[1]


def check_gdb(tap):
    tap.check("gdb has a breakpoint in every life", missing(
        debug("break mvRestart", "break mvDeepSleep", "run", "continue", "continue"),
        (LIVES[0], "Breakpoint 1, mvRestart", LIVES[1], "Breakpoint 2, mvDeepSleep", LIVES[2], "exited with code 07")))
    tap.check("gdb does not stop between the lives", missing(debug("run"), (*LIVES, "exited with code 07")))


def grind(*options):
    status, output = run(["valgrind", "--quiet", "--error-exitcode=99", *options, PROGRAM, "rs"])[:2]
    return status, output, missing(output, LIVES) or [f"status {status}"] * (status != 7)


def check_valgrind(tap):
    status, output, complaints = grind("--trace-children=yes")
    tap.check("valgrind follows when it is told to", complaints or ["a life was not followed"] * ("no longer in valgrind" in output))
    status, output, complaints = grind()
    tap.check("without that the application goes on and says so", complaints or missing(output, ("no longer in valgrind",)))


TOOLS = {"gdb": check_gdb, "valgrind": check_valgrind}
present = [tool for tool in TOOLS if shutil.which(tool)]
if "gdb" in present and "ptrace: Operation not permitted" in debug("run"):
    present.remove("gdb")
if not present:
    skip_all("there is neither gdb nor valgrind")
checks = Tap()
for name in present:
    TOOLS[name](checks)
checks.finish()
