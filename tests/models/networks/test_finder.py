"""The finder's network: shapes, order of cells, and that it can learn."""

import torch

from models.networks.finder import STRIDES, FinderNet, cell_centers

TRUNK = {"width": 4, "keypoints": 1, "modules": (1, 1, 1), "blocks": 1, "stem": 4}


def test_one_answer_per_cell_of_every_level() -> None:
    network = FinderNet(trunk=TRUNK, head=8).eval()

    found = network(torch.zeros(2, 3, 64, 96))

    cells = sum((64 // stride) * (96 // stride) for stride in STRIDES)
    assert found.quality.shape == (2, cells)
    assert found.boxes.shape == (2, cells, 4)


def test_cells_are_counted_finest_first_and_row_by_row() -> None:
    centers, strides = cell_centers(32, 64)

    assert centers[:2].tolist() == [[4, 4], [12, 4]]
    assert centers[8].tolist() == [4, 12]
    assert strides.tolist() == [8] * 32 + [16] * 8 + [32] * 2


def test_an_untrained_finder_answers_boxes_around_their_cells() -> None:
    torch.manual_seed(0)
    network = FinderNet(trunk=TRUNK, head=8).eval()
    centers, _ = cell_centers(64, 64)

    with torch.inference_mode():
        boxes = network(torch.rand(1, 3, 64, 64)).boxes[0]

    assert bool(((boxes[:, :2] < centers) & (boxes[:, 2:] > centers)).all())
