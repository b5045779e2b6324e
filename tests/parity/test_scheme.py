"""The fusions against the published validation loop, recorded on a small set of tracks.

Once alone, once through the replay of a heatmap database.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from data.crop import Crop
from data.heatmap_store import key_of
from data.heatmaps import Heatmaps, crop_to_crop
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.posetrack_set import AnnotatedSet
from data.skeleton import POSETRACK_17
from models.decode import decode
from models.networks.transfer import TransferNet
from pipelines.fusion import NUMBERS, Between, create
from pipelines.heatmap_job import boxed
from pipelines.keyframes import previous, spaced
from pipelines.memory import Remembered
from pipelines.replay import Replay
from pipelines.replay_rules import AS_PUBLISHED
from pipelines.replay_stores import Stores, tracks_of

FAMILY = "fspose_scheme"
LIGHT, LARGE, PADDING = (56, 56), (48, 64), 1.25
TYPES = {int(number): name for number, name in NUMBERS.items() if number.isdigit()}
VIDEO = "images/val/000001_mpii_test"


class Scheme:
    """The case's samples as people between keyframes."""

    def __init__(self, case, drawn):
        self.interval = case.text["input"]["i_frame_interval"]
        self.width, self.height = case.text["input"]["image_size"]
        self.boxes = {(s["track"], s["frame"]): self._clean(s["box"]) for s in case.text["samples"]}
        self.seed = int(re.search(r"unit_joints\((\d+)\*1000", case.text["input"]["light"])[1])
        self.drawn = drawn
        frames = {}
        for track, frame in sorted(self.boxes):
            frames.setdefault(track, []).append(frame)
        self.keys, self.before = {}, {}
        for track, listed in frames.items():
            pairs = zip(listed, spaced(listed, self.interval), previous(listed), strict=True)
            for frame, key, before in pairs:
                self.keys[track, frame], self.before[track, frame] = key, before

    def _clean(self, xywh):
        """A box cut to the image (FSPose specification 1.3)."""
        x, y, width, height = xywh
        left, top = max(0, x), max(0, y)
        right = min(self.width - 1, left + max(0, width - 1))
        return Box(left, top, right, min(self.height - 1, top + max(0, height - 1)))

    def crop(self, track, frame, size):
        return Crop.around(self.boxes[track, frame], size, PADDING)

    def maps(self, track, frame, size):
        joints = self.drawn.unit_joints(self.seed * 1000 + track * 100 + frame)
        if size == LIGHT:
            maps = self.drawn.gaussians(56, 56, joints * 56, 2.0, 1.0)
            maps = 6 * maps / maps.sum((1, 2), keepdims=True)  # a soft-max's scale
        else:
            maps = self.drawn.gaussians(64, 48, joints * (48, 64), 2.0, 0.9)
        return Heatmaps(maps, self.crop(track, frame, size))

    def person(self, track, frame):
        key, before = self.keys[track, frame], self.before[track, frame]
        past = Remembered(
            key=self.maps(track, key, LARGE),
            key_index=key,
            fused=self.maps(track, before, LARGE),  # read for its crop alone
            index=before,
            previous=self.maps(track, before, LIGHT),
        )
        crop = self.crop(track, frame, LARGE)
        return Between(self.maps(track, frame, LIGHT), crop, past, frame - key)


class Transferring:
    """A transfer net with the case's numbers; what it was asked before, it remembers."""

    def __init__(self, case, fill, seed):
        arrays = fill.state_dict(case.manifest, seed)
        for gain in case.text["gains"]:
            for name in arrays:
                if re.search(gain["regex"], name):
                    arrays[name] = arrays[name] * np.float32(gain["factor"])
        self.net = TransferNet(keypoints=17).eval()
        self.net.load_state_dict({n: torch.from_numpy(np.asarray(a)) for n, a in arrays.items()})
        self.known = {}

    def __call__(self, current, reference):
        return [self._one(now, then) for now, then in zip(current, reference, strict=True)]

    def _one(self, now, then):
        asked = now.maps.tobytes() + then.maps.tobytes()
        if asked not in self.known:
            with torch.inference_mode():
                pair = (torch.from_numpy(each.maps[None]) for each in (now, then))
                self.known[asked] = self.net(*pair)[0].numpy()
        return replace(now, maps=self.known[asked])


