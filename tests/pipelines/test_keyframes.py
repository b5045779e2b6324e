import numpy as np
import pytest

from data.errors import ConfigError
from data.frame import Frame
from pipelines.keyframes import Every, previous, spaced


def frame(index):
    return Frame(index, index / 25, np.zeros((2, 2, 3), np.uint8), str(index))


def test_every_nth_frame_of_the_stream_is_a_keyframe():
    assert [index for index in range(12) if Every(5)(frame(index))] == [0, 5, 10]


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        Every(0)


def test_keyframes_of_a_track_are_spaced_greedily_over_its_own_frames():
    frames = [3, 7, 18, 19, 20, 34, 35, 60]

    assert spaced(frames, 16) == [3, 3, 3, 19, 19, 19, 35, 60]


def test_the_previous_frame_of_a_track_skips_its_gaps():
    assert previous([3, 7, 18]) == [3, 3, 7]
    assert previous([]) == spaced([], 16) == []
