"""The scheme over stored heatmaps: who follows whom, by which rules, in how many network calls."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from data.annorect import write_results
from data.crop import Crop
from data.errors import AnnotationError, StoreError
from data.heatmap_store import key_of
from data.heatmaps import Heatmaps
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence, write
from data.posetrack_set import AnnotatedSet
from data.skeleton import FSPOSE_19, POSETRACK_15, POSETRACK_17
from pipelines.evaluation.metric import TOTAL
from pipelines.evaluation.posetrack import evaluate
from pipelines.fusion import NUMBERS, create, names
from pipelines.heatmap_job import boxed
from pipelines.replay import Replay, predicted
from pipelines.replay_comparison import Comparison, computations
from pipelines.replay_rules import (
    AS_PUBLISHED,
    CORRECTIONS,
    OURS,
    SOFT_PEAK,
    fast_peak,
    judged,
    records,
)
from pipelines.replay_stores import Stores, padding_of, require, tracks_of

SLOW, FAST, PADDING, INTERVAL = (12, 16), (14, 14), 1.25, 16
SIZE = (320, 240)
# Frames by track: dense, with gaps, late at once after the keyframe, alone, coming back.
FRAMES = {
    "a": {1: [0, 1, 2, 3, 8, 9, 15, 16, 17, 31], 2: [2, 10, 14, 22, 26], 3: [5]},
    "b": {1: [4, 12, 13, 40, 41, 60], 7: list(range(20))},
}


def name_of(video, frame):
    return f"images/val/{video}/{frame:06d}.jpg"


def box_of(video, track, frame):
    random = np.random.default_rng([ord(video), track, frame])
    x, y = 20 * track + frame + random.uniform(0, 5), 30 + random.uniform(0, 5)
    return Box.from_xywh(x, y, 40 + random.uniform(0, 8), 90 + random.uniform(0, 8))


def person(video, track, frame):
    box = box_of(video, track, frame)
    shares = np.random.default_rng(track).uniform(0.2, 0.8, (17, 2))
    points = np.array([box.left, box.top]) + shares * [box.width, box.height]
    head = Box.from_xywh(box.left, box.top, 20, 20)
    visibility = np.ones(17)
    points[3:5], visibility[3:5] = 0, 0  # ears are never labelled
    return Person(points, visibility, track, box, head)


@pytest.fixture
def annotated():
    sequences = []
    for video, tracks in FRAMES.items():
        frames = tuple(
            Annotated(
                name_of(video, frame),
                tuple(person(video, track, frame) for track in tracks if frame in tracks[track]),
                frame,
                size=SIZE,
            )
            for frame in range(1 + max(max(frames) for frames in tracks.values()))
        )
        sequences.append(Sequence(video, frames))
    return AnnotatedSet(tuple(sequences), "0" * 64)


class Drawn:
    """A database of Gaussians at the annotated keypoints, off by a little."""

    def __init__(self, people, annotated, size, peak, sum_of_one=False):
        self.size, self.peak, self.soft = size, peak, sum_of_one
        self.people = dict(people)
        self.truth = {
            key_of(frame.frame_name, one.track): one
            for sequence in annotated.sequences
            for frame in sequence.frames
            for one in frame.people
        }
        self.read = []

    def get(self, key):
        self.read.append(key)
        crop = Crop.around(self.people[key].box, self.size, PADDING)
        points = crop.from_image(self.truth[key].keypoints.astype(np.float32))
        random = np.random.default_rng([key.track, int(key.frame), *self.size])
        points = points + random.normal(0, 0.7, points.shape)
        columns = np.exp(-((np.arange(self.size[0]) - points[:, :1]) ** 2) / 4.5)
        rows = np.exp(-((np.arange(self.size[1]) - points[:, 1:]) ** 2) / 4.5)
        maps = self.peak * rows[:, :, None] * columns[:, None]
        if self.soft:
            maps /= maps.sum((1, 2), keepdims=True)
        return Heatmaps(maps.astype(np.float32), crop)

    def has(self, key):
        return key in self.people

    def keys(self):
        return sorted(self.people)


class Counting:
    """A transfer with a formula, T(x, y) = (x + 3 y) / 4; remembers the pairs of every call."""

    def __init__(self):
        self.calls = []

    def __call__(self, current, reference):
        self.calls.append(len(current))
        assert all(c.crop == r.crop for c, r in zip(current, reference, strict=True))
        pairs = zip(current, reference, strict=True)
        return [replace(c, maps=(c.maps + 3 * r.maps) / np.float32(4)) for c, r in pairs]


@pytest.fixture
def people(annotated):
    return boxed(annotated, None)


@pytest.fixture
def stores(annotated, people):
    return Stores(
        slow=Drawn(people, annotated, SLOW, 0.9),
        fast=Drawn(people, annotated, FAST, 1.0, sum_of_one=True),
        slow_name="slow.fsh",
        fast_name="fast.fsh",
        skeleton=POSETRACK_17,
        padding=PADDING,
    )


@pytest.fixture
def tracks(annotated, people):
    return tracks_of(annotated, people, INTERVAL)


def replay(stores, name="two-maps", corrections=AS_PUBLISHED, batch=64, transfer=None, light=None):
    fusion = create(
        name,
        interval=INTERVAL,
        resampling="smooth" if "resampling" in corrections else "nearest",
        transfer=transfer or Counting(),
        light_transfer=light or Counting(),
        fast_peak=SOFT_PEAK if "scale" in corrections else 1.0,
    )
    return Replay(
        stores=stores,
        fusion=fusion,
        corrections=frozenset(corrections),
        batch=batch,
    )


def answers(run, tracks):
    return {a.visit.subject.key: a for step in run.steps(tracks) for a in step}


def key(video, track, frame):
    return key_of(name_of(video, frame), track)


def test_tracks_and_keyframes_follow_frame_numbers_and_gaps(tracks):
    found = {
        (track[0].subject.key.video, track[0].subject.key.track): [
            (visit.number, visit.key_number) for visit in track
        ]
        for track in tracks
    }

    assert len(found) == 5
    assert found["val/a", 2] == [(2, 2), (10, 2), (14, 2), (22, 22), (26, 22)]
    assert found["val/b", 1] == [(4, 4), (12, 4), (13, 4), (40, 40), (41, 40), (60, 60)]


def test_people_without_a_usable_box_are_in_no_track(annotated, people):
    del people[key("a", 1, 1)]

    tracks = tracks_of(annotated, people, INTERVAL)

    assert [visit.number for visit in tracks[0]][:3] == [0, 2, 3]


@pytest.mark.parametrize(
    ("frame_name", "words"),
    [("images/val/a/x.jpg", "no number"), ("images/val/a/x_000001.jpg", "another frame's number")],
)
def test_a_frame_without_a_number_of_its_own_is_told(annotated, frame_name, words):
    first, *others = annotated.sequences[0].frames
    frames = (replace(first, frame_name=frame_name), *others)
    changed = AnnotatedSet((replace(annotated.sequences[0], frames=frames),), "")

    with pytest.raises(AnnotationError, match=words):
        tracks_of(changed, boxed(changed, None), INTERVAL)


@pytest.mark.parametrize("corrections", [AS_PUBLISHED, OURS, frozenset(CORRECTIONS)])
@pytest.mark.parametrize("name", names())
def test_each_net_is_called_once_for_all_tracks_of_a_step(stores, tracks, name, corrections):
    transfer, light = Counting(), Counting()
    run = replay(stores, name, corrections, transfer=transfer, light=light)

    for _ in run.steps(tracks):
        assert len(transfer.calls) <= 1
        assert len(light.calls) <= 1
        transfer.calls.clear()
        light.calls.clear()


@pytest.mark.parametrize("own_keyframes", [False, True])
@pytest.mark.parametrize("name", NUMBERS.values())
def test_only_pairs_that_are_needed_go_through_a_net(stores, tracks, name, own_keyframes):
    """Upstream makes three pairs per person, whatever the type, and throws two away."""
    transfer, light = Counting(), Counting()
    corrections = frozenset({"keyframes"} if own_keyframes else ())

    list(replay(stores, name, corrections, transfer=transfer, light=light).steps(tracks))

    visits = [visit for track in tracks for visit in track]
    asked = [v for v in visits if v.age > 0 or not own_keyframes]
    late = [v for v in visits if v.age >= INTERVAL / 2]
    between = [v for v in visits if v.age > 0]
    after = [
        now for track in tracks for then, now in pairwise(track) if now.age > 0 and then.age > 0
    ]
    expected = {
        "fast-only": 0,
        "two-maps": len(asked),
        "three-maps": len(asked) + len(late),
        "three-maps-light": len(asked),
        "previous-only": len(asked),
        "recursive": len(between) + len(after),
    }
    assert sum(transfer.calls) == expected[name]
    assert sum(light.calls) == (len(late) if name == "three-maps-light" else 0)
    assert len(late) > 5


@pytest.mark.parametrize("corrections", [AS_PUBLISHED, OURS])
@pytest.mark.parametrize("name", names())
def test_the_batch_does_not_matter(stores, tracks, name, corrections):
    whole = replay(stores, name, corrections).poses(tracks)

    for batch in (1, 2, 3):
        run = replay(stores, name, corrections, batch=batch)
        assert max(len(step) for step in run.steps(tracks)) <= batch
        parts = run.poses(tracks)
        assert set(whole) == set(parts)
        for one, pose in whole.items():
            np.testing.assert_array_equal(pose.keypoints, parts[one].keypoints)
            np.testing.assert_array_equal(pose.scores, parts[one].scores)


@pytest.mark.parametrize("name", names())
def test_everyone_is_answered_once_on_the_own_crop(stores, tracks, people, name):
    done = []

    poses = replay(stores, name).poses(tracks, done.append)

    assert set(poses) == set(people)
    assert done[-1] == len(people)
    for one, answer in answers(replay(stores, name), tracks).items():
        assert answer.heatmaps.crop == Crop.around(people[one].box, SLOW, PADDING)


def test_by_the_published_rules_a_keyframe_is_like_any_frame(stores, tracks):
    answer = answers(replay(stores), tracks)[key("a", 1, 16)]

    slow, fast = stores.slow.get(key("a", 1, 16)), stores.fast.get(key("a", 1, 16))
    now = fast.on(slow.crop, smooth=False).maps
    carried = (now + 3 * slow.maps) / 4
    np.testing.assert_allclose(answer.heatmaps.maps, (carried + now) / 2, atol=1e-6)


@pytest.mark.parametrize("name", names())
def test_by_ours_a_keyframe_answers_with_the_slow_maps(stores, tracks, name):
    found = answers(replay(stores, name, OURS), tracks)

    keyframes = [visit for track in tracks for visit in track if visit.age == 0]
    for visit in keyframes:
        slow = stores.slow.get(visit.subject.key)
        np.testing.assert_array_equal(found[visit.subject.key].heatmaps.maps, slow.maps)


def test_the_third_map_comes_from_what_the_frame_before_carried(stores, tracks):
    """Frame 9 of track 1: the frame before is 8, both belong to keyframe 0."""
    found = answers(replay(stores, "three-maps"), tracks)

    key_maps = stores.slow.get(key("a", 1, 0)).maps
    now, then = (placed(stores, "a", 1, frame) for frame in (9, 8))
    carried, before = (now + 3 * key_maps) / 4, (then + 3 * key_maps) / 4
    merged = (before + then) / 2
    expected = ((now + 3 * merged) / 4 + now + carried) / 3
    np.testing.assert_allclose(found[key("a", 1, 9)].heatmaps.maps, expected, atol=1e-6)


def test_on_the_keyframe_itself_the_published_rules_carry_and_ours_need_not(stores, tracks):
    """Frame 10 of track 2 is late and the frame before it is the keyframe, 2."""
    published, ours = (
        answers(replay(stores, "three-maps", corrections), tracks)[key("a", 2, 10)].heatmaps.maps
        for corrections in (AS_PUBLISHED, frozenset({"keyframes"}))
    )

    key_maps = stores.slow.get(key("a", 2, 2)).maps
    now, then = (placed(stores, "a", 2, frame) for frame in (10, 2))
    for found, before in ((published, (then + 3 * key_maps) / 4), (ours, key_maps)):
        merged = (before + then) / 2
        expected = ((now + 3 * merged) / 4 + now + (now + 3 * key_maps) / 4) / 3
        np.testing.assert_allclose(found, expected, atol=1e-6)


def placed(stores, video, track, frame):
    """The fast maps in the slow space, nearest."""
    fast = stores.fast.get(key(video, track, frame))
    box = stores.fast.people[key(video, track, frame)].box
    return fast.on(Crop.around(box, SLOW, PADDING), smooth=False).maps


def test_the_keyframes_maps_can_be_moved_by_the_change_of_box(stores, tracks):
    moved = answers(replay(stores, corrections={"alignment"}), tracks)[key("a", 1, 3)]

    crop = moved.heatmaps.crop
    slow = stores.slow.get(key("a", 1, 0)).on(crop, smooth=True).maps
    now = placed(stores, "a", 1, 3)
    np.testing.assert_allclose(moved.heatmaps.maps, ((now + 3 * slow) / 4 + now) / 2, atol=1e-6)


def test_fast_maps_can_be_merged_on_the_slow_maps_scale(stores, tracks):
    found = answers(replay(stores, corrections={"scale"}), tracks)[key("a", 1, 3)]

    slow, now = stores.slow.get(key("a", 1, 0)).maps, placed(stores, "a", 1, 3)
    expected = ((now + 3 * slow) / 4 + now / SOFT_PEAK) / 2
    np.testing.assert_allclose(found.heatmaps.maps, expected, atol=1e-6)


def test_the_fast_nets_scale_is_told_by_its_maps(stores, tracks, annotated, people):
    sampled = stores.sample(tracks)

    assert 2 <= len(sampled) <= 64
    assert fast_peak(sampled) == SOFT_PEAK
    assert fast_peak([Drawn(people, annotated, FAST, 0.8).get(next(iter(people)))]) == 1.0


def test_the_padding_is_told_by_a_record(stores, tracks):
    first = tracks[0][0]

    assert padding_of(stores.slow.get(first.subject.key), first) == PADDING


def test_missing_maps_are_told_with_the_first_and_their_number(stores, people):
    wanted = list(people)
    for gone in (key("a", 1, 9), key("b", 7, 3)):
        del stores.fast.people[gone]

    with pytest.raises(StoreError, match=r"fast.fsh lacks .* 2 of 42 .* val/a/000009, track 1"):
        require(stores.fast, wanted, "fast.fsh")


def test_maps_between_keyframes_are_not_read_from_the_slow_database(stores, tracks):
    list(replay(stores, "three-maps").steps(tracks))

    keyframes = {visit.subject.key for track in tracks for visit in track if visit.age == 0}
    assert set(stores.slow.read) == keyframes
    assert len(stores.slow.read) == len(keyframes)
    assert len(stores.fast.read) == len(set(stores.fast.read))


def test_maps_of_another_box_are_told(stores, tracks, people):
    one = key("a", 1, 16)
    for store, name in ((stores.slow, "slow.fsh"), (stores.fast, "fast.fsh")):
        store.people[one] = replace(people[one], box=Box(0, 0, 50, 50))
        with pytest.raises(StoreError, match=f"{name}.*000016, track 1.*another box"):
            replay(stores).poses(tracks)
        store.people[one] = people[one]


@pytest.mark.parametrize(
    ("maps", "words"),
    [
        (np.zeros((16, 16, 12), np.float32), "16 keypoints, expected 17"),
        (np.full((17, 16, 12), np.nan, np.float32), "not finite"),
    ],
)
def test_unusable_maps_are_told(stores, tracks, monkeypatch, maps, words):
    crop = stores.slow.get(key("a", 1, 0)).crop
    monkeypatch.setattr(stores.slow, "get", lambda key: Heatmaps(maps, crop))

    with pytest.raises(StoreError, match=words):
        replay(stores).poses(tracks)


def test_predictions_stand_in_the_annotated_frames(stores, tracks, annotated):
    poses = replay(stores).poses(tracks)

    sequence = predicted(annotated.sequences[0], poses, POSETRACK_17)

    assert len(sequence.frames) == len(annotated.sequences[0].frames)
    assert [p.track for p in sequence.frames[2].people] == [1, 2]
    found = sequence.frames[2].people[1]
    np.testing.assert_array_equal(found.keypoints, poses[key("a", 2, 2)].keypoints)
    assert found.score == 1.0
    assert found.present.all()


def test_another_skeletons_keypoints_go_by_their_names(annotated):
    one = person("a", 1, 0)
    points = np.arange(38, dtype=np.float32).reshape(19, 2)
    pose = replace(one.pose, keypoints=points, scores=np.full(19, 0.5, np.float32))

    sequence = predicted(annotated.sequences[0], {key("a", 1, 0): pose}, FSPOSE_19)

    (found,) = sequence.frames[0].people
    for name in POSETRACK_15.keypoints:
        place = FSPOSE_19.index(name)
        np.testing.assert_array_equal(found.keypoints[POSETRACK_17.index(name)], points[place])


@pytest.fixture
def comparison(annotated, stores, tracks):
    return Comparison(
        annotated=annotated,
        stores=stores,
        tracks=tracks,
        fusion=lambda resampling, peak: create(
            "two-maps",
            interval=INTERVAL,
            resampling=resampling,
            transfer=Counting(),
            fast_peak=peak,
        ),
        fast_peak=SOFT_PEAK,
        batch=8,
        threshold=None,
    )


def alone():
    return [frozenset({name}) for name in CORRECTIONS]


def test_corrections_of_the_records_alone_need_no_replay_of_their_own():
    assert len(computations([AS_PUBLISHED, *alone()])) == 5
    assert computations([AS_PUBLISHED, frozenset({"neck"}), frozenset({"tracks"})]) == [
        AS_PUBLISHED
    ]


@pytest.mark.parametrize("threshold", [None, 0.5])
@pytest.mark.parametrize("form", ["annolist", "posetrack18"])
def test_what_is_scored_is_what_is_written(comparison, annotated, tmp_path, form, threshold):
    """The written files get the same scores from the evaluator as the predictions in memory."""
    comparison = replace(comparison, threshold=threshold)
    truth = tmp_path / "truth"
    truth.mkdir()
    for sequence in annotated.sequences:
        write(sequence, truth / f"{sequence.name}.json")

    rules = [AS_PUBLISHED, OURS, *alone()]
    outcomes = comparison.outcomes(rules, lambda done: None)

    for number, (corrections, outcome) in enumerate(outcomes.items()):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        for sequence in outcome.sequences:
            path = folder / f"{sequence.name}.json"
            if form == "annolist":
                write_results(sequence, path, records(corrections, threshold))
            else:
                write(judged(sequence, corrections, threshold), path)
        tracked = "tracks" in corrections or threshold is not None
        metrics = ("ap", "mot") if tracked else ("ap",)
        written = evaluate(truth, folder, metrics=metrics)
        for family in metrics:
            name = {"ap": "ap", "mot": "mota"}[family]
            found = outcome.scores.families[family][name]
            expected = written.families[family][name]
            np.testing.assert_allclose(found.values, expected.values, atol=1e-9)
        assert outcome.scores.families["ap"]["ap"].values[TOTAL] > 20
        assert ("mot" in outcome.scores.families) == tracked


def test_the_published_records_have_the_neck_between_the_shoulders_and_track_1(comparison):
    outcomes = comparison.outcomes([AS_PUBLISHED, OURS], lambda done: None)
    person = outcomes[AS_PUBLISHED].sequences[0].frames[2].people[1]

    (published,), (ours,) = records(AS_PUBLISHED, None)([person]), records(OURS, None)([person])

    neck, shoulders = POSETRACK_15.index("head_bottom"), person.keypoints[5:7].mean(0)
    x = [r["annopoints"][0]["point"][neck]["x"][0] for r in (published, ours)]
    assert x == pytest.approx([shoulders[0], person.keypoints[1, 0]])
    assert [r["track_id"] for r in (published, ours)] == [[1], [2]]


def test_people_of_weak_boxes_are_left_out_below_the_threshold(annotated):
    sequence = annotated.sequences[0]
    weak = replace(person("a", 1, 0), score=0.4, scores=np.ones(17))
    frames = (replace(sequence.frames[0], people=(weak,)), *sequence.frames[1:])

    for corrections in (AS_PUBLISHED, OURS):
        kept = judged(replace(sequence, frames=frames), corrections, 0.5)
        assert kept.frames[0].people == ()
        assert records(corrections, 0.5)([weak]) == []
        assert len(records(corrections, 0.4)([weak])) == 1


def test_a_step_forgets_the_tracks_that_ended(stores, tracks):
    """Memory is bounded by the batch: a hundred tracks one after another leave nothing behind."""
    sizes = [len(step) for step in replay(stores, "recursive", batch=2).steps(tracks)]

    assert sum(sizes) == 42
    assert max(sizes) == 2
