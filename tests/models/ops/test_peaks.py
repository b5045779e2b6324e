"""How sure a map is of its peak."""

from __future__ import annotations

import torch

from models.ops.peaks import peak_shares


def test_a_share_is_that_of_the_cells_around_the_peak() -> None:
    maps = torch.full((1, 3, 8, 8), -60.0)
    maps[0, 0, 4, 4] = 0
    maps[0, 1, 4, 4] = maps[0, 1, 4, 5] = 0
    maps[0, 2, 1, 1] = maps[0, 2, 6, 6] = maps[0, 2, 1, 6] = maps[0, 2, 6, 1] = 0

    torch.testing.assert_close(peak_shares(maps), torch.tensor([[1.0, 1.0, 0.25]]))


def test_a_peak_in_the_corner_has_four_cells() -> None:
    maps = torch.zeros(1, 1, 4, 4)
    maps[0, 0, 0, 0] = 1e-6

    torch.testing.assert_close(peak_shares(maps), torch.tensor([[4 / 16]]), atol=1e-4, rtol=0)


def test_nobody_has_no_shares() -> None:
    assert peak_shares(torch.zeros(0, 17, 56, 56)).shape == (0, 17)
