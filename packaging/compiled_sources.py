"""Prints the C sources that a build directory compiles, each once, ended by a zero byte."""
import json
import os
import sys

build = sys.argv[1]
with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
    names = {os.path.realpath(os.path.join(entry["directory"], entry["file"])) for entry in json.load(file)}
for name in sorted(names):
    if name.endswith(".c"):
        sys.stdout.write(name + "\0")
