"""mien reads facial expressions in images, offline, and says how sure it is.

    import mien
    prediction = mien.load().predict("photo.jpg")
    print(prediction.faces[0].expression.label)

The names below are the whole public interface; each is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # as `typing` has it, which takes longer to load than all that is here
if TYPE_CHECKING:
    from typing import Any

    from mien.detect import Detector as Detector
    from mien.draw import annotate as annotate
    from mien.errors import ImageError as ImageError
    from mien.errors import MienError as MienError
    from mien.evaluation import evaluate as evaluate
    from mien.face import Face as Face
    from mien.intake import Limits as Limits
    from mien.labels import LabelSet as LabelSet
    from mien.prediction import Expression as Expression
    from mien.prediction import Prediction as Prediction
    from mien.prediction import Reading as Reading
    from mien.recognizer import Recognizer as Recognizer
    from mien.recognizer import load as load
    from mien.sources import find_images as find_images
    from mien.tables import to_table as to_table
    from mien.timeline import Timeline as Timeline
    from mien.timeline import read_video as read_video

__version__ = "0.2.0"

_HOMES = {
    "Detector": "detect",
    "Expression": "prediction",
    "Face": "face",
    "ImageError": "errors",
    "LabelSet": "labels",
    "Limits": "intake",
    "MienError": "errors",
    "Prediction": "prediction",
    "Reading": "prediction",
    "Recognizer": "recognizer",
    "Timeline": "timeline",
    "annotate": "draw",
    "evaluate": "evaluation",
    "find_images": "sources",
    "load": "recognizer",
    "read_video": "timeline",
    "to_table": "tables",
}

__all__ = [  # noqa: RUF022 - in the order a reader needs them
    "load",
    "Recognizer",
    "Prediction",
    "Reading",
    "Expression",
    "Face",
    "LabelSet",
    "Detector",
    "Limits",
    "find_images",
    "annotate",
    "to_table",
    "read_video",
    "Timeline",
    "evaluate",
    "MienError",
    "ImageError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(import_module(f"mien.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
