"""The app in Streamlit's own test harness, with its frame: opened at a page, and turned to another."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from waiting import WAIT_S

from mien.app import settings

SCRIPT = Path(settings.__file__).with_name("script.py")


def opened(page: str = "") -> AppTest:
    """The app at the page of that address, which need not be well."""
    return turned(AppTest.from_file(str(SCRIPT), default_timeout=WAIT_S), page)


def turned(test: AppTest, page: str) -> AppTest:
    """It at the page of that address, as after a click on its link."""
    test._page_hash = calc_hash(page or "photos")  # of pages that are no files, it turns to none
    return test.run()
