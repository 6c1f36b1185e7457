"""The networks that come with mien beside its models: the detector's, and what sees covers; read, and checked."""

from __future__ import annotations

import hashlib
from importlib import resources

from mien.errors import DetectorError


def weights(name: str, sha256: str) -> bytes:
    """The content of a file.

    Raises:
        DetectorError: it is missing or damaged.
    """
    try:
        content = (resources.files("mien") / "assets" / name).read_bytes()
    except OSError as error:
        raise DetectorError(f"the weights {name} are missing: reinstall mien") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DetectorError(f"the weights {name} are damaged: reinstall mien")
    return content
