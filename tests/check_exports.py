"""libmvsim exports the calls of Microvisor and the control API, and nothing else. Usage: check_exports.py LIBRARY ROOT"""
import re
import subprocess
import sys


def exported(library):
    table = subprocess.run(['nm', '-D', '--defined-only', library], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split('@')[0] for line in table.splitlines() if line.split()[-2] != 'A'}


def calls(root):
    with open(root + '/src/calls.def', encoding='utf-8') as file:
        return set(re.findall(r'^MVS_CALL\((mv\w+)', file.read(), re.MULTILINE))


def main():
    library, root = sys.argv[1:]
    names, wanted = exported(library), calls(root)
    strangers = sorted(name for name in names - wanted if not name.startswith('mvsim_'))
    results = [('every_call_is_exported', sorted(wanted - names)),
               ('nothing_but_the_calls_and_the_control_api_is_exported', strangers)]
    print(f'1..{len(results)}')
    for number, (name, wrong) in enumerate(results, 1):
        print('not ok' if wrong else 'ok', number, '-', name)
        for symbol in wrong:
            print('#', symbol)
    sys.exit(any(wrong for _, wrong in results))


main()
