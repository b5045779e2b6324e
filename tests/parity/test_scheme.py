"""The fusions against the published validation loop, recorded on a small set of tracks."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from data.crop import Crop
from data.heatmaps import Heatmaps, crop_to_crop
from data.pose import Box
from models.decode import decode
from models.networks.transfer import TransferNet
from pipelines.fusion import Between, create
from pipelines.keyframes import previous, spaced
from pipelines.memory import Remembered

FAMILY = "fspose_scheme"
LIGHT, LARGE, PADDING = (56, 56), (48, 64), 1.25
TYPES = {
    0: "two-maps",
    1: "fast-only",
    2: "three-maps",
    4: "three-maps-light",
    5: "previous-only",
}


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

    placed = fast(people)

    stored = (slice(None), *case.stored("p_large_space")[1:])
    for i, (person, maps) in enumerate(zip(people, placed, strict=True)):
        matrix = crop_to_crop(person.fast.crop, person.crop)
        np.testing.assert_allclose(case.expected["p_to_large"][i], matrix, atol=1e-3)
        off = np.abs(maps.maps[None][stored][0] - case.expected["p_large_space"][i]) > 1e-6
        assert off.mean() <= 0.01


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
        fused = fusion(people)
        peaks = case.expected[f"absmax_type{number}"][samples]
        expected = case.expected[f"heatmaps_type{number}"][samples]
        maps = np.stack([each.maps for each in fused])[:, [0, 7, 16], ::2, ::2]
        within = np.abs(maps - expected) <= 2e-3 * peaks[:, None, None, None]
        assert within.mean() >= 0.98, name
        points, scores = (np.stack(part) for part in zip(*decode(fused), strict=True))
        off = np.abs(points - case.expected[f"xy_type{number}"][samples]).max(2)
        assert (off <= 0.05).mean() >= 0.95, name
        recorded = case.expected[f"score_type{number}"][samples][..., 0]
        assert (np.abs(scores - recorded) <= 2e-3 * peaks[:, None]).all(), name
