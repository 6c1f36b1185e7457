"""The app's pages; Streamlit runs this file anew for every change on them."""

from __future__ import annotations

import streamlit as st

from mien.app import about, judge, kept, live, read, samples, video, viewing
from mien.app.icon import icon
from mien.app.seen import forget
from mien.app.settings import keep_folder, notice, samples_folder, warm_up
from mien.app.show import say, style
from mien.app.words import _, language

st.set_page_config(page_title="mien", page_icon=icon(), layout="wide")
st.html(style())
# What a screen reader speaks: the page comes as English, and has no other way to say what it is.
st.html(f"<script>document.documentElement.lang = '{language()}'</script>", unsafe_allow_javascript=True)
warm_up()
showing = [st.Page(read.show, title=_("Photos"), icon=":material/add_a_photo:", default=True)]
if samples_folder():
    showing.append(st.Page(samples.show, title=_("Samples"), icon=":material/photo_library:", url_path="samples"))
videos = st.Page(video.show, title=_("Video"), icon=":material/movie:", url_path="video")
others = [
    videos,
    st.Page(live.show, title=_("Camera"), icon=":material/videocam:", url_path="live"),
    st.Page(judge.show, title=_("Judge"), icon=":material/fact_check:", url_path="judge"),
    st.Page(about.show, title=_("About"), icon=":material/info:", url_path="about"),
]
if keep_folder():
    others.insert(2, st.Page(kept.show, title=_("Kept"), icon=":material/bookmark:", url_path="kept"))
page = st.navigation([*showing, *others], position="top")
if page in others:
    forget()
if page is not videos:
    viewing.forget()
if notice():
    say(notice(), "mien-notice")
page.run()
