"""Where the tests' data is, for every test; and no test is skipped where CI=true: there a skip is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TypeVar

import pytest

Export = Callable[[str, int], Path]
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.fixture(scope="session")
def data() -> Path:
    """The development data: MIEN_DATA, or else `shared/data` beside the checkout."""
    folder = Path(os.environ.get("MIEN_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no development data in {folder}: set MIEN_DATA")
    return folder


@pytest.fixture(scope="session")
def media(data: Path) -> Path:
    """Photos and clips."""
    return data / "media"


@pytest.fixture(scope="session")
def fer2013(data: Path) -> Path:
    """`train.parquet` and `valid.parquet`."""
    return data / "fer2013"


@pytest.fixture(scope="session")
def exported(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Export:
    """Writes the data in a form that users download: `exported("csv", 50)` holds each split's first 50 rows."""
    made: dict[tuple[str, int], Path] = {}

    def export(form: str, limit: int) -> Path:
        if (form, limit) not in made:
            out = tmp_path_factory.mktemp(form)
            subprocess.run([sys.executable, data / "export.py", form, out, "--limit", str(limit)], check=True)
            made[form, limit] = out
        return made[form, limit]

    return export


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _failed_if_skipped((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _failed_if_skipped((yield))


def _failed_if_skipped(report: Report) -> Report:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped, and CI=true: {reason}"
    return report
