"""Every way in which a camera deceives, over many generated halls: noticed where it is so, and silent where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.cameras.health import Fault, Health, Repeats, look, moved, shift, small
from tests.inference.cameras.scene import Picture, grey, hall, noisy

MS = 1_000_000
SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=10, deadline=None)


def seen(picture: Picture, seed: int = 0) -> Picture:
    return small(grey(noisy(picture, seed)))


@FEW
@given(SEEDS, st.floats(0.45, 1.6), st.floats(0.0, 4.0))
def test_a_sound_camera_is_sound_in_any_light(seed: int, gain: float, noise: float) -> None:
    reference = seen(hall(seed=seed))
    lit = (hall(seed=seed).astype(float) * gain).clip(0, 255).astype(np.uint8)
    assert look(small(grey(noisy(lit, seed + 1, noise))), reference) is Fault.NONE


@FEW
@given(SEEDS)
def test_night_is_dark(seed: int) -> None:
    night = (hall(seed=seed).astype(float) * 0.06).astype(np.uint8)
    assert look(seen(night), seen(hall(seed=seed))) is Fault.DARK


@FEW
@given(SEEDS, st.integers(60, 230))
def test_a_hand_before_the_lens_covers_it(seed: int, skin: int) -> None:
    hand = np.full((180, 320, 3), skin, np.uint8)
    hand = cv2.add(hand, np.linspace(0, 20, 320, dtype=np.uint8)[None, :, None].repeat(180, 0).repeat(3, 2))
    assert look(seen(hand), None) is Fault.COVERED


@FEW
@given(SEEDS, st.floats(3.0, 8.0))
def test_lost_focus_is_noticed_with_a_reference_and_without(seed: int, sigma: float) -> None:
    blurred = cv2.GaussianBlur(hall(seed=seed), (0, 0), sigma).astype(np.uint8)
    for reference in (None, seen(hall(seed=seed))):
        assert look(seen(blurred), reference) in (Fault.DEFOCUSED, Fault.COVERED)


@FEW
@given(SEEDS, st.floats(0.03, 0.1), st.sampled_from([(1, 0), (0, 1), (-1, 1)]))
def test_a_turned_camera_has_moved_by_what_it_was_turned(seed: int, share: float, way: tuple[int, int]) -> None:
    wide = hall(420, 260, seed)
    x, y = (round(320 * share * one) for one in way)
    before, after = wide[40:220, 50:370], wide[40 - y : 220 - y, 50 - x : 370 - x]
    assert moved(seen(after, 1), seen(before))
    found_x, found_y, tiles = shift(seen(after, 1), seen(before))
    assert tiles > 0.35
    assert found_x == pytest.approx(x / 320, abs=0.006)
    assert found_y == pytest.approx(y / 320, abs=0.006)


@FEW
@given(SEEDS, st.integers(2, 9))
def test_people_and_machines_that_come_and_go_are_no_turn(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    busy = hall(seed=seed)
    for _ in range(count):
        x, y = int(random.integers(0, 280)), int(random.integers(0, 110))
        cv2.rectangle(busy, (x, y), (x + 35, y + 70), [int(one) for one in random.integers(0, 255, 3)], -1)
    assert not moved(seen(busy, 1), seen(hall(seed=seed)))


def test_another_place_has_moved() -> None:
    assert moved(seen(hall(seed=77)), seen(hall(seed=3)))


def test_a_repeated_picture_is_dead_in_time_and_a_loop_of_some_too() -> None:
    frames = [seen(hall(), at) for at in range(6)]
    for loop in (frames[:1], frames):
        repeats = Repeats(1_500 * MS)
        told = [repeats.picture(loop[at % len(loop)], at * 100 * MS) for at in range(25)]
        assert told[-1]
        assert not any(told[:15])
    alive = Repeats(1_500 * MS)
    assert not any(alive.picture(seen(hall(), at), at * 100 * MS) for at in range(40))
    asleep = Repeats(0)
    assert not any(asleep.picture(frames[0], at * 100 * MS) for at in range(40))


def test_a_frozen_picture_behind_an_encoder_is_noticed_and_a_still_hall_is_not() -> None:
    """The sensor stands still from picture 30 on; the encoder goes on refining what it gives."""
    still, told, repeats = hall(640, 360), [], Repeats(1_500 * MS)
    pictures = [noisy(still, at) for at in range(31)]
    for at, grey_picture in enumerate(encoded([pictures[min(at, 30)] for at in range(50)], 10, 800_000)):
        told.append(repeats.picture(small(grey_picture), at * 100 * MS))
    assert not any(told[:31])
    assert any(told[31:50]), "within 2 s of the freeze"


def test_a_hall_in_which_everything_stops_is_not_frozen() -> None:
    repeats, told = Repeats(1_500 * MS), []
    for at in range(70):
        busy = hall()
        left = (at * 17) % 250 if at < 40 else 30
        cv2.rectangle(busy, (left, 20), (left + 70, 160), (200, 30, 90), -1)
        told.append(repeats.picture(seen(busy, at), at * 100 * MS))
    assert not any(told)


def encoded(pictures: list[Picture], gop: int, bitrate: int) -> Iterator[Picture]:
    """What arrives of them through H.264 at 10 a second."""
    encoder, decoder = av.CodecContext.create("libx264", "w"), av.CodecContext.create("h264", "r")
    encoder.width, encoder.height, encoder.pix_fmt = pictures[0].shape[1], pictures[0].shape[0], "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 10), Fraction(10)
    encoder.gop_size, encoder.bit_rate = gop, bitrate
    encoder.options = {"preset": "veryfast", "tune": "zerolatency"}
    for at, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts = at
        for packet in encoder.encode(frame):
            for shown in decoder.decode(packet):
                yield grey(shown.to_ndarray(format="bgr24"))


def test_a_fault_stands_after_two_answers_and_goes_after_two() -> None:
    health = Health(Repeats(0))
    sound, black = seen(hall()), np.zeros((180, 320), np.uint8)
    told = [health.picture(black if 500 <= at < 2_000 else sound, at * MS) for at in range(0, 4_000, 250)]
    assert next(at * 250 for at, one in enumerate(told) if one & Fault.DARK) == 1_000
    assert told[-1] is Fault.NONE
    assert health.picture(sound, 4_000 * MS) is Fault.NONE
