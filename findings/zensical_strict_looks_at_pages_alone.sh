#!/usr/bin/env bash
# Subject:  zensical 0.0.73, `zensical build --strict`
# Guess:    A site that leads to what is not there is refused: "Zensical validates all internal links at build time".
# Happens:  Links to pages and their anchors are looked at, no others: a picture or a file that is missing, and a page that the
#           navigation names and nobody wrote, pass with "No issues found" and code 0. MkDocs, whose settings it reads, refuses these.
# Source:   https://zensical.org/docs/setup/validation/
# Matters:  A renamed picture would be a hole in the site. tests/test_docs.py looks whether every link leads somewhere, and
#           whether pages and navigation agree.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check zensical==0.0.73 || { echo "not checked: no package"; exit 2; }
cd "$work"
"$work/env/bin/pip" list --disable-pip-version-check 2> /dev/null | grep zensical
mkdir docs
changed=0

# What is missing, the page, the settings beside the site's name, and the code that is described.
tried() {
    printf '# Page\n\n%s\n' "$2" > docs/index.md
    printf '[project]\nsite_name = "site"\n%s\n' "$3" > zensical.toml
    code=0
    NO_COLOR=1 "$work/env/bin/zensical" build --clean --strict > told 2>&1 || code=$?
    echo "$1: $(grep -E '^(No|[0-9]+) issues? found' told || tail -n 1 told), code $code"
    [ "$code" = "$4" ] || changed=1
}
tried "nothing" "Words." "" 0
tried "a page" "[words](gone.md)" "" 1
tried "an anchor" "[words](#gone)" "" 1
tried "a picture" "![words](gone.png)" "" 0
tried "a file" "[words](gone.csv)" "" 0
tried "a page of the navigation" "Words." 'nav = [{ "Page" = "index.md" }, { "Gone" = "gone.md" }]' 0
[ "$changed" = 0 ] && echo "as described" || echo "changed: see above"
exit "$changed"
