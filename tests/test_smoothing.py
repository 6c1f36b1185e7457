"""Smoothing: around a time, by nearness and confidence, however the frames lie."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mien.face import Face
from mien.prediction import Expression, Prediction, Reading
from mien.smoothing import REACH_S, Smooth, Steady

HAPPY, SAD, EVEN = np.array([0.9, 0.1]), np.array([0.1, 0.9]), np.array([0.5, 0.5])


def of(*samples: tuple[float, np.ndarray]) -> Smooth:
    smooth = Smooth()
    for time_s, shares in samples:
        smooth.add(time_s, 0, shares)
    return smooth


def test_one_frame_is_what_it_is() -> None:
    assert of((3.0, HAPPY)).at(3.0, 0) == pytest.approx(HAPPY)
    assert of((3.0, np.array([1.0, 0.0]))).at(3.0, 0) == pytest.approx([1, 0], abs=1e-3)


def test_what_stays_stays() -> None:
    smooth = of(*((at / 25, HAPPY) for at in range(50)))
    assert smooth.at(1.0, 0) == pytest.approx(HAPPY)


def test_one_frame_that_says_otherwise_is_outvoted_and_one_that_is_unsure_more_so() -> None:
    around = [(at / 25, HAPPY) for at in range(25) if at != 12]
    assert of(*around, (0.48, SAD)).at(0.48, 0)[0] > 0.8
    unsure = of((0.0, HAPPY), (0.1, EVEN)).at(0.05, 0)
    assert unsure[0] > np.sqrt(0.9 * 0.5) / (np.sqrt(0.9 * 0.5) + np.sqrt(0.1 * 0.5))


def test_a_change_is_at_its_time_before_and_after() -> None:
    smooth = of(*((at / 25, HAPPY if at < 25 else SAD) for at in range(50)))
    labels = [int(smooth.at(at / 25, 0).argmax()) for at in range(50)]
    assert labels == [0] * 25 + [1] * 25


def test_times_count_and_not_frames() -> None:
    """Frames that lie close together at one side, as where a rate varies, do not move what is said of the middle of
    a long silence further than their distance allows."""
    near, far = of((0.0, HAPPY), (0.1, SAD)), of((0.0, HAPPY), (0.4, SAD))
    assert near.at(0.0, 0)[0] < far.at(0.0, 0)[0] < HAPPY[0]
    assert of((0.0, HAPPY), (REACH_S + 0.01, SAD)).at(0.0, 0) == pytest.approx(HAPPY)


def test_tracks_are_apart_and_forgotten() -> None:
    smooth = Smooth()
    smooth.add(0.0, 1, HAPPY)
    smooth.add(0.0, 2, SAD)
    smooth.add(1.0, 2, SAD)
    assert smooth.at(0.0, 1) == pytest.approx(HAPPY)
    smooth.forget(1.0)
    assert set(smooth.state) == {"2"}
    again = Smooth(json.loads(json.dumps(smooth.state)))
    assert again.at(1.0, 2) == pytest.approx(SAD)


def seen(happy: float, *lefts: float, reasons: tuple[str, ...] = ()) -> Prediction:
    """A frame in which faces 40 px wide begin at these places."""
    shares = {"happy": happy, "sad": 1 - happy}
    expression = Expression(shares, reasons, 0.2, votes={"happy": happy / 2, "sad": 1 - happy / 2})
    readings = [Reading(Face((x, 0.0, x + 40, 40.0), (), 1.0), expression) for x in lefts or (0.0,)]
    return Prediction("camera", 640, 480, tuple(readings))


def share(prediction: Prediction, face: int = 0) -> float:
    return prediction.faces[face].expression.probabilities["happy"]


def filmed(steady: Steady, count: int, happy: float, begun: int = 0) -> list[Prediction]:
    """So many frames, 30 a second."""
    return [steady(seen(happy), number / 30) for number in range(begun, begun + count)]


def test_before_a_camera_a_first_frame_is_as_it_was_read() -> None:
    first = seen(1.0)
    assert Steady(0.5)(first, 7.0) == first
    broken = Prediction("camera", 0, 0, error="not an image")
    assert Steady(0.5)(broken, 7.0) is broken


def test_before_a_camera_a_poor_frame_is_outvoted_and_a_change_soon_seen() -> None:
    steady = Steady(0.5)
    filmed(steady, 10, 0.9)
    (poor,) = filmed(steady, 1, 0.3, begun=10)
    assert poor.faces[0].expression.label == "happy"
    changed = filmed(steady, 10, 0.1, begun=11)
    labels = [each.faces[0].expression.label for each in changed]
    assert labels == sorted(labels)  # happy, and then sad for good
    assert labels[3:] == ["sad"] * 7
    assert share(changed[-1]) == pytest.approx(0.1, abs=0.02)


def test_before_a_camera_votes_are_smoothed_as_well_and_the_rest_is_the_frames() -> None:
    steady = Steady(0.5)
    steady(seen(1.0), 0.0)
    moved = steady(seen(0.2), 0.08).faces[0]
    assert moved.expression.votes is not None
    assert sum(moved.expression.votes.values()) == pytest.approx(1)
    assert 0.1 < moved.expression.votes["happy"] < 0.5
    assert moved.expression.not_a_face == 0.2
    assert moved.face == seen(0.2).faces[0].face


def test_before_a_camera_what_was_long_ago_counts_no_more() -> None:
    steady = Steady(0.5)
    steady(seen(1.0), 0.0)
    assert share(steady(seen(0.2), REACH_S + 0.01)) == pytest.approx(0.2)


def test_before_a_camera_another_face_begins_anew() -> None:
    steady = Steady(0.5)
    steady(seen(0.9), 0.0)
    assert share(steady(seen(0.2, 300.0), 0.01)) == 0.2
    both = steady(seen(0.9, 0.0, 305.0), 0.02)
    assert share(both, 0) == 0.9  # it was away
    assert 0.2 < share(both, 1) < 0.9
    swapped = steady(seen(0.9, 306.0, 1.0), 0.03)
    assert share(swapped, 0) < share(swapped, 1) == pytest.approx(0.9)


def test_a_smoothed_answer_is_sure_of_itself_or_not() -> None:
    steady = Steady(0.6)
    assert steady(seen(0.99), 0.0).faces[0].expression.reasons == ()
    torn = steady(seen(0.01), 0.01).faces[0].expression
    assert torn.reasons == ("low confidence (50%, reliable from 60%)",)
    again = Steady(0.6)
    again(seen(1.0), 0.0)
    others = ("perhaps not a face (60%)", "low confidence by fer7 labels (15%, reliable from 48%)", "blurred")
    doubtful = (others[0], "low confidence (55%, reliable from 60%)", *others[1:])
    sure = again(seen(0.55, reasons=doubtful), 0.01).faces[0].expression
    assert (sure.label, sure.reasons) == ("happy", others)
