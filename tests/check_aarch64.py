#!/usr/bin/env python3
"""The library's sources compile for the other kind of computer that they are written for, without a warning.

Only compiled, not run: the headers of the libraries are this computer's.

usage: check_aarch64.py SOURCE_ROOT
"""
import glob
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, run, skip_all

ROOT = sys.argv[1]
COMPILER = "aarch64-linux-gnu-gcc"
STRICT = ["-fsyntax-only", "-Werror", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
          "-Wconversion", "-Wmissing-prototypes", "-Wcast-align", "-Wundef"]
# libuv's and libcurl's headers come after the compiler's own, lest those of this computer's C library be taken.
HERE = ["/usr/include/" + run(["gcc", "-print-multiarch"])[1].strip(), "/usr/include"]
INCLUDES = [f"-I{ROOT}", f"-I{ROOT}/include", f"-I{ROOT}/include/board",
            *(option for directory in HERE for option in ("-idirafter", directory))]
NOT_THE_LIBRARY = ("sim/target", "sim/cli")

if not shutil.which(COMPILER):
    skip_all(f"{COMPILER} is not installed")
if run([COMPILER, "-fsyntax-only", "-include", "stdlib.h", "-xc", "/dev/null"])[0] != 0:
    skip_all("the C library's headers for AArch64 are not installed")

rooms = {}
for path in sorted(glob.glob("src/**/*.c", root_dir=ROOT, recursive=True) +
                   glob.glob("sim/**/*.c", root_dir=ROOT, recursive=True)):
    rooms.setdefault(os.path.dirname(path), []).append(f"{ROOT}/{path}")

tap = Tap()
for room, sources in rooms.items():
    if room not in NOT_THE_LIBRARY:
        status, output = run([COMPILER, *STRICT, *INCLUDES, *sources])
        tap.check(f"{room} compiles for AArch64", output.splitlines() if status else [])
tap.finish()
