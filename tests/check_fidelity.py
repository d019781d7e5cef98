#!/usr/bin/env python3
"""The simulated processor held against QEMU's Cortex-M33: generated interrupt programs run on both, and must write down
the same events in the same order. The first program that does not is made as short as it gets, and shown.

usage: check_fidelity.py SOURCE_ROOT HOST_INTERPRETER

MVSIM_FIDELITY_PROGRAMS is how many programs to run; MVSIM_FIDELITY_SEED is another choice of them.
"""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "fidelity"))
import programs
from tap import Tap, run, skip_all

ROOT, HOST = sys.argv[1:3]
SOURCES = f"{ROOT}/tests/fidelity"
COUNT = int(os.environ.get("MVSIM_FIDELITY_PROGRAMS", "200"))
SEED = os.environ.get("MVSIM_FIDELITY_SEED", "1")
BATCH = 100  # programs in a run of each side
TIME_LIMIT_S = 60
LINES_SHOWN = 12

COMPILE = ["arm-none-eabi-gcc", "-mcpu=cortex-m33", "-mthumb", f"-I{ROOT}/sim/target/include", f"-I{ROOT}/include",
           "-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffreestanding",
           "-fno-tree-loop-distribute-patterns", "-nostdlib", "-T", f"{SOURCES}/qemu.ld", f"{SOURCES}/qemu.c",
           f"{SOURCES}/interpreter.c"]
QEMU = ["qemu-system-arm", "-M", "mps2-an505", "-cpu", "cortex-m33", "-display", "none", "-monitor", "none",
        "-serial", "none", "-semihosting-config", "enable=on,target=native"]


def output(command):
    """Its standard output; with a last line that says how it ended, if that was not well."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MVSIM_")}
    environment["MVSIM_TIME"] = "virtual"
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT_S,
                              env=environment, check=False)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode() + "no end\n"
    text = done.stdout.decode()
    return text + (f"ended with status {done.returncode}: {done.stderr.decode()}\n" if done.returncode else "")


def logs(text, count):
    """The lines of each program; what is missing is empty."""
    found = [part.splitlines()[1:] for part in ("\n" + text).split("\nprogram ")[1:]]
    return found + [["did not run"]] * (count - len(found))


def both(directory, batch):
    """Of each program of the batch: the host's lines and QEMU's."""
    path = f"{directory}/programs"
    with open(path, "wb") as file:
        file.write(programs.pack(batch))
    here = output([HOST, path])
    there = output([*QEMU, "-kernel", f"{directory}/fidelity.elf", "-device",
                    f"loader,file={path},addr=0x38200000,force-raw=on"])
    return list(zip(logs(here, len(batch)), logs(there, len(batch))))


def differing(directory, batch):
    """The first program of the batch on which the two sides differ, with their lines; None without one."""
    for program, (here, there) in zip(batch, both(directory, batch)):
        if here != there:
            return program, here, there
    return None


def shrink(directory, found):
    while True:
        candidates = list(programs.shorter(found[0]))
        batches = [candidates[at:at + BATCH] for at in range(0, len(candidates), BATCH)]
        better = next(filter(None, (differing(directory, batch) for batch in batches)), None)
        if better is None:
            return found
        found = better


def explain(found):
    program, here, there = found
    same = next((at for at, pair in enumerate(zip(here, there)) if pair[0] != pair[1]), min(len(here), len(there)))
    lines = programs.listing(program) + [f"{'host':60}QEMU"]
    for at in range(max(0, same - LINES_SHOWN), same + 2):
        left, right = (side[at] if at < len(side) else "(nothing)" for side in (here, there))
        lines.append(f"{left:60}{right}{'' if left == right else '   <-- differs'}")
    return lines


def check_batch(tap, directory, first):
    batch = [programs.generate(SEED, number) for number in range(first, min(first + BATCH, COUNT))]
    found = differing(directory, batch)
    problems = explain(shrink(directory, found)) if found else []
    tap.check(f"programs {first} to {first + len(batch) - 1} of seed {SEED} do the same on the host and on QEMU",
              problems)
    return not problems


def main():
    for tool in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(tool) is None:
            skip_all(f"{tool} is not installed")
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mvsim-fidelity-") as directory:
        status, text = run([*COMPILE, "-o", f"{directory}/fidelity.elf"])
        tap.check("the interpreter compiles for QEMU's board", text.splitlines() if status else [])
        for first in range(0, COUNT if status == 0 else 0, BATCH):
            if not check_batch(tap, directory, first):
                break
    tap.finish()


main()
