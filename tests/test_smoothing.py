"""Smoothing: around a time, by nearness and confidence, however the frames lie."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mien.smoothing import REACH_S, Smooth

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
