"""Kept: what a person says of a face that was read, kept where the app may and the person wants it; and all that is.

Where the app was not started with a folder for it, there is no such thing on any page.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from mien.app.settings import keep_folder, told
from mien.app.show import fault, say
from mien.app.words import _, ngettext, said
from mien.corrections import NOT_A_FACE, TABLE, Kept, forget, keep, kept, name_of
from mien.errors import ImageError
from mien.image import Pixels, read_image
from mien.prediction import Expression, Reading

A_PAGE = 12
WIDE = 96, 200  # px, of a face and of what is said of it


def wanted() -> Path | None:
    """The folder for faces that a person corrects, where there is one and the person turns keeping on. Every page
    remembers it."""
    folder = keep_folder()
    if folder is None:
        return None
    on = st.toggle(_("Keep the faces that I correct"), key="keeping", persist_state="session")
    say(
        _(
            "While this is on, mien saves the faces that you correct: the small picture that it sees, what it said, "
            "what you say, and when. It saves no photo and no file name. The folder is %(folder)s, on the machine that "
            "runs mien. Everyone who opens this app can see and delete what is kept.",
            folder=folder,
        )
    )
    return folder if on else None


def correct(
    folder: Path, crops: Sequence[Pixels], readings: Sequence[Reading], numbers: Sequence[int], of: str, model: str
) -> None:
    """Let a person say what faces are.

    Args:
        folder: see `wanted`.
        crops: what the model saw of each.
        readings: what is said of each.
        numbers: of the faces on the page.
        of: tells what they are on from all else on the page.
        model: whose answers they are.
    """
    with told():
        before = {face.name: face for face in kept(folder)}
    for crop, reading, number in zip(crops, readings, numbers, strict=True):
        words = _("Face %(number)s is actually", number=number) if len(crops) > 1 else _("This face is actually")
        name = name_of(crop)
        label = before[name].label if name in before else None
        key = f"actually {of} {number} {name}"
        options = [*reading.expression.probabilities, NOT_A_FACE]
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.menu_button(
                words,
                options,
                key=key,
                on_click=_keep,
                args=(key, folder, crop, reading.expression, model),
                format_func=in_words,
            )
            deleted = label is not None and _delete(number, f"{of} {number}")
        if label is not None:
            say(_("This face is kept: %(label)s.", label=in_words(label)))
        if deleted:
            with told():
                forget(folder, [name])
            st.rerun()


def _keep(key: str, folder: Path, crop: Pixels, said: Expression, model: str) -> None:
    """Keep what was just chosen, before a page is drawn: whoever leaves soon is on another one by then."""
    with told(ends=False):
        keep(folder, crop, said, st.session_state[key], model)


def head() -> None:
    st.title(_("Kept faces"))


def show() -> None:
    folder = keep_folder()
    with told():
        faces = kept(folder) if folder else ()
    if not folder or not faces:
        say(_("No face is kept."))
        return
    right = sum(face.said == face.label for face in faces)
    say(
        ngettext(
            "%(num)s face is kept in %(folder)s.", "%(num)s faces are kept in %(folder)s.", len(faces), folder=folder
        )
    )
    say(_("mien had read %(right)s of them as you do.", right=right))
    say(
        _(
            "Tell it of faces that it read right as well. Where only mistakes are kept, any other model looks better "
            "than it is."
        )
    )
    pages = -(-len(faces) // A_PAGE)
    number = st.pagination(pages, key="kept page") if pages > 1 else 1
    first = (number - 1) * A_PAGE
    with st.container(horizontal=True):
        for place, face in enumerate(faces[first : first + A_PAGE], first + 1):
            _face(folder, face, place)
    with st.popover(_("Delete all"), icon=":material/delete_forever:"):
        say(_("This deletes the pictures and their lines in %(table)s. You cannot get them back.", table=TABLE))
        if st.button(_("Delete all kept faces"), key="delete all"):
            with told():
                forget(folder)
            st.rerun()
    st.header(_("Make it yours"), anchor=False)
    say(_("Train a model on them, and see whether it is better. Where mien is installed, run:"))
    data = shlex.quote(str(folder))
    st.code(
        f"mien train transfer --data {data} --from small --out runs/mine\n"
        f"mien export runs/mine --out mine\n"
        f"mien compare small mine --data {data}",
        language=None,
        wrap_lines=True,
    )


def in_words(label: str) -> str:
    """What a person may say of a face."""
    return _("not a face") if label == NOT_A_FACE else said(label)


def _face(folder: Path, face: Kept, number: int) -> None:
    with st.container(width=WIDE[1]):
        label, before = in_words(face.label), said(face.said)
        try:
            picture = read_image(face.path)
        except ImageError as error:
            st.html(fault(str(error)))
        else:
            st.image(picture, width=WIDE[0], alt=_("Face %(number)s, as mien sees it", number=number))
        say(_("%(number)s: %(label)s. mien said %(before)s.", number=number, label=label, before=before))
        # In two places: the second of two clicks would hit the face that takes this one's place.
        words = _("Delete face %(number)s", number=number)
        with st.popover(words, icon=":material/delete:", key=f"about to delete {face.name}"):
            deleted = _delete(number, f"kept {face.name}")
        if deleted:
            with told():
                forget(folder, [face.name])
            st.rerun()


def _delete(number: int, of: str) -> bool:
    words = _("Delete face %(number)s", number=number)
    return st.button(words, key=f"delete {of}", icon=":material/delete:")
