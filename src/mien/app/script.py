"""The app's frame, into which each page is drawn; Streamlit runs this file anew for every change on them.

What every page remembers is asked here and handed to the page: when a page is left, browsers send what was chosen in
the frame along, and not what was chosen on the page. A page's `head` stands above what is asked, `show` below.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from mien.app import about, judge, kept, live, read, samples, video, viewing
from mien.app.icon import icon
from mien.app.seen import forget
from mien.app.settings import choose, choose_model, keep_folder, notice, samples_folder, warm_up
from mien.app.show import say, style
from mien.app.words import _, language
from mien.labels import LabelSet
from mien.recognizer import Recognizer

st.set_page_config(page_title="mien", page_icon=icon(), layout="wide")
st.html(style())
# What a screen reader speaks: the page comes as English, and has no other way to say what it is.
st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
warm_up()
# What pages are drawn with; it is asked below, above the page.
reader: Recognizer
labels: LabelSet
prior: str
folder: Path | None
photos = st.Page(
    lambda: read.show(reader, labels, prior, folder),
    title=_("Photos"),
    icon=":material/add_a_photo:",
    url_path="photos",
    default=True,
)
gallery = st.Page(
    lambda: samples.show(reader, labels, prior, folder),
    title=_("Samples"),
    icon=":material/photo_library:",
    url_path="samples",
)
videos = st.Page(
    lambda: video.show(reader, labels, prior, folder), title=_("Video"), icon=":material/movie:", url_path="video"
)
camera = st.Page(
    lambda: live.show(reader, labels, prior), title=_("Camera"), icon=":material/videocam:", url_path="live"
)
saved = st.Page(kept.show, title=_("Kept"), icon=":material/bookmark:", url_path="kept")
judging = st.Page(lambda: judge.show(reader), title=_("Judge"), icon=":material/fact_check:", url_path="judge")
telling = st.Page(lambda: about.show(reader), title=_("About"), icon=":material/info:", url_path="about")
heads = {photos: read.head}
if samples_folder():
    heads[gallery] = samples.head
heads |= {videos: video.head, camera: live.head}
if keep_folder():
    heads[saved] = kept.head
heads |= {judging: judge.head, telling: about.head}
page = st.navigation(list(heads), position="top")
if page not in (photos, gallery):
    forget()
if page is not videos:
    viewing.forget()
if notice():
    say(notice(), "mien-notice")
heads[page]()
if page in (judging, telling):
    reader = choose_model()
elif page is not saved:
    reader, labels, prior = choose()
if page in (photos, gallery, videos):
    folder = kept.wanted()
page.run()
