"""Live: the camera, continuously, with boxes and labels on the moving picture."""

from __future__ import annotations

import time
from collections import deque
from importlib.util import find_spec
from typing import Any

import numpy as np
import streamlit as st
from PIL import ImageDraw

from mien.app.settings import choose
from mien.draw import annotate
from mien.labels import LabelSet
from mien.recognizer import Recognizer

OF_LATE = 30  # frames that the rate is taken over


def show() -> None:
    st.title("Live")
    st.caption("Frames are read in memory as they come, and forgotten.")
    reader, labels = choose()
    if find_spec("streamlit_webrtc") is None:
        st.info("The camera needs one more package: `pip install 'mien[live]'`, then start the app again.")
        return
    from streamlit_webrtc import webrtc_streamer

    webrtc_streamer(
        key=f"live {reader.artifact.manifest.sha256} {labels.name}",
        video_frame_callback=Frames(reader, labels),
        media_stream_constraints={"video": True, "audio": False},
        rtc_configuration={"iceServers": []},  # this machine only: nobody outside is asked for the way
        async_processing=True,
    )


class Frames:
    """Draws what is read onto each frame, and how many frames a second there are."""

    def __init__(self, reader: Recognizer, labels: LabelSet) -> None:
        self._reader = reader
        self._labels = labels
        self._times: deque[float] = deque(maxlen=OF_LATE)

    def __call__(self, frame: Any) -> Any:
        import av

        image = frame.to_ndarray(format="rgb24")
        prediction = self._reader.predict(image, labels=self._labels, crop="detect")
        picture = annotate(image, prediction)
        self._times.append(time.monotonic())
        ImageDraw.Draw(picture).text((12, 8), self.rate(), "white", font_size=20, stroke_fill="black", stroke_width=2)
        drawn = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
        drawn.pts, drawn.time_base = frame.pts, frame.time_base
        return drawn

    def rate(self) -> str:
        """Frames a second of late, in words; nothing before there are two."""
        if len(self._times) < 2:
            return ""
        return f"{(len(self._times) - 1) / max(self._times[-1] - self._times[0], 1e-6):.0f} frames a second"
