"""FCPose's selection of people and reading of keypoints against recorded rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.backends._views import PIXEL_CENTER, Seen, as_poses, in_image
from models.networks.fcos import LevelAnswer, people_of
from models.networks.fcpose import SIZES, People
from models.networks.fcpose_head import KeypointHead, Keypoints, read_keypoints

FAMILY = "fcpose_decode"
STRIDES = (8, 16, 32, 64, 128)
CONTROLLER = "proposal_generator.fcpose_head."


@pytest.fixture
def head(case: Any) -> KeypointHead:
    head = KeypointHead(256, sizes=SIZES, bases=32, hidden=32, keypoints=17)
    entries = {n.removeprefix(CONTROLLER): tensor for n, tensor in case.entries().items()}
    assert not head.load_state_dict(entries, strict=False).unexpected_keys
    return head


def given(case: Any, sub: dict[str, Any]) -> tuple[list[LevelAnswer], list[torch.Tensor]]:
    """Each level's answers, and the controller's features of every cell (2304, h, w)."""
    tag = sub["inputs"].partition("_")[0]
    answers, features = [], []
    for level in range(5):
        parts = (case.inputs[f"{tag}_{name}_{level}"] for name in ("logits", "reg", "ctrness"))
        logits, sides, centerness = (torch.from_numpy(part) for part in parts)
        if "replaced by -8" in sub["inputs"]:
            logits = torch.full_like(logits, -8)
        answers.append(LevelAnswer(logits, sides, centerness, torch.empty(0)))
        rng = np.random.default_rng([case.seed, 50 + level])
        values = rng.standard_normal((2304, *logits.shape[2:])).astype(np.float32)
        features.append(torch.from_numpy(values))
    return answers, features


def bases_of(case: Any, sub: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    height, width = sub["padded_size"]
    rng = np.random.default_rng([case.seed, 60])
    values = rng.standard_normal((66, height // 8, width // 8)).astype(np.float32)
    values[32:] *= np.float32(6)
    bases = torch.from_numpy(values)
    return bases[:32], bases[32:].unflatten(0, (17, 2))


def test_people_keypoints_and_result_rows_are_the_recorded_ones(
    case: Any, head: KeypointHead
) -> None:
    for sub in case.text["subcases"]:
        answers, features = given(case, sub)
        bases, offsets = bases_of(case, sub)

        with torch.inference_mode():
            found = people_of(
                answers,
                STRIDES,
                0,
                least_score=sub["score_threshold"],
                most_candidates=sub["pre_nms_topk_per_level"],
                overlap=sub["nms_threshold"],
                most_people=sub["post_nms_topk"],
            )
            pairs = zip(found.places.levels, found.places.cells, strict=True)
            rows = [features[level].flatten(1)[:, cell] for level, cell in pairs]
            seen = torch.stack(rows) if rows else torch.zeros(0, 2304)
            written = head.atten_producer(seen)
            maps = head.maps(written, found.places, bases)
            keypoints = read_keypoints(maps, offsets)

        recorded = Recorded(case, sub["name"])
        assert len(found.scores) == sub["detections"]
        recorded.people(People(found, keypoints))
        if recorded.has("dynamic_params"):
            recorded.close("dynamic_params", written[:, ::7], rtol=1e-4, atol=1e-4)
        if recorded.has("heatmap_logits"):
            recorded.relative("heatmap_logits", maps)
        recorded.keypoints(keypoints)
        recorded.rows(People(found, keypoints), sub)


class Recorded:
    """The outputs of one sub-case."""

    def __init__(self, case: Any, name: str) -> None:
        self.case, self.name, self.tolerance = case, name, case.text["tolerance"]

    def has(self, output: str) -> bool:
        return f"{self.name}_{output}" in self.case.expected

    def __getitem__(self, output: str) -> np.ndarray:
        return self.case.expected[f"{self.name}_{output}"]

    def close(self, output: str, found: Any, *, rtol: float = 0.0, atol: float = 0.0) -> None:
        found = np.asarray(found).reshape(self[output].shape)
        np.testing.assert_allclose(found, self[output], rtol=rtol, atol=atol, err_msg=output)

    def relative(self, output: str, found: Any) -> None:
        (share,) = self.case.numbers(r"(\S+) x max", self.tolerance["heatmap_logits"])
        self.close(output, found, atol=share * np.abs(self[output]).max())

    def people(self, people: People) -> None:
        self.close("boxes", people.found.boxes, atol=self.tolerance["boxes_abs"])
        self.close("scores", people.found.scores, atol=self.tolerance["scores_abs"])
        self.close("locations", people.found.places.points)
        self.close("levels", people.found.places.levels)

    def keypoints(self, keypoints: Keypoints) -> None:
        if not self.has("argmax_index"):
            assert keypoints.points.shape == (0, 17, 2)
            return
        sure = self.sure
        np.testing.assert_array_equal(keypoints.cells.numpy()[sure], self["argmax_index"][sure])
        points, peaks = keypoints.points.numpy()[sure], keypoints.peaks.numpy()[sure]
        np.testing.assert_allclose(points, self["keypoints"][sure][:, :2], atol=1e-2)
        np.testing.assert_allclose(peaks, self["keypoints"][sure][:, 2], rtol=1e-3)
        assert ((keypoints.scores > 0) & (keypoints.scores <= 1)).all()

    @property
    def sure(self) -> np.ndarray:
        (margin,) = self.case.numbers(r"argmax_margin > (\S+),", self.tolerance["keypoints"])
        sure = self["argmax_margin"] > margin
        assert sure.mean() > 0.9
        return sure

    def rows(self, people: People, sub: dict[str, Any]) -> None:
        """What is handed out: the original image's pixels, clipped boxes, COCO's coordinates."""
        read, size = sub["image_size"][::-1], sub["output_size"][::-1]
        found, keypoints = people
        view = Seen(found.boxes, found.scores, keypoints.points, keypoints.scores)
        seen = in_image(view, read, size)
        assert len(seen.scores) == sub["after_postprocess"]
        self.close("final_boxes", seen.boxes, atol=self.tolerance["boxes_abs"])
        self.close("final_scores", seen.scores, atol=self.tolerance["scores_abs"])
        poses = as_poses(seen)
        if not poses:
            return
        points = np.stack([pose.keypoints for pose in poses])
        # Cells whose two best answers are equal but for rounding may differ.
        close = np.abs(points + PIXEL_CENTER - self["final_keypoints"][..., :2]) < 3e-2
        assert close.mean() > 0.99
        if self.has("coco_bbox"):
            self.close("coco_bbox", [pose.box.xywh for pose in poses], atol=2e-3)
            rows = self["coco_keypoints"].reshape(len(poses), 17, 3)[..., :2]
            assert (np.abs(points - rows) < 3e-2).mean() > 0.99
