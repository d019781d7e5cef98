#!/usr/bin/env python3
"""Compiles a file for nothing but its diagnostics, with all warnings as errors; skipped without the compiler.

compile.py COMPILER [OPTION...] FILE
"""
import shutil
import subprocess
import sys

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-pedantic-errors', '-Wshadow', '-Wundef', '-Werror']
SKIPPED = 77

compiler, *arguments = sys.argv[1:]
if shutil.which(compiler) is None:
    print(f'{compiler} is not installed')
    sys.exit(SKIPPED)
sys.exit(subprocess.run([compiler, *WARNINGS, *arguments, '-fsyntax-only']).returncode)
