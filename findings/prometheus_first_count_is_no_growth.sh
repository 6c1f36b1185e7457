#!/usr/bin/env bash
# Subject:  prometheus_client 0.26.0, a counter with labels, and what Prometheus makes of its first count (Debian's, 2.42; needs
#           `prometheus`, or `apt-get` to download it)
# Guess:    A counter that is declared is exported at 0, as one without labels is, and an alert on `increase(errors_total[1m]) > 0` goes
#           off with the first error.
# Happens:  With labels nothing is exported until something is counted: the series begins at 1. `increase` tells how far it went since
#           its first sample, which is 0: the first error of a kind goes unseen, and so does the only one. Where
#           `errors.labels("internal")` was called once, before anything was counted, it is seen.
# Source:   https://prometheus.github.io/client_python/instrumenting/labels/ ("Metrics with labels are not initialized when declared");
#           https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics;
#           https://github.com/prometheus/prometheus/issues/1853, closed
# Matters:  So it was with mien's own `mien_errors_total{kind="internal"}`. Now all kinds and causes are there from the start
#           (src/mien/service/metrics.py).
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
chmod 755 .
if ! server=$(command -v prometheus); then
  apt-get download -q prometheus > apt.log 2>&1 && dpkg -x prometheus_*.deb . || { echo "not checked: no Prometheus"; exit 2; }
  server=$work/usr/bin/prometheus
fi
python3 -m venv env
env/bin/pip install -q --disable-pip-version-check prometheus-client==0.26.0 || { echo "not checked: no package"; exit 2; }
cat > counted.py <<'PY'
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from socket import socket
from subprocess import DEVNULL, Popen, run
from urllib.parse import quote
from urllib.request import urlopen

from prometheus_client import CollectorRegistry, Counter, generate_latest, start_http_server

SERVER = sys.argv[1]
registry = CollectorRegistry()
bare = Counter("bare", "Without labels", registry=registry)
declared = Counter("declared", "With labels", ["kind"], registry=registry)
begun = Counter("begun", "With labels, begun", ["kind"], registry=registry)
begun.labels("internal")


def port():
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def asked(at, query):
    """The one value of an answer, or None."""
    with urlopen(f"http://127.0.0.1:{at}/api/v1/query?query={quote(query)}") as answer:
        found = json.load(answer)["data"]["result"]
    return float(found[0]["value"][1]) if found else None


def waited(at, query, least):
    """Wait until Prometheus says so much."""
    for _ in range(300):
        try:
            if (asked(at, query) or 0) >= least:
                return
        except OSError:
            pass
        time.sleep(0.2)
    print("not checked: Prometheus does not answer")
    sys.exit(2)


exported = [line for line in generate_latest(registry).decode().splitlines() if "_total" in line and not line.startswith("#")]
mine, theirs = port(), port()
start_http_server(mine, "127.0.0.1", registry)
Path("config.yml").write_text(
    f"scrape_configs: [{{job_name: it, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{{targets: ['127.0.0.1:{mine}']}}]}}]"
)
options = ["--config.file=config.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{theirs}"]
served = Popen([SERVER, *options], stdout=DEVNULL, stderr=DEVNULL)
try:
    waited(theirs, "count_over_time(bare_total[1m])", 3)
    for counter in (bare, declared.labels("internal"), begun.labels("internal")):
        counter.inc()
    waited(theirs, "count_over_time(declared_total[1m])", 4)
    told = run([SERVER, "--version"], capture_output=True, text=True)
    print("prometheus_client", version("prometheus_client"), "-", (told.stdout + told.stderr).split(" (")[0])
    print("before the first count:", "; ".join(exported))
    grown = {name: asked(theirs, f"increase({name}_total[1m])") for name in ("bare", "declared", "begun")}
    counts = {name: asked(theirs, f"{name}_total") for name in grown}
finally:
    served.terminate()
    served.wait()
for name, growth in grown.items():
    print(f"{name}: counted {counts[name]:g}, increase() {'more than 0' if growth else growth}")
same = exported == ["bare_total 0.0", 'begun_total{kind="internal"} 0.0'] and set(counts.values()) == {1}
same &= grown["declared"] == 0 and grown["bare"] > 0.5 and grown["begun"] > 0.5
print("as described" if same else "changed: see above")
sys.exit(not same)
PY
env/bin/python counted.py "$server"
