#!/usr/bin/env python3
"""The build for the device: the gate object has exactly the addresses of tests/data/gate.tsv, and every image starts
where Microvisor starts it, with nothing undefined.

usage: check_target.py SOURCE_ROOT
"""
import glob
import os
import re
import shutil
import struct
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, difference, read_tsv, run, skip_all

ROOT = sys.argv[1]
FLASH, FLASH_END, STACK_TOP = 0x08000000, 0x08100000, 0x20080000
VECTORS = 16 + 125
RESERVED_VECTORS = {8, 9, 10, 13}
IMAGE_FLAGS = ["-mcpu=cortex-m33", "-mthumb", f"-I{ROOT}/sim/target/include", f"-I{ROOT}/include", "-nostartfiles",
               "--specs=nano.specs", "-T", f"{ROOT}/sim/target/mvsim.ld", f"{ROOT}/sim/target/startup.c",
               f"{ROOT}/sim/target/syscalls.c"]


def symbols(path):
    """Of each global symbol: name -> (value, size, type, binding, section)."""
    _, text = run(["arm-none-eabi-readelf", "-sW", path])
    rows = [line.split() for line in text.splitlines()]
    return {row[7]: (int(row[1], 16), int(row[2]), row[3], row[4], row[6])
            for row in rows if len(row) == 8 and row[4] in ("GLOBAL", "WEAK")}


def check_build(tap, build):
    status, output = run(["meson", "setup", "--cross-file", f"{ROOT}/sim/target/cortex-m33.ini", build, ROOT])
    if status == 0:
        status, output = run(["ninja", "-C", build, "all", "target-check.elf"])
    tap.check("the build for the device succeeds without a warning",
              output.splitlines() if status or "warning" in output else [])
    return status == 0


def check_gate(tap, build):
    expected = {name: (int(address, 16), 8, "FUNC", "GLOBAL", "ABS")
                for address, name in read_tsv(f"{ROOT}/tests/data/gate.tsv")}
    found = symbols(f"{build}/mv_gate.o")
    tap.check("mv_gate.o: address, Thumb bit, size, type, binding of every call, and no other symbol",
              difference(sorted(expected.items()), sorted(found.items())))
    return expected


def flat_image(image):
    with tempfile.NamedTemporaryFile() as flat:
        run(["arm-none-eabi-objcopy", "-O", "binary", image, flat.name])
        return flat.read()


def check_calls_bound(tap, image, gate):
    """The linker reaches a far call through a stub of its own: a jump, then the address in a word."""
    _, text = run(["arm-none-eabi-nm", image])
    stubs = re.findall(r"^(\w+) t __(mv\w+)_veneer$", text, re.MULTILINE)
    flat, problems = flat_image(image), []
    for address, name in stubs:
        goes_to = struct.unpack_from("<I", flat, (int(address, 16) & ~1) - FLASH + 4)[0]
        if goes_to != gate[name][0]:
            problems.append(f"{name} goes to {goes_to:#x}, its veneer is at {gate[name][0]:#x}")
    tap.check(f"{os.path.basename(image)}: its calls go to the veneers", problems if stubs else ["it makes no call"])


def vector_table(image):
    return struct.unpack_from(f"<{VECTORS}I", flat_image(image))


def section_address(image, section):
    _, text = run(["arm-none-eabi-objdump", "-h", image])
    return next((int(line.split()[3], 16) for line in text.splitlines() if f" {section} " in line), None)


def vector_problems(vectors):
    problems = []
    for number in range(1, VECTORS):
        if number in RESERVED_VECTORS:
            if vectors[number] != 0:
                problems.append(f"vector {number} is reserved and holds {vectors[number]:#x}")
        elif not (FLASH < vectors[number] < FLASH_END and vectors[number] & 1):
            problems.append(f"vector {number} is {vectors[number]:#x}, not Thumb code in flash")
    return problems


def check_image(tap, image):
    name = os.path.basename(image)
    vectors, found = vector_table(image), symbols(image)
    _, header = run(["arm-none-eabi-readelf", "-hW", image])
    entry = next(int(line.split()[-1], 16) for line in header.splitlines() if "Entry point" in line)
    tap.check(f"{name}: nothing is undefined", [key for key, symbol in found.items() if symbol[4] == "UND"])
    address = section_address(image, ".isr_vector")
    tap.check(f"{name}: the vector table lies at the start of flash", [] if address == FLASH else [f"{address}"])
    tap.check(f"{name}: the initial stack is the end of RAM", [] if vectors[0] == STACK_TOP else [hex(vectors[0])])
    reset = found["Reset_Handler"][0]
    tap.check(f"{name}: entry and reset vector are Reset_Handler, with the Thumb bit",
              [] if entry == vectors[1] == reset and reset & 1 else [f"{entry:#x} {vectors[1]:#x} {reset:#x}"])
    tap.check(f"{name}: every vector is Thumb code in flash, or reserved", vector_problems(vectors))


def check_handler_replaces_default(tap, image):
    """The one handler that target-check defines is in its line's slot, and in no other."""
    vectors, handler = vector_table(image), symbols(image)["TIM8_BRK_IRQHandler"][0]
    slots = [number for number, vector in enumerate(vectors) if vector == handler]
    tap.check("a handler takes the vector of its name", [] if slots == [16 + 51] else [f"slots {slots}"])


def check_refused(tap, name, build, source, message):
    """A program that must not link, and what the linker must say."""
    status, output = run(["arm-none-eabi-gcc", *IMAGE_FLAGS, "-xc", "-", "-xnone", f"{build}/mv_gate.o",
                          "-o", f"{build}/refused.elf"], source)
    tap.check(name, [] if status != 0 and message in output else ["it linked" if status == 0 else output])


def check_every_example_has_an_image(tap, images):
    examples = {os.path.basename(os.path.dirname(path)) for path in glob.glob(f"{ROOT}/examples/*/main.c")}
    names = {os.path.basename(path)[:-len(".elf")] for path in images}
    tap.check("every example has an image at the top of the build", [f"{name}.elf" for name in examples - names])


def check_everything(tap, build):
    gate = check_gate(tap, build)
    images = sorted(glob.glob(f"{build}/*.elf"))
    check_every_example_has_an_image(tap, images)
    for image in images:
        check_image(tap, image)
        check_calls_bound(tap, image, gate)
    check_handler_replaces_default(tap, f"{build}/target-check.elf")
    check_refused(tap, "a call that does not exist does not link", build,
                  "int mvNoSuchCall(void); int main(void) { return mvNoSuchCall(); }", "mvNoSuchCall")
    check_refused(tap, "data that leave no room for heap and stack do not link", build,
                  "char big[0x7e000]; int main(void) { return big[1]; }", "RAM is full")


def main():
    for tool in ("arm-none-eabi-gcc", "arm-none-eabi-readelf", "meson", "ninja"):
        if shutil.which(tool) is None:
            skip_all(f"{tool} is not installed")
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="mvsim-target-") as build:
        if check_build(tap, build):
            check_everything(tap, build)
    tap.finish()


main()
