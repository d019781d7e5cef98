"""gdb stops at a fault of the application, at the place itself, and shows the report when it goes on.

usage: check_gdb.py PROGRAM GDBINIT
"""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, missing, run, skip_all

PROGRAM, GDBINIT = sys.argv[1:3]


def debug(what):
    """gdb's output: run to the fault, where it is, then on to the end."""
    return run(["gdb", "-nx", "-batch", "-x", GDBINIT, "-ex", "run", "-ex", "info symbol $pc",
                "-ex", "continue", "--args", PROGRAM, what])[1]


if not shutil.which("gdb"):
    skip_all("gdb is not installed")
if "ptrace: Operation not permitted" in debug("nothing"):
    skip_all("gdb may not trace here")

tap = Tap()
for name, what, report in (("a peripheral", "peripheral", "BusFault: the application wrote to 0x40000400: TIM3"),
                           ("a lent page", "lent", "SecureFault: the application wrote to"),
                           ("a null pointer", "null", "MemManage: the application wrote to 0x00000008")):
    tap.check(f"gdb stops at {name}", missing(debug(what), ("received signal SIGSEGV", "fault in section .text", "mvsim: " + report)))
tap.check("gdb does not stop where there is no fault",
          missing(debug("neighbours"), ("exited normally",)) or
          ["it stopped"] * ("received signal" in debug("neighbours")))
tap.finish()
