"""FCPose's targets and losses against recorded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.networks import fcpose
from models.networks.fcos import LevelAnswer, Places
from models.networks.fcpose import Auxiliary, FCPose, FCPoseAnswer
from models.training import fcpose_loss
from models.training.fcos_loss import assigned
from models.training.fcpose_loss import Truth, chosen_cells, drawn_keypoints, keypoint_cells, losses

FAMILY = "fcpose_loss"
CONTROLLER = "proposal_generator.fcpose_head."
TOLERANCES = {"losses": r"rtol (\S+)", "gradients": r"rtol (\S+)", "targets": r"(\S+)"}


class Given:
    """The case's inputs as tensors that gather gradients."""

    def __init__(self, case: Any) -> None:
        given, seed = case.text["input"], case.seed
        self.levels, self.features = [], []
        for level in range(5):
            parts = (case.inputs[f"{name}_{level}"] for name in ("logits", "reg", "ctrness"))
            answer = LevelAnswer(*(leaf(part) for part in parts), torch.empty(0))
            shape = (2, 2304, *answer.logits.shape[2:])
            self.features.append(leaf(normal(seed, 50 + level, shape)))
            self.levels.append(answer)
        height, width = given["padded_size"]
        bases = normal(seed, 60, (2, 66, height // 8, width // 8))
        bases[:, 32:] *= np.float32(6)
        self.answer = FCPoseAnswer(tuple(self.levels), leaf(bases))
        self.auxiliary = Auxiliary(
            leaf(0.3 * normal(seed, 61, (2, 17, height // 8, width // 8), np.float64)),
            leaf(0.3 * normal(seed, 62, (2, 17, height // 2, width // 2), np.float64)),
        )
        self.truths = [
            Truth(
                torch.from_numpy(case.inputs[f"gt_boxes_{image}"]),
                torch.from_numpy(case.inputs[f"gt_keypoints_{image}"]),
                tuple(size),
            )
            for image, size in enumerate(given["image_sizes"])
        ]

    def at(self, places: Places) -> torch.Tensor:
        rows = zip(places.levels, places.images, places.cells, strict=True)
        found = [self.features[level][image].flatten(1)[:, cell] for level, image, cell in rows]
        return torch.stack(found)


def leaf(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32)).requires_grad_()


def normal(seed: int, stream: int, shape: Any, kind: Any = np.float32) -> np.ndarray:
    return np.random.default_rng([seed, stream]).standard_normal(shape).astype(kind)


@pytest.fixture
def given(case: Any) -> Given:
    return Given(case)


@pytest.fixture
def network(case: Any) -> FCPose:
    """Only its keypoint head is used."""
    with torch.device("meta"):
        network = fcpose.fcpose_r50(17)
    network.head.to_empty(device="cpu")
    entries = {n.removeprefix(CONTROLLER): tensor for n, tensor in case.entries().items()}
    entries["atten_producer.weight"] *= np.float32(0.1)
    entries["sizes_of_interest"] = torch.tensor(fcpose.SIZES, dtype=torch.float32)
    network.head.load_state_dict(entries)
    return network


def close(case: Any, kind: str, found: Any, name: str) -> None:
    (tolerance,) = case.numbers(TOLERANCES[kind], case.text["tolerance"][kind])
    both = {"rtol": tolerance, "atol": tolerance if kind == "targets" else 0}
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    np.testing.assert_allclose(found.squeeze(), case.expected[name].squeeze(), **both, err_msg=name)


def test_cells_answer_for_the_recorded_people(case: Any, given: Given) -> None:
    boxes = [truth.boxes for truth in given.truths]

    taught = assigned(given.levels, (8, 16, 32, 64, 128), boxes, fcpose.SIZES[:4])

    here = taught.positive
    person = case.expected["labels"] == 0
    np.testing.assert_array_equal(taught.people != -1, person)
    np.testing.assert_array_equal(taught.people[here], case.expected["gt_inds"][person])
    np.testing.assert_array_equal(taught.places.images, case.expected["im_inds"])
    close(case, "targets", taught.sides[here], "pos_reg_targets")
    close(case, "targets", taught.centerness[here], "pos_ctrness_targets")


def test_the_drawn_maps_are_the_recorded_ones(case: Any, given: Given) -> None:
    height, width = case.text["input"]["padded_size"]
    fine = drawn_keypoints(given.truths, 2, (height // 2, width // 2))
    coarse = drawn_keypoints(given.truths, 8, (height // 8, width // 8))
    cells = torch.cat([keypoint_cells(truth, width // 2) for truth in given.truths])

    close(case, "targets", fine[0, :, ::2, ::2], "basis_heatmap_0")
    close(case, "targets", coarse[0], "p3_heatmap_0")
    for name, maps in (("basis", fine), ("p3", coarse)):
        sums, squares = (case.expected[f"{name}_heatmap_{end}"] for end in ("sum", "sq_sum"))
        np.testing.assert_allclose(maps.sum((2, 3)), sums, rtol=1e-5)
        np.testing.assert_allclose(maps.square().sum(), squares[0], rtol=1e-5)
    np.testing.assert_array_equal(cells, case.expected["head_target_index"])
    np.testing.assert_array_equal(cells >= 0, case.expected["head_target_count"] == 1)


def test_losses_and_their_gradients_are_the_recorded_ones(
    case: Any, given: Given, network: FCPose
) -> None:
    for sub in case.text["subcases"]:
        name = sub["name"]
        leaves = _leaves(given, network)
        for tensors in leaves.values():
            for tensor in tensors:
                tensor.grad = None

        found = losses(
            network,
            given.answer,
            given.auxiliary,
            given.truths,
            features=given.at,
            most_cells=sub["MAX_PROPOSALS"],
        )
        found.total.backward()

        pairs = {
            "loss_fcos_cls": found.fcos.cls,
            "loss_fcos_loc": found.fcos.loc,
            "loss_fcos_ctr": found.fcos.ctr,
            "p1_loss": found.p1,
            "p3_loss": found.p3,
            "loss_keypoint": found.keypoint,
            "loss_direction": found.direction,
            "total": found.total,
        }
        for loss, value in pairs.items():
            close(case, "losses", value, f"{name}_{loss}")
        for part, tensors in leaves.items():
            sums = [total(tensor.grad) for tensor in tensors]
            if part == "bases":
                grad = tensors[0].grad.abs()
                sums = [float(grad[:, :32].sum()), float(grad[:, 32:].sum())]
            close(case, "gradients", sums, f"{name}_grad_{part}")
        _assert_kept(case, given, name, sub["MAX_PROPOSALS"])


def total(gradient: torch.Tensor | None) -> float:
    """0 for a level on which no cell answers for anybody."""
    return 0.0 if gradient is None else float(gradient.abs().sum())


def _leaves(given: Given, network: FCPose) -> dict[str, list[torch.Tensor]]:
    controller = network.head.atten_producer
    assert isinstance(controller, nn.Linear)
    return {
        "logits": [level.logits for level in given.levels],
        "reg": [level.sides for level in given.levels],
        "ctrness": [level.centerness for level in given.levels],
        "top_feat": given.features,
        "bases": [given.answer.bases],
        "p1_p3": [given.auxiliary.p1, given.auxiliary.p3],
        "controller": [controller.weight, controller.bias],
    }


def _assert_kept(case: Any, given: Given, name: str, most: int) -> None:
    """The cells that teach keypoints, as a set: their order says nothing."""
    boxes = [truth.boxes for truth in given.truths]
    taught = assigned(given.levels, (8, 16, 32, 64, 128), boxes, fcpose.SIZES[:4])
    kept = chosen_cells(given.answer, taught, most)
    places = kept.places
    count = (1 / kept.shares).round().int()
    found = zip(
        kept.people.tolist(),
        places.levels.tolist(),
        map(tuple, places.points.tolist()),
        places.images.tolist(),
        count.tolist(),
        strict=True,
    )
    parts = ("gt", "levels", "locations", "images", "count_of_gt")
    columns = [case.expected[f"{name}_kept_{part}"].tolist() for part in parts]
    columns[2] = [tuple(point) for point in columns[2]]
    assert sorted(zip(*columns, strict=True)) == sorted(found)
    assert fcpose_loss.MOST_CELLS == 70