@pytest.fixture
def scheme(case, drawn):
    return Scheme(case, drawn)


def test_keyframes_and_previous_frames_are_the_recorded_ones(case, scheme):
    for sample in case.text["samples"]:
        place = sample["track"], sample["frame"]
        assert sample["i_frame"] == scheme.keys[place]
        assert sample["sup_frame"] == scheme.before[place]
        assert sample["i_distance"] == sample["frame"] - scheme.keys[place]


def test_light_maps_come_into_the_large_space_as_recorded(case, scheme):
    fast = create("fast-only", interval=scheme.interval, resampling="nearest")
    people = [scheme.person(s["track"], s["frame"]) for s in case.text["samples"]]

    placed = [fused.answer for fused in fast(people)]

    stored = (slice(None), *case.stored("p_large_space")[1:])
    for i, (person, maps) in enumerate(zip(people, placed, strict=True)):
        matrix = crop_to_crop(person.fast.crop, person.crop)
        np.testing.assert_allclose(case.expected["p_to_large"][i], matrix, atol=1e-3)
        off = np.abs(maps.maps[None][stored][0] - case.expected["p_large_space"][i]) > 1e-6
        assert off.mean() <= 0.01


def assert_recorded(case, number, samples, fused, points, scores):
    """Maps, keypoints (N, 17, 2) and scores (N, 17) of these samples are a type's recorded ones."""
    peaks = case.expected[f"absmax_type{number}"][samples]
    expected = case.expected[f"heatmaps_type{number}"][samples]
    maps = np.stack([each.maps for each in fused])[:, [0, 7, 16], ::2, ::2]
    within = np.abs(maps - expected) <= 2e-3 * peaks[:, None, None, None]
    assert within.mean() >= 0.98, number
    off = np.abs(points - case.expected[f"xy_type{number}"][samples]).max(2)
    assert (off <= 0.05).mean() >= 0.95, number
    recorded = case.expected[f"score_type{number}"][samples][..., 0]
    assert (np.abs(scores - recorded) <= 2e-3 * peaks[:, None]).all(), number


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)], ids=["few", "all"])
def test_fused_maps_and_keypoints_are_the_recorded_ones(case, scheme, fill, step):
    """Of samples late and early in their interval, or of all."""
    transfer, light = (
        Transferring(case, fill, case.text["seed"][name]) for name in ("main_net", "light_net")
    )
    ages = [sample["i_distance"] for sample in case.text["samples"]]
    samples = sorted(range(len(ages)), key=lambda i: -ages[i])[::step]
    places = [(case.text["samples"][i]["track"], case.text["samples"][i]["frame"]) for i in samples]
    people = [scheme.person(*place) for place in places]

    for number, name in TYPES.items():
        fusion = create(
            name,
            interval=scheme.interval,
            resampling="nearest",
            transfer=transfer,
            light_transfer=light,
        )
        fused = [each.answer for each in fusion(people)]
        points, scores = (np.stack(part) for part in zip(*decode(fused), strict=True))
        assert_recorded(case, number, samples, fused, points, scores)


class Stored:
    """The case's maps of one net as a heatmap database."""

    def __init__(self, scheme, size, places):
        self._scheme, self._size = scheme, size
        self._places = {key_of(frame_name(frame), track): (track, frame) for track, frame in places}

    def get(self, key):
        return self._scheme.maps(*self._places[key], self._size)

    def has(self, key):
        return key in self._places

    def keys(self):
        return sorted(self._places)


def frame_name(frame):
    return f"{VIDEO}/{frame:06d}.jpg"


def annotations(case, places):
    """The samples' boxes as PoseTrack annotations, unclipped, with some keypoint in each."""
    boxes = {(s["track"], s["frame"]): s["box"] for s in case.text["samples"]}
    size = tuple(case.text["input"]["image_size"])
    frames = []
    for frame in sorted({frame for _, frame in places}):
        tracks = sorted(track for track, own in places if own == frame)
        people = tuple(
            Person(np.ones((17, 2)), np.ones(17), track, Box.from_xywh(*boxes[track, frame]))
            for track in tracks
        )
        frames.append(Annotated(frame_name(frame), people, frame, size=size))
    return AnnotatedSet((Sequence("000001_mpii_test", tuple(frames)),), "")


