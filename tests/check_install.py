"""An installed tree: it has headers, library, module, command and pkg-config file, and an application that is compiled
with nothing else runs, and makes HTTP requests.

usage: check_install.py SOURCE_ROOT BUILD
"""
import glob
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from tap import Tap, difference, run

ROOT, BUILD = sys.argv[1:3]
PROFILE = "http: {rewrite: [{from: 'https://api.example.com', to: 'http://127.0.0.1:1'}]}\ntime: {mode: virtual}\n"


def headers_of_sources():
    control = {f"mvsim/{os.path.basename(path)}" for path in glob.glob(f"{ROOT}/include/mvsim/*.h")}
    board = {f"mvsim/board/{os.path.basename(path)}" for path in glob.glob(f"{ROOT}/include/board/*.h")}
    return sorted({"mv_syscalls.h"} | control | board)


def below(directory):
    return sorted(os.path.relpath(os.path.join(place, name), directory)
                  for place, _, names in os.walk(directory) for name in names)


def one(tap, what, pattern):
    found = glob.glob(pattern, recursive=True)
    tap.check(f"{what} is installed", [] if len(found) == 1 else [f"{pattern}: {found}"])
    return found[0] if found else ""


def flags(search, *wanted):
    os.environ["PKG_CONFIG_PATH"] = search
    return run(["pkg-config", *wanted, "mvsim"])


def check_uninstalled_flags(tap):
    """Those of a working copy: headers from the sources, the library from the build."""
    status, output = flags(f"{BUILD}/meson-uninstalled", "--cflags", "--libs")
    wanted = {f"-I{ROOT}/include", f"-I{ROOT}/include/board", f"-L{BUILD}", "-lmvsim"}
    missing = wanted - set(output.split())
    tap.check("pkg-config in a build gives headers and library", [f"{status}: {output}"] if status or missing else [])


def compile_application(tap, directory, pc_file):
    os.environ["PKG_CONFIG_SYSROOT_DIR"] = f"{directory}/root"
    _, output = flags(os.path.dirname(pc_file), "--cflags", "--libs")
    outside = [flag for flag in output.split() if flag[:2] in ("-I", "-L") and not flag[2:].startswith(directory)]
    tap.check("its pkg-config file leads into the tree only", outside)
    for name, options in {"application": [], "sanitized": ["-fsanitize=address,undefined"]}.items():
        status, text = run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"{ROOT}/tests/install/main.c", *options,
                            *output.split(), "-o", f"{directory}/{name}"])
        tap.check(f"an application compiles with it ({name})", text.splitlines() if status else [])


def check_run(tap, directory, command, name):
    status, output = run([command, "run", "-p", f"{directory}/profile.yaml", "--timeout", "60", "--",
                          f"{directory}/{name}"])
    tap.check(f"it runs, with a request that the cloud carries out, and ends well ({name})",
              [] if status == 0 and "result 5" in output else [f"exit status {status}"] + output.splitlines())
    return output


def check_application(tap, directory, command, library, module):
    """It ends with its device running; the leak sanitizer must not charge it with what the device holds."""
    with open(f"{directory}/profile.yaml", "w", encoding="utf-8") as file:
        file.write(PROFILE)
    os.environ["LD_LIBRARY_PATH"] = os.path.dirname(library)
    output = check_run(tap, directory, command, "application")
    check_run(tap, directory, command, "sanitized")
    loaded = [line.split()[-1] for line in output.splitlines() if line.startswith("loaded: ")]
    expected = sorted(os.path.realpath(path) for path in (library, module))
    tap.check("it has loaded library and module from the tree", difference(expected, sorted(set(loaded))))


def check_tree(tap, directory):
    root = f"{directory}/root"
    status, output = run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root])
    tap.check("it can be installed", output.splitlines() if status else [])
    if status:
        return
    header = one(tap, "the header of the calls", f"{root}/**/include/mv_syscalls.h")
    library = one(tap, "the library", f"{root}/**/libmvsim.so.0")
    module = one(tap, "the module, in mvsim/ beside the library,", f"{os.path.dirname(library)}/mvsim/mvsim-http.so")
    one(tap, "the module for TLS, beside it,", f"{os.path.dirname(library)}/mvsim/mvsim-tls.so")
    command = one(tap, "the command", f"{root}/**/bin/mvsim")
    pc_file = one(tap, "the pkg-config file", f"{os.path.dirname(library)}/pkgconfig/mvsim.pc")
    tap.check("the headers are those of include/", difference(headers_of_sources(), below(os.path.dirname(header))))
    compile_application(tap, directory, pc_file)
    check_application(tap, directory, command, library, module)


def main():
    for name in [name for name in os.environ if name.startswith(("MVSIM_", "PKG_CONFIG_"))]:
        del os.environ[name]
    tap = Tap()
    check_uninstalled_flags(tap)
    with tempfile.TemporaryDirectory(prefix="mvsim-install-") as directory:
        check_tree(tap, os.path.realpath(directory))
    tap.finish()


main()
