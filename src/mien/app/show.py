"""How an answer looks: the photo with its faces boxed, and each face's crop, its bars, and what makes it unsure."""

from __future__ import annotations

from html import escape
from io import BytesIO

import numpy as np
import streamlit as st
from PIL import Image

from mien.app.settings import plain
from mien.draw import annotate, colour_of
from mien.image import Pixels
from mien.intake import ImageSource
from mien.prediction import Expression, Prediction, Reading, percent

LARGEST = 1280  # px, longer side of a photo on the page
CROP = 144  # px, side of a crop on the page


def annotated(image: ImageSource, prediction: Prediction, largest: int | None = None) -> bytes:
    """The photo with its faces boxed, as a JPEG; reduced to fit a square of side `largest`, if given."""
    picture = annotate(image, prediction)
    if largest is not None:
        picture.thumbnail((largest, largest), Image.Resampling.BILINEAR)
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def show_face(crop: Pixels, reading: Reading, number: int, of: int) -> None:
    """One face: what the network saw beside what it says."""
    expression = reading.expression
    left, right = st.columns([1, 3], gap="medium", vertical_alignment="center")
    with left:
        caption = "What the network saw" if of == 1 else f"Face {number + 1} of {of}"
        st.image(enlarged(crop), caption=caption, width=CROP)
    with right:
        st.html(f"{headline(expression)}{bars(expression)}")
        if expression.uncertain:
            st.warning(plain("Not sure: " + "; ".join(expression.reasons) + "."), icon=":material/help:")


def headline(expression: Expression) -> str:
    """The label and how sure it is."""
    doubt = " <span style='opacity:.65;font-weight:400'>perhaps</span>" if expression.uncertain else ""
    return (
        f"<p style='font-size:1.35rem;font-weight:600;margin:0 0 .4rem'>{escape(expression.label)}{doubt} "
        f"<span style='opacity:.65;font-weight:400'>{percent(expression.confidence)}</span></p>"
    )


def bars(expression: Expression) -> str:
    """Probabilities as a bar chart that a screen reader can read."""
    rows = []
    for emotion, p in expression.probabilities.items():
        weight = 600 if emotion == expression.label else 400
        colour = "#{:02x}{:02x}{:02x}".format(*colour_of(emotion))
        rows.append(
            f"<tr><th scope=row style='text-align:left;font-weight:{weight};padding:.1rem .75rem .1rem 0;width:6.5rem'>"
            f"{escape(emotion)}</th><td style='width:100%'><div style='background:rgba(128,128,128,.15);"
            f"border-radius:.3rem'><div style='width:{100 * p:.1f}%;min-width:2px;height:.85rem;background:{colour};"
            "border-radius:.3rem;box-shadow:inset 0 0 0 1px rgba(0,0,0,.15)'></div></div></td>"
            f"<td style='text-align:right;padding-left:.75rem;font-variant-numeric:tabular-nums'>{percent(p)}</td></tr>"
        )
    return f"<table style='border-collapse:collapse;width:100%;font-size:.95rem'>{''.join(rows)}</table>"


def enlarged(crop: Pixels) -> Pixels:
    """A crop at the size it has on the page, its pixels to be seen."""
    resampling = Image.Resampling.NEAREST if crop.shape[0] < CROP else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(crop).resize((2 * CROP, 2 * CROP), resampling))
