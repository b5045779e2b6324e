"""What is looked for ahead is what would have been found on those frames, whatever the guess."""

import threading

import pytest

from data.errors import WeightsError
from pipelines.keyframes import Every
from pipelines.look_ahead import LookAhead
from pipelines.timing import Stopwatch


class Finder:
    """Finds a world's people, and keeps on which frames and threads it looked."""

    def __init__(self, finder, fails_at=None):
        self.finder, self.fails_at = finder, fails_at
        self.looked, self.threads = [], set()

    def find(self, frame):
        self.looked.append(frame.index)
        self.threads.add(threading.current_thread())
        if frame.index == self.fails_at:
            raise WeightsError(f"frame {frame.index} is too much")
        return self.finder.find(frame)


@pytest.fixture
def two(stage):
    """Two people who walk by each other."""
    one = stage.Walker(stage.line((100, 180), (60, 0)))
    return stage.World([one, stage.Walker(stage.line((500, 190), (-60, 0)), phase=1.0)])


def told(results):
    return [[(p.track, p.keypoints.tobytes()) for p in result.poses] for result in results]


def followed(stage, world, finder, count, *, ahead=None, **settings):
    """The results of a scheme that asks `finder` about frames drawn through `ahead`."""
    frames = world.frames(count)
    # a list: all frames have passed before the first is asked about
    drawn = frames if ahead is None else list(ahead.passing(frames))
    return told(stage.fast_slow(world, finder=finder, **settings)(drawn))


def test_answers_are_the_same_and_every_frame_was_foreseen(stage, two):
    plain, early = Finder(stage.WorldFinder(two)), Finder(stage.WorldFinder(two))
    expected = followed(stage, two, plain, 40, keyframes=Every(12))

    with LookAhead(early, Every(12), 8) as ahead:
        actual = followed(stage, two, ahead, 40, ahead=ahead, keyframes=Every(12))

    assert expected == actual
    assert plain.looked == sorted(early.looked) == [0, 8, 12, 20, 24, 32, 36]


def test_it_looks_on_a_thread_of_its_own(stage, two):
    finder, clock = Finder(stage.WorldFinder(two)), Stopwatch()

    with LookAhead(finder, Every(4), 8, clock=clock) as ahead:
        list(ahead.passing(two.frames(9)))
        moment = threading.Event()
        assert any(finder.looked == [0, 4, 8] or moment.wait(0.01) for _ in range(2000))

    assert threading.current_thread() not in finder.threads
    assert clock.calls == {"find ahead": 3}


def test_a_frame_that_was_not_foreseen_is_looked_at_when_asked(stage, two):
    finder = Finder(stage.WorldFinder(two))
    frames = list(two.frames(20))

    with LookAhead(finder, Every(100), 8) as ahead:
        drawn = ahead.passing(frames)
        for _ in range(6):
            next(drawn)
        ahead.find(frames[0])
        found = ahead.find(frames[5])
        list(drawn)
        assert len(ahead.find(frames[13])) == len(found) == 2

    assert sorted(finder.looked) == [0, 5, 13]  # from the asked one on, the guess is right again


def test_what_is_known_already_is_not_looked_at(stage, two):
    finder = Finder(stage.WorldFinder(two))

    with LookAhead(finder, Every(4), 4, first=10) as ahead:
        frames = list(ahead.passing(two.frames(14)))
        ahead.find(frames[12])

    assert finder.looked == [12]


def test_an_error_of_the_finder_is_raised_where_it_is_asked(stage, two):
    finder = Finder(stage.WorldFinder(two), fails_at=4)

    with LookAhead(finder, Every(4), 8) as ahead:
        frames = list(ahead.passing(two.frames(9)))
        assert len(ahead.find(frames[0])) == 2
        with pytest.raises(WeightsError, match="frame 4"):
            ahead.find(frames[4])
        assert len(ahead.find(frames[8])) == 2


def test_its_thread_ends_with_it(stage, two):
    with LookAhead(Finder(stage.WorldFinder(two)), Every(4), 8) as ahead:
        list(ahead.passing(two.frames(30)))

    assert not [t for t in threading.enumerate() if t.name.startswith("find")]
