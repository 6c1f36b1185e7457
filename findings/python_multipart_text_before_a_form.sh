#!/usr/bin/env bash
# Subject:  python-multipart 0.0.34, which FastAPI and Starlette read forms by: a form that does not begin with its boundary
# Guess:    What stands before the first boundary is passed over, as is what stands behind the last; blanks behind a boundary
#           and headers of two lines are taken.
# Happens:  Each of these three raises; only text behind the last boundary is passed over. So a form that Python's own
#           email.mime writes, whose headers come first, is none.
# Source:   RFC 2046, 5.1.1 ("implementations must ignore anything that appears before the first boundary delimiter line or after
#           the last one"; "receivers MUST be able to handle padding"). Of the first, a change that was not yet made:
#           https://github.com/Kludex/python-multipart/pull/260. Of the others nothing was found.
# Matters:  The service answers such a form with 400, `malformed-body` (src/mien/service/uploads.py: `_multipart`).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check python-multipart==0.0.34 || { echo "not checked: no package"; exit 2; }
"$work/env/bin/python" - <<'PY'
import logging
import sys
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.policy import HTTP
from importlib.metadata import version

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser

logging.disable()
FORM = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n--b--\r\n'


def written():
    """The same form by email.mime."""
    form, part = MIMEMultipart("form-data", boundary="b", policy=HTTP), Message(HTTP)
    part["Content-Disposition"] = 'form-data; name="a"'
    part.set_payload("value")
    form.attach(part)
    return form.as_bytes()


def read(body):
    """The form's value, or why there is none."""
    values = []
    try:
        parser = MultipartParser(b"b", {"on_part_data": lambda data, start, end: values.append(data[start:end])})
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        return f"raises: {error}"
    return b"".join(values).decode()


CASES = (
    ("as browsers send it", FORM, True),
    ("text behind it", FORM + b"text", True),
    ("text before it", b"text\r\n" + FORM, False),
    ("by email.mime", written(), False),
    ("a blank behind the first boundary", FORM.replace(b"--b\r\n", b"--b \r\n", 1), False),
    ("a header of two lines", FORM.replace(b"; name", b";\r\n name"), False),
)
print("python-multipart", version("python-multipart"))
same = True
for name, body, taken in CASES:
    told = read(body)
    same &= (told == "value") is taken and (taken or told.startswith("raises"))
    print(f"{name}: {told}")
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
