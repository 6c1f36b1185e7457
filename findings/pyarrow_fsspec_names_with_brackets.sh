#!/usr/bin/env bash
# Subject:  PyArrow 26.0.1 on a store of fsspec 2026.9.0 (`PyFileSystem(FSSpecHandler(...))`), a file with brackets in its name
# Guess:    A path is one file's, as it is to `get_file_info` and `open_input_stream`: "Delete a file", says PyArrow of `delete_file`.
# Happens:  `delete_file` looks whether `a[1].jpg` is there, and hands its name to `rm`, to which it is a pattern: `a1.jpg` is deleted, and
#           nothing is said. Without an `a1.jpg` the file is "not found", and stays. So do `rm` and `cat` of fsspec, in memory and
#           in asynchronous stores, as az, hf, gs and s3 are; `rm_file` and `cat_file` take names.
# Source:   https://arrow.apache.org/docs/python/generated/pyarrow.fs.FSSpecHandler.html has no word on it;
#           https://github.com/fsspec/filesystem_spec/issues/838, open: "we do not know whether a given path resolves to one or more
#           files without trying to expand"
# Matters:  `photo[1].jpg` is what a second download is called. A run into `az://runs/a[1]` could not take away what marks the folder
#           as its own while it works (src/mien/batch/stores.py: `remove` calls `rm_file` now).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 fsspec==2026.9.0 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import sys

import fsspec
import pyarrow
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from pyarrow.fs import FSSpecHandler, PyFileSystem

NAMES = ["/photos/a1.jpg", "/photos/a[1].jpg"]
memory = fsspec.filesystem("memory")
STORES = {"in memory": memory, "asynchronous": AsyncFileSystemWrapper(memory)}


def left(how, *names):
    """What is left of files with these names, once the last is taken away; or the kind of error."""
    for path in memory.find("/"):
        memory.rm_file(path)
    for name in names:
        memory.pipe_file(name, name.encode())
    try:
        how(names[-1])
    except FileNotFoundError as error:
        return f"{type(error).__name__}, {memory.find('/photos')}"
    return memory.find("/photos")


print("PyArrow", pyarrow.__version__, "fsspec", fsspec.__version__)
same = True
for kind, store in STORES.items():
    system = PyFileSystem(FSSpecHandler(store))
    found = [
        left(system.delete_file, *NAMES),
        left(system.delete_file, NAMES[1]),
        left(store.rm, *NAMES),
        left(store.rm_file, *NAMES),
    ]
    for what, each in zip(("delete_file", "delete_file, alone", "rm", "rm_file"), found, strict=True):
        print(f"{kind}: a[1].jpg is taken away by {what}; left: {each}")
    same &= found == [NAMES[1:], f"FileNotFoundError, {NAMES[1:]}", NAMES[1:], NAMES[:1]]
    left(lambda name: None, *NAMES)
    info, read = system.get_file_info(NAMES[1]), system.open_input_stream(NAMES[1]).read()
    told = store.cat(NAMES[1])
    print(f"{kind}: a[1].jpg has {info.size} bytes, open_input_stream reads {read}, cat {told}")
    same &= info.size == len(NAMES[1]) and read == NAMES[1].encode() and told == {NAMES[0]: NAMES[0].encode()}
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
