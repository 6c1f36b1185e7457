"""The page of videos: read in a thread, told once, joined by hand, taken along; run by Streamlit's own test harness."""

from __future__ import annotations

import gc
import io
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import paged
import pandas as pd
import pytest
import streamlit as st
from filmed import Film
from streamlit.testing.v1 import AppTest
from waiting import WAIT_S
from walking import HAPPY, SAD, Block, Blocks, drawn, filmed

import mien
from mien import corrections
from mien.app import chart, settings, show, taking, video, viewing
from mien.app.viewing import Viewing
from mien.labels import FER7, HAPPY_SAD
from mien.prior import TRAINING
from mien.recognizer import Recognizer, load
from mien.video import frames
from mien.watching import Moment, watch

Toy = Callable[..., Path]
Open = Callable[..., AppTest]

LEFT, RIGHT = (30, HAPPY), (100, SAD)


def scene(number: int) -> list[Block]:
    """One at the left, who is happy, leaves, and comes back as another; one at the right all the time but the end."""
    if number >= 75:
        return []
    return [LEFT, RIGHT] if number < 20 or number >= 55 else [RIGHT]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filmed(tmp_path_factory.mktemp("clip") / "me.mp4", [drawn(scene(number)) for number in range(80)])


@pytest.fixture(scope="module")
def model(toy: Toy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    heads = {"happy-sad": HAPPY_SAD.emotions, "fer7": FER7.emotions}
    return toy(tmp_path_factory.mktemp("model") / "toy", heads)


@pytest.fixture(scope="module")
def reader(model: Path) -> Recognizer:
    return mien.load(model, detector=Blocks())


@pytest.fixture
def page(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """The page as it is opened first, or with a video that was read."""
    monkeypatch.setenv(settings.MODEL, str(model))
    monkeypatch.setattr(settings, "load", partial(load, detector=Blocks()))
    settings._loaded.clear()

    def opened(content: bytes | None = None, name: str = "me.mp4", every: str = "all") -> AppTest:
        test = paged.opened("video")
        test.selectbox(key="every").set_value(every).run()
        if content is not None:
            test.file_uploader(key="video").set_value((name, content, "video/mp4"))
            read(test.run())
        assert not test.exception
        return test

    yield opened
    settings._loaded.clear()


def read(test: AppTest) -> AppTest:
    """The page when its video is read."""
    assert kept(test).wait(WAIT_S)
    run: AppTest = test.run()
    assert not run.exception
    return run


def kept(test: AppTest) -> Viewing:
    found: Viewing = test.session_state["viewing"]
    return found


def html(test: AppTest) -> str:
    return " ".join(str(each.value) for each in test.html)


def table(test: AppTest) -> list[list[str]]:
    """The last table on the page."""
    *_, last = re.findall(r"<table>(.*?)</table>", html(test).split("class=mien-table")[-1])
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in last.split("<tr>")[1:]]


def charts(test: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in test.get("vega_lite_chart")]


def test_nothing_chosen_is_nothing_read(page: Open) -> None:
    test = page()
    assert [each.value for each in test.title] == ["Who looked how, and when?"]
    assert "viewing" not in test.session_state
    assert not test.download_button
    assert not test.error


def test_a_video_and_what_it_comes_to(page: Open, clip: Path, reader: Recognizer) -> None:
    test = page(clip.read_bytes())
    answers = kept(test).told(HAPPY_SAD, TRAINING)
    expected = mien.read_video(clip, model=reader, labels=HAPPY_SAD)
    assert [row | {"source": ""} for row in answers.timeline.rows] == [row | {"source": ""} for row in expected.rows]
    assert {row["source"] for row in answers.timeline.rows} == {"me.mp4"}
    head, *rows = table(test)
    assert head == ["Face", "Seen", "happy", "sad", "Changes", "Confidence", "Not sure"]
    assert [row[:4] for row in rows] == [
        ["0", "0.8 s", "100%", "0%"],
        ["1", "3.0 s", "0%", "100%"],
        ["2", "0.8 s", "100%", "0%"],
    ]
    assert len(charts(test)) == 3
    assert "Face 1: mostly sad" in html(test)
    assert [button.label for button in test.download_button] == [
        *(f"Every row, as {form}" for form in ("Parquet", "CSV", "JSON")),
        *("Sums, as CSV", "Events, as CSV", "Captions (.srt)", "Captions (.vtt)"),
    ]


@pytest.mark.parametrize(("every", "frames"), [("five", 16), ("one", 4), ("all", 80)])
def test_so_many_pictures_are_read(every: str, frames: int, page: Open, clip: Path) -> None:
    test = page(clip.read_bytes(), every=every)
    rows = kept(test).told(HAPPY_SAD, TRAINING).timeline.rows
    assert len({row["frame"] for row in rows}) == frames


def test_a_path_is_read_as_an_upload_is(page: Open, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for most, held in ((video.HELD, True), (0, False)):
        monkeypatch.setattr(video, "HELD", most)
        test = page()
        test.segmented_control(key="video from").set_value("path").run()
        test.text_input(key="video path").set_value(f" {clip} ").run()
        assert isinstance(kept(read(test)).source, bytes) == held
        assert ("too large for the player" in html(test)) != held
        assert len(charts(test)) == 3
        test.text_input(key="video path").set_value(str(clip.with_name("none.mp4"))).run()
        assert "There is no file" in test.error[0].value


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a video was watched, and told anew."""
    calls: Counter[str] = Counter()

    def counting(name: str) -> None:
        own = getattr(viewing, name)

        def count(*arguments: Any) -> Any:
            calls[name] += 1
            return own(*arguments)

        monkeypatch.setattr(viewing, name, count)

    counting("watch")
    counting("retold")
    return calls


def test_nothing_is_read_twice(page: Open, clip: Path, reader: Recognizer, watched: Counter[str]) -> None:
    test = page(clip.read_bytes())
    test.run()
    assert watched == {"watch": 1}
    test.selectbox(key="labels").set_value("fer7").run()
    test.run()
    assert watched == {"watch": 1, "retold": 1}
    answers = kept(test).told(FER7, TRAINING)
    expected = mien.read_video(clip, model=reader, labels=FER7).rows
    assert [row | {"source": ""} for row in answers.timeline.rows] == [row | {"source": ""} for row in expected]
    assert table(test)[0][2:9] == list(FER7)
    test.selectbox(key="every").set_value("one").run()
    read(test)
    assert watched["watch"] == 2


def test_the_moment_that_is_looked_at(page: Open, clip: Path) -> None:
    test = page(clip.read_bytes())
    assert test.slider[0].value == 0.0
    assert "<h2>0:00.0</h2>" in html(test)
    assert len(re.findall("class='mien-box", html(test))) == 2
    test.slider[0].set_value(1.3).run()
    assert "<h2>0:01.3</h2>" in html(test)
    assert (
        re.findall(r"class='mien-box n(\d+)", html(test)) == re.findall(r"class='mien-card n(\d+)", html(test)) == ["1"]
    )
    assert [each["layer"][3]["data"]["values"][0]["start"] for each in charts(test)] == [1.3] * 3
    (player,) = test.get("video")
    assert player.proto.start_time == 1
    test.slider[0].set_value(3.1).run()
    assert "No face was found." in html(test)
    assert not test.exception


def test_the_first_moment_may_be_one_that_rows_round(page: Open) -> None:
    """The first frame of a stream with sound is at .0613333 s, and its rows say .061333."""
    walk = [drawn([LEFT]) for _ in range(10)]
    test = page(Film(walk, [40 * at for at in range(1, 11)], form="mpegts", sound_s=0.5).made(), "me.ts")
    first = kept(test).told(HAPPY_SAD, TRAINING).moments[0].time_s
    assert 0 < round(first, 6) < first
    assert test.slider[0].value == first


def test_a_click_is_the_moment(page: Open, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    viewed = kept(page(clip.read_bytes()))
    state: dict[str, Any] = {"none": {"selection": {}}}
    state |= {name: {"selection": {"point": [{"middle": at}]}} for name, at in (("one", 2.4), ("last", 3.19))}
    monkeypatch.setattr(st, "session_state", state)
    for track, (name, moment_s) in enumerate({"none": None, "one": 2.4, "last": 3.16}.items()):
        video._click(viewed, track, name)
        assert state.get(f"moment {viewed.number}") == moment_s
    assert viewed.clicks == {1: 1, 2: 1}


def test_faces_of_one_person_are_joined_by_hand(page: Open, clip: Path) -> None:
    test = page(clip.read_bytes())
    assert test.button(key="join").disabled
    test.multiselect[0].set_value([0, 1]).run()
    test.button(key="join").click().run()
    assert [each.value for each in test.error] == [
        "Two of these faces are seen at one time. They are not one person's."
    ]
    test.multiselect[0].set_value([0, 2]).run()
    test.button(key="join").click().run()
    assert not test.error
    assert [row[:2] for row in table(test)[1:]] == [["0", "1.6 s"], ["1", "3.0 s"]]
    assert "Joined: 0 + 2" in html(test)
    assert len(charts(test)) == 2
    answers = kept(test).told(HAPPY_SAD, TRAINING)
    assert {row["track"] for table_ in (answers.timeline, answers.events) for row in table_.rows} - {None} == {0, 1}
    assert b"track 2" not in taking.captioned(answers.events, ".srt")
    test.slider[0].set_value(2.8).run()
    assert re.findall(r"class='mien-box n(\d+)", html(test)) == ["0", "1"]
    test.button(key="separate").click().run()
    assert len(charts(test)) == 3


def test_faces_of_a_frame_are_corrected(
    page: Open, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(settings.KEEP, str(tmp_path / "faces"))
    test = page(clip.read_bytes())
    assert corrections.kept(tmp_path / "faces") == ()
    test = test.toggle(key="keeping").set_value(True).run()
    asked = test.menu_button
    assert [each.label for each in asked] == ["Face 0 is actually", "Face 1 is actually"]
    test = asked[0].click("sad").run()
    assert not test.exception
    assert [(each.said, each.label) for each in corrections.kept(tmp_path / "faces")] == [("happy", "sad")]


def test_files_are_those_of_the_library(page: Open, clip: Path) -> None:
    answers = kept(page(clip.read_bytes())).told(HAPPY_SAD, TRAINING)
    timeline = answers.timeline
    assert json.loads(taking.filed(timeline, "json")) == timeline.rows
    assert pd.read_parquet(io.BytesIO(taking.filed(timeline, "parquet")))["track"].max() == 2
    assert taking.filed(answers.events, "csv").decode().splitlines()[0].startswith("source,track,label,onset_s")
    assert taking.captioned(answers.events, ".vtt").startswith(b"WEBVTT")


def test_a_marked_copy_is_made_when_it_is_asked_for(page: Open, clip: Path) -> None:
    test = page(clip.read_bytes())
    test.button(key="make a copy").click().run()
    assert not test.exception
    assert test.download_button[-1].label == "The marked copy (.webm)"
    copy = kept(test).copy
    assert copy is not None
    assert copy[1].startswith(b"\x1a\x45\xdf\xa3")
    with frames(io.BytesIO(copy[1])) as marked:
        assert len(list(marked)) == 80
    test.selectbox(key="labels").set_value("fer7").run()
    assert test.download_button[-1].label == "Captions (.vtt)"


def test_what_a_marked_copy_lacks_of_the_sound_is_told(page: Open) -> None:
    made = Film([drawn([LEFT])] * 10, form="matroska", sound_s=0.4).made()
    test = page(made.replace(b"A_OPUS", b"A_OPUX"), "me.mkv")
    test.button(key="make a copy").click().run()
    assert not test.exception
    assert test.download_button[-1].label == "The marked copy (.webm)"
    (fault,) = re.findall(r"<p class=mien-fault[^>]*>(.*?)</p>", html(test))
    assert "The copy lacks some of the sound." in fault
    assert "coded in a way that this FFmpeg does not decode" in fault


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no video at all", "This video cannot be read."),
        (None, "From 0:0"),
    ],
)
def test_what_cannot_be_read_is_told(content: bytes | None, told: str, page: Open, clip: Path) -> None:
    torn = Film([drawn(scene(number)) for number in range(50)], form="matroska", options={"qp": "0"}).made()
    test = page(content or torn[: int(0.7 * len(torn))])
    (fault,) = re.findall(r"<p class=mien-fault[^>]*>(.*?)</p>", html(test))
    assert told in fault
    assert bool(test.download_button) == (content is None)


def test_a_video_without_faces(page: Open) -> None:
    test = page(Film([drawn([])] * 5, options={"preset": "ultrafast"}).made())
    assert "No face was found." in html(test)
    assert not charts(test)
    assert test.download_button[0].label == "Every row, as Parquet"


def test_what_goes_wrong_in_the_thread_is_told(page: Open, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*_: object) -> Iterator[Moment]:
        raise OSError("the disk is gone")
        yield

    monkeypatch.setattr(viewing, "watch", refusing)
    test = page(clip.read_bytes())
    assert [each.value for each in test.error] == ["the disk is gone"]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Videos whose second frame is not read before this is set."""
    going = threading.Event()

    def waiting(*arguments: Any) -> Iterator[Moment]:
        for number, each in enumerate(item for item in watch(*arguments) if isinstance(item, Moment)):
            if number == 1:
                assert going.wait(WAIT_S)
            yield each

    monkeypatch.setattr(viewing, "watch", waiting)
    return going


def test_it_is_told_how_far_it_is_and_can_be_stopped(page: Open, clip: Path, slow: threading.Event) -> None:
    test = page()
    test.file_uploader(key="video").set_value(("me.mp4", clip.read_bytes(), "video/mp4")).run()
    viewed = kept(test)
    while not viewed.newest(1):
        assert not viewed.wait(0.05)
    test.run()
    assert not test.exception
    assert [[cell.removesuffix("?") for cell in row] for row in table(test)] == [
        ["Time", "Face", "Expression", "Confidence"],
        ["0:00.0", "1", "sad", percents := table(test)[1][3]],
        ["0:00.0", "0", "happy", percents],
    ]
    assert not charts(test)
    test.button(key="stop reading").click().run()
    slow.set()
    read(test)
    assert "You see the video up to 0:00.0. The rest was not read." in html(test)
    assert not viewed.whole
    assert {row[0] for row in table(test)[1:]} == {"0", "1"}


def test_no_more_is_kept_than_there_is_room_for(page: Open, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (viewing, video):
        monkeypatch.setattr(module, "MOST", 10)
    test = page(clip.read_bytes())
    assert len(kept(test).told(HAPPY_SAD, TRAINING).timeline) == 10
    assert "This page keeps no more." in html(test)


def test_a_video_ends_with_its_page(reader: Recognizer, clip: Path, slow: threading.Event) -> None:
    before = set(threading.enumerate())
    viewed = Viewing("key", reader, clip, "me.mp4", HAPPY_SAD, TRAINING, None)
    work = viewed._work
    del viewed
    gc.collect()
    assert work.stopped.is_set()
    slow.set()
    assert work.ended.wait(WAIT_S)
    assert len(work.moments) < 80
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT_S)


def test_another_page_forgets_it(monkeypatch: pytest.MonkeyPatch, reader: Recognizer, clip: Path) -> None:
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    viewing.forget()
    state["viewing"] = viewed = Viewing("key", reader, clip, "me.mp4", HAPPY_SAD, TRAINING, None)
    viewing.forget()
    assert state == {}
    assert viewed.wait(WAIT_S)


def test_what_it_needs_is_told_where_it_is_missing(page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video, "find_spec", lambda name: None if name == "scipy" else find_spec(name))
    test = paged.opened("video")
    assert "mien[video]" in test.info[0].value
    assert not test.file_uploader


def test_a_chart_has_its_hatches_and_gaps() -> None:
    shares = np.array([[0.75, 0.25], [0.998, 0.002], [np.nan, np.nan]])
    spec = chart.chart(np.array([0.0, 1.0, 2.0, 3.0]), shares, np.array([False, True, False]), ("happy", "sad"), 1.5)
    _, areas, hatches, line, _ = (layer["data"]["values"] for layer in spec["layer"])
    assert [(each["start"], each["low"], each["high"], each["told"]) for each in areas] == [
        (0.0, 0.0, 0.75, "happy 75%"),
        (0.0, 0.75, 1.0, "sad 25%"),
        (1.0, 0.0, 0.998, "happy 99%"),
    ]
    assert {each["start"] for each in hatches} == {1.0}
    assert line[0]["start"] == 1.5


@pytest.mark.parametrize(("time_s", "told"), [(0.0, "0:00.0"), (59.96, "1:00.0"), (3725.25, "62:05.2")])
def test_times_are_as_players_show_them(time_s: float, told: str) -> None:
    assert show.clock(time_s) == told
