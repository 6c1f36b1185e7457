"""`mien doctor`: what is installed, what each missing part would add, and what mien may use of this machine."""

from __future__ import annotations

import platform

from mien import __version__
from mien.cli.options import columns, terminal


def doctor() -> None:
    """Tell what is installed, what each missing part would add, and what mien may use of this machine."""
    from mien import artifact as artifacts
    from mien.cores import cores
    from mien.installed import parts
    from mien.runtime import ort
    from mien.wording import counted

    console = terminal()
    facts = columns(("", ""), ())
    facts.show_header = False
    facts.add_row(
        "mien", f"{__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    facts.add_row("may use", f"{counted(cores(), 'core')} of this machine")
    for name in artifacts.names() or (artifacts.DEFAULT,):  # which is told where it is missing
        artifact = artifacts.read(artifacts.find(name))  # which checks that it is as it was made
        default = "; the one in use unless you name another" if name == artifacts.DEFAULT else ""
        facts.add_row(f"model {name}", f"whole: {', '.join(artifact.label_sets)}{default}")
    facts.add_row("network", f"not used; the telemetry of ONNX Runtime {ort.__version__} is off")
    console.print(facts)
    console.print()
    table = columns(("part", "", "adds"), ())
    for part in parts():
        there = f"missing: {', '.join(part.missing)}" if part.missing else "installed"
        table.add_row(part.name, there, part.adds)
    console.print(table)
    if lacking := [part.name for part in parts() if part.missing]:
        console.print(f"\nTo add a part: pip install 'mien[{lacking[0]}]'")
