import numpy as np
import pytest

from data.errors import ConfigError
from data.frame import Frame
from pipelines.keyframes import Every, First, previous, spaced


def frame(index):
    return Frame(index, index / 25, np.zeros((2, 2, 3), np.uint8), str(index))


def test_every_nth_frame_of_the_stream_is_a_keyframe():
    chosen = [i for i in range(12) if Every(5)(frame(i), i - 1 if i else None)]

    assert chosen == [0, 5, 10]


def test_a_dropped_keyframe_passes_its_turn_to_the_next_frame_that_comes():
    indices = [0, 3, 4, 7, 9, 11, 26, 27, 28, 30]

    chosen = [
        i
        for before, i in zip([None, *indices], indices, strict=False)
        if Every(5)(frame(i), before)
    ]

    assert chosen == [0, 7, 11, 26, 30]


def test_the_first_frame_there_is_is_a_keyframe():
    assert Every(5)(frame(3), None)


def test_with_keyframes_of_one_s_own_only_the_first_frame_is_everybody_s():
    assert [i for i in range(40) if First()(frame(i), i - 1 if i else None)] == [0]


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        Every(0)


def test_keyframes_of_a_track_are_spaced_greedily_over_its_own_frames():
    frames = [3, 7, 18, 19, 20, 34, 35, 60]

    assert spaced(frames, 16) == [3, 3, 3, 19, 19, 19, 35, 60]


def test_the_previous_frame_of_a_track_skips_its_gaps():
    assert previous([3, 7, 18]) == [3, 3, 7]
    assert previous([]) == spaced([], 16) == []