def replayed(case, scheme, places, name, transfer, light):
    """The replay, by the published rules, of these tracks' frames: it and its answers by place."""
    annotated = annotations(case, places)
    tracks = tracks_of(annotated, boxed(annotated, None), scheme.interval)
    slow, fast = (Stored(scheme, size, places) for size in (LARGE, LIGHT))
    stores = Stores(
        slow=slow,
        fast=fast,
        slow_name="slow",
        fast_name="fast",
        skeleton=POSETRACK_17,
        padding=PADDING,
    )
    fusion = create(
        name,
        interval=scheme.interval,
        resampling="nearest",
        transfer=transfer,
        light_transfer=light,
    )
    replay = Replay(
        stores=stores,
        fusion=fusion,
        corrections=AS_PUBLISHED,
        batch=8,
    )
    answers = {
        (answer.visit.subject.key.track, answer.visit.number): answer
        for step in replay.steps(tracks)
        for answer in step
    }
    return replay.poses(tracks), answers


def some(case, few):
    """The shortest track up to its first late frame, or all samples: (sample, (track, frame))."""
    listed = [(i, (s["track"], s["frame"])) for i, s in enumerate(case.text["samples"])]
    late = {i for i, s in enumerate(case.text["samples"]) if s["i_distance"] >= 8}
    begun = []
    for track in {track for _, (track, _) in listed}:
        own = [entry for entry in listed if entry[1][0] == track]
        first = next((n for n, entry in enumerate(own) if entry[0] in late), None)
        begun += [] if first is None else [own[: first + 1]]
    return min(begun, key=len) if few else listed


@pytest.mark.parametrize(
    "few", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["few", "all"]
)
def test_a_replay_by_the_published_rules_is_the_recorded_one(case, scheme, fill, few):
    """Frames, maps, keypoints and scores, of every published type."""
    transfer, light = (
        Transferring(case, fill, case.text["seed"][name]) for name in ("main_net", "light_net")
    )
    samples, places = zip(*some(case, few), strict=True)

    for number, name in TYPES.items():
        poses, answers = replayed(case, scheme, places, name, transfer, light)
        assert set(places) == set(answers)
        for sample, place in zip(samples, places, strict=True):
            visit = answers[place].visit
            assert case.text["samples"][sample]["i_frame"] == visit.key_number
            assert case.text["samples"][sample]["i_distance"] == visit.age
        fused = [answers[place].heatmaps for place in places]
        found = [poses[key_of(frame_name(frame), track)] for track, frame in places]
        points, scores = (np.stack([getattr(p, n) for p in found]) for n in ("keypoints", "scores"))
        assert_recorded(case, number, list(samples), fused, points, scores)


def test_the_inherited_maps_are_the_definition(case, scheme, fill):
    """Specification 4.3: I on keyframes, then two maps, then three of which one is the last answer.

    The case has no recording of it, for the published program refuses to run it.
    """
    transfer = Transferring(case, fill, case.text["seed"]["main_net"])
    _, places = zip(*some(case, few=True), strict=True)

    _, answers = replayed(case, scheme, places, "recursive", transfer, None)

    last = None
    for track, frame in places:
        key = scheme.maps(track, scheme.keys[track, frame], LARGE)
        crop = scheme.crop(track, frame, LARGE)
        now = scheme.maps(track, frame, LIGHT).on(crop, smooth=False)
        first = scheme.before[track, frame] == scheme.keys[track, frame]
        if frame == scheme.keys[track, frame]:
            expected = key.maps
        else:
            (carried,) = transfer([now], [key])
            expected = (carried.maps + now.maps) / 2
            if not first:
                (inherited,) = transfer([now], [last])
                expected = (inherited.maps + now.maps + carried.maps) / np.float32(3)
        last = replace(key, maps=np.asarray(expected, np.float32))
        np.testing.assert_allclose(answers[track, frame].heatmaps.maps, expected, atol=1e-6)
    assert {scheme.before[p] == scheme.keys[p] for p in places} == {True, False}
