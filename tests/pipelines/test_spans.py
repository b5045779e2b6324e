"""Spans: readings from one keyframe to the next, how far paths are lengthened, what is kept."""

from dataclasses import replace

import numpy as np
import pytest

from pipelines.between import TwoSided
from pipelines.hidden import Hiding, hidden
from pipelines.scout import Eyes
from pipelines.spans import Rhythm, Spans
from pipelines.tracker import Tracking


@pytest.fixture
def read(stage):
    """The readings of a world's first frames, of 16 by 16, by track."""

    def spans_of(world, count=33, missed=(), fast=None, transfer=stage.leaning, **rhythm):
        eyes = Eyes(
            finder=stage.WorldFinder(world),
            slow=stage.WorldNet(world),
            fast=fast or stage.WorldNet(world, size=(28, 28), peak=0.5),
        )
        fusion = TwoSided(transfer, stage.PADDING)
        spans = Spans(eyes, fusion, Rhythm(**rhythm), Tracking())
        frames = list(world.frames(count))
        for start in range(-15, count, 16):
            span = spans.look(frames[max(start, 0) : start + 16], first=start < 0)
            looks = [(f, sight) for f, sight in span.looks if f.index not in missed]
            spans.read(replace(span, looks=looks))
        return spans

    return spans_of


def frames_of(spans, track):
    return [reading.frame for reading in spans.paths.of(track)]


def test_the_first_pass_is_read_and_what_moves_evenly_is_left_out(stage, read):
    world = stage.World([stage.Walker(stage.line((300, 180), (0, 0)))])
    spans = read(world)

    assert set(range(0, 33, 4)) <= set(frames_of(spans, 1))
    assert len(frames_of(spans, 1)) < 20


def test_with_no_tolerance_all_frames_are_read(stage, read):
    world = stage.World([stage.Walker(stage.line((300, 180), (0, 0)))])

    assert frames_of(read(world, tolerance=0.0), 1) == list(range(33))


def test_all_frames_of_a_round_go_through_in_one_call(stage, read):
    world = stage.World([stage.Walker(stage.line((100 + 150 * i, 180), (0, 0))) for i in range(3)])
    spans = read(world, count=17, tolerance=0.0)
    calls = spans._eyes.fast.boxes

    assert calls == [3, 3, 3, 3 * 4, 3 * 8]


def test_who_is_found_by_a_search_is_followed_back_to_where_they_came(stage, read):
    walker = stage.Walker(stage.line((300, 180), (0, 0)), present=lambda t: t >= 4.5 / 25)

    assert min(frames_of(read(stage.World([walker])), 1)) in (5, 6)


def test_who_walks_in_front_is_not_taken_for_who_comes_behind(stage, read):
    front = stage.Walker(stage.line((300, 180), (0, 0)))
    behind = stage.Walker(
        stage.line((330, 180), (0, 0)), phase=2.0, depth=1, present=lambda t: t >= 7.5 / 25
    )
    spans = read(stage.World([front, behind]))

    for track in spans.paths:
        if track != 1:
            assert min(frames_of(spans, track)) >= 6


def test_the_maps_of_one_keyframe_are_kept_for_each_who_is_followed(stage, read):
    world = stage.World([stage.Walker(stage.line((200, 180), (0, 0)))])
    short, long = (read(world, count=count).remembered(None)() for count in (33, 97))

    assert len(short["keyed"]) == len(long["keyed"]) <= 2
    np.testing.assert_array_equal(long["keyed"][:, 0], 1)


class Turned:
    """Sees people as the given network does, on some frames with the keypoints turned about."""

    def __init__(self, net, turned):
        self._net, self._turned = net, turned
        self.skeleton = net.skeleton

    def heatmaps(self, image, boxes):
        return self._net.heatmaps(image, boxes)

    def heatmaps_across(self, looks):
        seen = self._net.heatmaps_across(looks)
        at = [round(self._net.world.seconds(image) * 25) in self._turned for image, _ in looks]
        return [
            replace(maps, maps=maps.maps[:, ::-1].copy()) if turn else maps
            for maps, turn in zip(seen, at, strict=True)
        ]


def test_whom_the_first_pass_missed_is_looked_for_between_both_sides(stage, read):
    world = stage.World([stage.Walker(stage.line((300, 180), (0, 0)))])

    assert {20, 24} <= set(frames_of(read(world, missed=(20, 24)), 1))


def test_what_is_unlike_the_readings_on_both_sides_is_not_kept(stage, read):
    world = stage.World([stage.Walker(stage.line((300, 180), (0, 0)))])
    fast = Turned(stage.WorldNet(world, size=(28, 28), peak=0.5), turned={20})

    def found(missed):
        return frames_of(read(world, missed=missed, fast=fast, transfer=None), 1)

    assert 20 in found(missed=())  # the first pass's own reading is not turned
    assert 20 not in found(missed=(20,))
    assert 24 in found(missed=(24,))


def test_of_two_who_pass_each_other_no_reading_shows_the_wrong_one(stage, read):
    lines = {1: stage.line((250, 180), (0, 0)), 2: stage.line((100, 180), (150, 0))}
    front = stage.Walker(lines[2], depth=0)
    behind = stage.Walker(lines[1], depth=1, phase=2.0)
    spans = read(stage.World([front, behind]), count=49, tolerance=0.0)
    paths = {track: spans.paths.of(track) for track in spans.paths}

    assert set(paths) == {1, 2}
    assert hidden(paths, range(49), stage.COCO_17, Hiding()) == []
    assert len(paths[1]) + len(paths[2]) < 2 * 49
    for track, path in paths.items():
        for reading in path:
            middle = np.median(reading.pose.keypoints[:, 0])
            assert abs(middle - lines[track](reading.seconds)[0]) < 20, (track, reading.frame)
