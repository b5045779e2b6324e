"""Which frames are read between two readings, and what both keyframes add."""

import numpy as np
import pytest

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box, Pose
from pipelines.between import Key, Look, TwoSided, middles, nearest_keys
from pipelines.paths import Reading

BOX = Box(0, 0, 100, 100)  # its size is 100


def path(places, value):
    readings = []
    for frame in places:
        points = np.array([[value(frame), 0.0]], np.float32)
        readings.append(
            Reading(frame, 0.0, Pose(points, np.ones(1, np.float32), BOX, 1.0), "fused")
        )
    return readings


def maps(level, crop=None):
    crop = crop or Crop.around(BOX, (6, 8), 1.25)
    return Heatmaps(np.full((2, 8, 6), level, np.float32), crop)


def copied(current, reference):
    return [Heatmaps(r.maps, c.crop) for c, r in zip(current, reference, strict=True)]


def look(frame, before=None, after=None, level=0.4):
    return Look(1, frame, BOX, maps(level), before, after)


def test_who_moves_evenly_is_not_read_between():
    assert middles(path([0, 4, 8, 12], lambda f: 5.0 * f), 0.001, 4) == []


def test_who_turns_round_is_read_beside_the_turn():
    assert middles(path([0, 4, 8, 12, 16], lambda f: abs(f - 8)), 0.001, 4) == [6, 10]


def test_the_expected_miss_is_exact_for_constant_acceleration():
    readings = path([0, 4, 8], lambda f: 0.5 * f * f)  # a line over 4 frames misses by 2 pixels

    assert middles(readings, 0.0199, 4) == [2, 6]
    assert middles(readings, 0.0201, 4) == []


def test_the_half_of_a_line_is_expected_to_miss_by_a_quarter():
    readings = path([0, 2, 4, 6, 8], lambda f: 0.5 * f * f)

    assert middles(readings, 0.0049, 4) == [1, 3, 5, 7]
    assert middles(readings, 0.0051, 4) == []


def test_two_readings_alone_say_nothing_so_their_middle_is_read():
    assert middles(path([0, 4], lambda f: 0.0), 1.0, 4) == [2]


def test_nothing_is_read_where_the_person_was_looked_for_in_vain():
    assert middles(path([0, 8], lambda f: 0.0), 0.0, 4) == []


def test_neighbours_have_nothing_between_them():
    assert middles(path([0, 1, 2], lambda f: 9.0 * f * f), 0.0, 4) == []


def test_both_keyframes_count_by_nearness_and_the_frame_itself_as_much_as_they_do():
    before, after = Key(0, maps(1.0)), Key(16, maps(0.2))
    (answer,) = TwoSided(copied, 1.25)([look(4, before, after)])

    np.testing.assert_allclose(answer.maps, (0.75 * 1.0 + 0.25 * 0.2 + 0.4) / 2, atol=1e-6)


@pytest.mark.parametrize("sides", [{"before": Key(0, maps(1.0))}, {"after": Key(16, maps(1.0))}])
def test_one_keyframe_alone_is_the_published_type_0(sides):
    (answer,) = TwoSided(copied, 1.25)([look(4, **sides)])

    np.testing.assert_allclose(answer.maps, 0.7, atol=1e-6)


def test_without_keyframe_or_transfer_the_fast_maps_answer():
    key = Key(0, maps(1.0))
    (alone,) = TwoSided(copied, 1.25)([look(4)])
    (plain,) = TwoSided(None, 1.25, fast_peak=0.5)([look(4, key)])

    np.testing.assert_allclose(alone.maps, 0.4)
    np.testing.assert_allclose(plain.maps, 0.8)


def test_without_a_transfer_net_the_fast_maps_stay_where_they_were_made():
    elsewhere = Key(0, maps(1.0, Crop.around(Box(500, 0, 600, 100), (6, 8), 1.25)))
    own = look(4, elsewhere)
    (plain,) = TwoSided(None, 1.25)([own])

    assert plain.crop == own.fast.crop
    assert not TwoSided(None, 1.25).needs_keys


def test_the_transfer_net_is_asked_once_for_everyone():
    calls = []

    def counting(current, reference):
        calls.append(len(current))
        return copied(current, reference)

    key = Key(0, maps(1.0))
    TwoSided(counting, 1.25)([look(4, key, Key(16, maps(1.0))), look(5, key), look(6)])

    assert calls == [3]
    assert TwoSided(counting, 1.25)([]) == []


def test_references_lie_in_the_present_box():
    seen = []

    def spying(current, reference):
        seen.extend((c.crop, r.crop) for c, r in zip(current, reference, strict=True))
        return copied(current, reference)

    elsewhere = Crop.around(Box(500, 0, 600, 100), (6, 8), 1.25)
    TwoSided(spying, 1.25)([look(4, Key(0, maps(1.0, elsewhere)))])

    assert all(now == reference for now, reference in seen)


def test_the_nearest_keys_are_on_both_sides():
    keys = {frame: Key(frame, maps(1.0)) for frame in (0, 16, 32)}
    before, after = nearest_keys(keys, 20)

    assert (before.frame, after.frame) == (16, 32)
    assert nearest_keys(keys, 40)[1] is None
    assert nearest_keys({}, 4) == (None, None)
