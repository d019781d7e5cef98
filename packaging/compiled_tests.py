"""Prints the names of the tests in a build directory that are programs it made (and no scripts), a line each."""
import json
import os
import subprocess
import sys

build = os.path.realpath(sys.argv[1])
listed = subprocess.run(["meson", "introspect", "--tests", build], check=True, stdout=subprocess.PIPE)
for test in json.loads(listed.stdout):
    if os.path.realpath(test["cmd"][0]).startswith(build + os.sep):
        print(test["name"])
