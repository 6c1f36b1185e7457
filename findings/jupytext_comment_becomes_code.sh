#!/usr/bin/env bash
# Subject:  jupytext 1.19.6, a notebook of a Python script in whose cells a comment begins with a word such as copy, cat, ls or rm
# Guess:    A comment stays one: only what begins with `%`, `!` or `?` behind the `#` is a command that was commented out.
# Happens:  It becomes code. In a cell with other lines that is a syntax error. Where it is all that the cell has, IPython runs it:
#           a command that somebody had commented out. So does a comment of one word with a question mark, which opens help (not
#           shown here).
#           The option `comment_magics` ends it, for all commands; within a block comments stay.
# Source:   https://github.com/jupytext/jupytext/issues/149 is why: such commands are commented out in scripts, and come back as
#           they were. That a script's own comments go the same way was found nowhere; of assignments, mended, there is
#           https://github.com/jupytext/jupytext/issues/339. `_PYTHON_MAGIC_CMD` in jupytext/magics.py has the words.
# Matters:  mien keeps its notebooks as scripts. A test looks that each line of a notebook's code stands in its script
#           (tests/test_notebooks.py).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check jupytext==1.19.6 ipython==9.18.1 ||
  { echo "not checked: no package"; exit 2; }
cd "$work"
cat > script.py <<'PY'
# %%
# copy of the faces, as they come
faces = 2
# %%
# cp faces.txt gone.txt
# %%
# sad?
# %%
# faces are counted: ls would not
total = 3
# %%
if total:
    # rm is not asked for
    total = 4
PY
HOME=$work IPYTHONDIR=$work/ipython "$work/env/bin/python" - <<'PY'
import ast
import sys
from importlib.metadata import version
from pathlib import Path

import jupytext
from IPython.core.interactiveshell import InteractiveShell

print("jupytext", version("jupytext"), "IPython", version("ipython"))
Path("faces.txt").write_text("faces")


def compiles(source):
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


cells = [cell.source for cell in jupytext.read("script.py").cells]
kept = [cell.source for cell in jupytext.read("script.py", fmt={"extension": ".py", "comment_magics": False}).cells]
for cell in cells:
    print(f"{cell!r:65} {'' if compiles(cell) else 'no Python'}")
InteractiveShell.instance().run_cell(cells[1])
copied = Path("gone.txt").exists()
print("the second cell was run, and copied a file:", copied)
same = copied and [compiles(cell) for cell in cells] == [False, False, False, True, True]
same &= cells[0].startswith("copy of") and all(compiles(cell) for cell in kept)
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
