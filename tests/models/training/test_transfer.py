"""What the transfer net learns from."""

import numpy as np
import torch

from data.skeleton import FSPOSE_19
from models.training.transfer import drawn, moved, right_cells, shifted


def test_a_shifted_map_peaks_a_step_further_and_lets_zeros_in() -> None:
    maps = drawn(torch.tensor([[[10.0, 12.0], [3.0, 3.0]]]), 1.5, (24, 32))

    steps = torch.tensor([[[4.0, -5.0], [-30.0, 0.0]]])
    after = shifted(maps, steps)

    assert divmod(int(after[0, 0].argmax()), 24) == (7, 14)
    assert float(after[0, 1].max()) < 1e-3


def test_limbs_turn_about_their_joints_and_keep_their_lengths_but_for_the_bodys_own_stretch() -> (
    None
):
    rng = np.random.default_rng(0)
    points = rng.uniform(5, 35, (19, 2)).astype(np.float32)
    shoulder, elbow = (FSPOSE_19.index(f"left_{part}") for part in ("shoulder", "elbow"))
    length = np.hypot(*(points[elbow] - points[shoulder]))

    lengths, places = [], []
    for _ in range(200):
        before = moved(points, 16, (40, 48), rng)
        lengths.append(np.hypot(*(before[elbow] - before[shoulder])))
        places.append(before[elbow] - before[shoulder])

    assert abs(np.median(lengths) / length - 1) < 0.1
    assert np.ptp(np.arctan2(*np.array(places).T)) > 1


def test_right_cells_counts_known_keypoints_near_their_target() -> None:
    target = drawn(torch.tensor([[[10.0, 12.0], [3.0, 3.0], [20.0, 20.0]]]), 1.5, (24, 32))
    maps = drawn(torch.tensor([[[12.0, 12.0], [9.0, 3.0], [1.0, 1.0]]]), 1.5, (24, 32))

    assert right_cells(maps, target, torch.tensor([[True, True, False]])) == 0.5
