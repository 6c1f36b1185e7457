#!/usr/bin/env bash
# Subject:  webdataset 1.0.2, a tar archive of a folder in which files share their bytes (hard links, as `cp -l`, backups and
#           finders of doubles make them)
# Guess:    Each file is a file, in the folder as in the archive: two samples with their pictures.
# Happens:  tar, and Python's `TarFile.add`, write the second as a link to the first, and webdataset passes over all that is no
#           plain file: its sample has its other parts and no picture, or is not there at all. Nothing is said. Packed with
#           `tar --hard-dereference` both are whole.
# Source:   https://gnu.org/software/tar/manual/html_node/hard-links.html; https://docs.python.org/3/library/tarfile.html
#           (TarFile.dereference); webdataset/tariterators.py: `tar_file_iterator`. No report was found.
# Matters:  mien passed over such images too. Now they have their row, with what is wrong (src/mien/batch/sources.py).
set -euo pipefail
command -v tar > /dev/null || { echo "not checked: no tar"; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check webdataset==1.0.2 numpy==2.4.6 || { echo "not checked: no package"; exit 2; }
mkdir "$work/faces"
cd "$work/faces"
printf face > a.jpg && ln a.jpg b.jpg && ln a.jpg c.jpg || { echo "not checked: no hard links here"; exit 2; }
printf 3 > a.cls
printf 4 > b.cls
tar --sort=name -cf ../linked.tar ./*
tar --sort=name --hard-dereference -cf ../whole.tar ./*
cd "$work"
"$work/env/bin/python" - <<'PY'
import sys
import tarfile
import warnings

warnings.simplefilter("ignore")
import webdataset

with tarfile.open("added.tar", "w") as archive:
    for name in ("a.cls", "a.jpg", "b.cls", "b.jpg", "c.jpg"):
        archive.add(f"faces/{name}", name)
print("webdataset", webdataset.__version__)
same = True
for file in ("linked.tar", "added.tar", "whole.tar"):
    samples = webdataset.WebDataset(file, shardshuffle=False)
    read = {sample["__key__"].removeprefix("./"): "jpg" in sample for sample in samples}
    expected = dict.fromkeys("abc", True) if file == "whole.tar" else {"a": True, "b": False}
    same &= read == expected
    print(f"{file}: has a sample its picture? {read}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
