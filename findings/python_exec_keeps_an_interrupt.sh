#!/usr/bin/env bash
# Subject:  Python 3.8 to 3.13 on POSIX, Ctrl-C while `exec` or `eval` works on a text, as `namedtuple` and `dataclass` let them
# Guess:    Whoever catches `KeyboardInterrupt` has handled it: a program that goes on and comes to its end has the exit code 0.
# Happens:  Caught or not, Python ends itself with SIGINT: 130 for a shell, -2 for `subprocess`. So it does with `python -m`, too,
#           where the program ends by `sys.exit`. A mark that an interrupt went by unhandled is set where the text's code ends,
#           and cleared only by the next text. Where compiled code is given, as modules are loaded, or a function is called, all
#           is as guessed.
# Source:   https://github.com/python/cpython/pull/11862 (since 3.8): `run_eval_code_obj` in Python/pythonrun.c sets the mark, and
#           `Py_RunMain` in Modules/main.c looks at it
# Matters:  Who presses Ctrl-C while mien is loaded gets a word, and 130 from a shell in either case (src/mien/errors.py:
#           `interrupted`).
set -euo pipefail
python3 - <<'PY'
import platform
import subprocess
import sys

PROGRAM = """
def interrupted():
    raise KeyboardInterrupt

try:
    {}
except KeyboardInterrupt:
    print("handled")
"""
WAYS = {
    "interrupted()": 0,
    "exec(compile('interrupted()', '', 'exec'))": 0,
    "exec('interrupted()')": -2,
    "eval('interrupted()')": -2,
}

print("Python", platform.python_version())
same = True
for way, expected in WAYS.items():
    run = subprocess.run([sys.executable, "-c", PROGRAM.format(way)], capture_output=True, text=True)
    print(f"{way}: {run.stdout.strip()}, then the exit code is {run.returncode}")
    same &= (run.stdout, run.returncode) == ("handled\n", expected)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
