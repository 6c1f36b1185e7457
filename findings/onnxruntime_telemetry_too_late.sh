#!/usr/bin/env bash
# Subject:  onnxruntime 1.31.1 on Linux, telemetry and its switches
# Guess:    disable_telemetry_events(), called at once after the import, leaves no trace. So does ORT_TELEMETRY_DISABLED=1.
# Happens:  The import alone writes an identifier of the device and a database into the user's cache, before the call can be
#           made. Of the two variables that its pull requests name, only ORT_DISABLE_TELEMETRY=1, set before the import,
#           leaves nothing. Where CI is set telemetry is off, so a test on a CI server sees none of this.
# Source:   https://github.com/microsoft/onnxruntime/pull/27379 (telemetry beyond Windows),
#           https://github.com/microsoft/onnxruntime/pull/29843 (on ORT_TELEMETRY_DISABLED). The function's docstring
#           only says that it disables telemetry.
# Matters:  mien promises that nothing is reported or written on import: src/mien/runtime.py sets the variables first.
#
# Cache and home are temporary folders here. Telemetry is on for the moments that three imports take; whether anything is
# sent is not looked at.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "$(uname -s)" = Linux ] || { echo "not checked: of Linux only"; exit 2; }
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check onnxruntime==1.31.1 || { echo "not checked: no package"; exit 2; }

# What is written in a fresh home by Python code in $1, with the variables of the other arguments and no others.
written() {
    local home code=$1
    home=$(mktemp -d -p "$work")
    shift
    env -i PATH="$PATH" HOME="$home" XDG_CACHE_HOME="$home/cache" TMPDIR="$home" "$@" "$work/env/bin/python" -c "$code"
    (cd "$home" && find . -type f | sort | tr '\n' ' ')
}

load='import onnxruntime'
ORT_DISABLE_TELEMETRY=1 "$work/env/bin/python" -c "$load; print('onnxruntime', onnxruntime.__version__)"
same=true
expect() {  # files or none, what, code, variables
    local want=$1 what=$2 files
    shift 2
    files=$(written "$@")
    echo "$what: ${files:-nothing written}"
    if [ "$want" = files ]; then [[ $files == *deviceid* ]] || same=false; else [ -z "$files" ] || same=false; fi
}
expect files "import alone" "$load"
expect files "and disable_telemetry_events() at once" "$load; onnxruntime.disable_telemetry_events()"
expect files "ORT_TELEMETRY_DISABLED=1" "$load" ORT_TELEMETRY_DISABLED=1
expect none "ORT_DISABLE_TELEMETRY=1" "$load" ORT_DISABLE_TELEMETRY=1
expect none "CI=true" "$load" CI=true
if $same; then echo "as described"; else echo "changed: see above"; exit 1; fi
