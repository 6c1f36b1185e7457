"""Camera: read continuously, with boxes and labels on the moving picture."""

from __future__ import annotations

import time
from collections import deque
from importlib.util import find_spec
from typing import Any

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw

from mien.answers import Found
from mien.app.show import say
from mien.app.words import _, called
from mien.crops import cut_out
from mien.draw import annotate
from mien.following import Following
from mien.fonts import drawable, font_for, lacked
from mien.image import Pixels
from mien.labels import LabelSet
from mien.picture import Picture
from mien.prediction import Prediction
from mien.recognizer import Recognizer
from mien.smoothing import Steady

OF_LATE = 30  # frames that the rate is taken over
LETTERS = 20  # px, of the rate on the moving picture
WIDE = 768  # px, of the moving picture on the page, at most
VIDEO = {"width": {"ideal": 640}}  # what is asked of a camera: larger frames come later; for a height sides are cut off


def head() -> None:
    st.title(_("Camera"))
    say(_("Each picture of the camera is read in memory and forgotten. Nothing is kept."))


def show(reader: Recognizer, labels: LabelSet, prior: str) -> None:
    if find_spec("streamlit_webrtc") is None:
        told = _("The camera needs one more package. Install it, then start the app again:")
        st.info(f"{told} `pip install 'mien[live]'`")
        return
    with st.container(width=WIDE):
        playing = _stream(reader, labels, prior)
    if not playing:
        say(_("No picture? Connect a camera. Allow this page to use it. Close other programs that use it."))


def _stream(reader: Recognizer, labels: LabelSet, prior: str) -> bool:
    """The moving picture, and whether it moves."""
    from streamlit_webrtc import webrtc_streamer

    stream = webrtc_streamer(
        key="live",  # whatever is chosen: the stream goes on with the new callback
        video_frame_callback=Frames(reader, labels, prior),
        media_stream_constraints={"video": VIDEO, "audio": False},
        rtc_configuration={"iceServers": []},  # this machine only: nobody outside is asked for the way
        async_processing=True,
        video_html_attrs={"autoPlay": True, "playsInline": True, "muted": True, "style": {"width": "100%"}},
        translations={
            "start": _("Start the camera"),
            "stop": _("Stop"),
            "select_device": _("Choose a camera"),
            "media_api_not_available": _(
                "Browsers give the camera to secure pages only. "
                "Open this page through https, or on the machine that runs mien."
            ),
            "device_ask_permission": _('Your browser asks for your permission. Choose "Allow".'),
            "device_not_available": _("Connect a camera. Then start it here."),
            "device_access_denied": _("Allow the camera for this page in your browser's settings. Then start it here."),
        },
    )
    return bool(stream.state.playing)


class Frames:
    """Draws what is read onto each frame, and how many frames a second there are."""

    def __init__(self, reader: Recognizer, labels: LabelSet, prior: str) -> None:
        self._reader = reader
        self._labels = labels
        self._prior = prior
        self._following = Following(reader.detector)
        self._steady = Steady(reader.artifact.head_for(labels).threshold)
        self._called = called(labels)
        self._times: deque[float] = deque(maxlen=OF_LATE)
        words = _("Pictures a second: %(number)s")
        self._font = font_for(words, LETTERS)
        self._words = drawable(words, lacked(words, self._font))

    def __call__(self, frame: Any) -> Any:
        import av

        image = frame.to_ndarray(format="rgb24")
        picture = annotate(image, self._read(image), self._called)
        self._times.append(time.monotonic())
        ImageDraw.Draw(picture).text((12, 8), self.rate(), "white", self._font, stroke_fill="black", stroke_width=2)
        drawn = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        drawn.pts, drawn.time_base = frame.pts, frame.time_base
        return drawn

    def _read(self, image: Pixels) -> Prediction:
        picture, now = Picture.of(Image.fromarray(image)), time.monotonic()
        cut = cut_out(picture, self._following.newest(picture, now), self._reader.preprocess)
        found = Found("camera", cut.size, cut.faces, cut.crops)
        (prediction,) = self._reader.express([found], [self._labels], self._prior)
        return self._steady(prediction, now)

    def rate(self) -> str:
        """Frames a second of late, in words; nothing before there are two."""
        if len(self._times) < 2:
            return ""
        rate = (len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6)
        return self._words % {"number": f"{rate:.0f}"}
