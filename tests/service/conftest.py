"""A real server for every test here; see `served`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from served import Served, serving


@pytest.fixture(scope="session")
def serve() -> Callable[..., AbstractContextManager[Served]]:
    return serving


@pytest.fixture(scope="module")
def service() -> Iterator[Served]:
    """A service as it comes."""
    with serving() as served:
        yield served
