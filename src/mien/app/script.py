"""The app's pages; Streamlit runs this file anew for every change on them."""

from __future__ import annotations

import streamlit as st

from mien.app import about, judge, live, read, samples
from mien.app.icon import icon
from mien.app.settings import samples_folder, warm_up

st.set_page_config(page_title="mien", page_icon=icon(), layout="centered")
warm_up()
pages = [
    st.Page(read.show, title="Read", icon=":material/add_a_photo:", url_path="read", default=True),
    st.Page(live.show, title="Live", icon=":material/videocam:", url_path="live"),
    st.Page(judge.show, title="Judge", icon=":material/fact_check:", url_path="judge"),
    st.Page(about.show, title="About", icon=":material/info:", url_path="about"),
]
if samples_folder():
    pages.insert(1, st.Page(samples.show, title="Samples", icon=":material/photo_library:", url_path="samples"))
st.navigation(pages, position="top").run()
