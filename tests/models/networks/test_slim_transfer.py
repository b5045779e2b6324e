"""The slim transfer net starts as the identity and learns to follow."""

import torch

from models.networks.slim_transfer import SlimTransfer


def blob(x: float, y: float) -> torch.Tensor:
    rows, columns = torch.arange(16.0), torch.arange(12.0)
    down = torch.exp(-((rows - y) ** 2) / 4)
    across = torch.exp(-((columns - x) ** 2) / 4)
    return (down[:, None] * across)[None, None]


def test_untrained_it_returns_the_reference() -> None:
    network = SlimTransfer(keypoints=1, channels=8, blocks=1).eval()

    carried = network(blob(8, 8), blob(4, 5))

    torch.testing.assert_close(carried, blob(4, 5), rtol=0, atol=1e-5)


def test_it_learns_to_carry_the_reference_to_where_the_current_map_is() -> None:
    torch.manual_seed(0)
    network = SlimTransfer(keypoints=1, channels=8, blocks=1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    current, reference = blob(7, 9), blob(4, 6)
    before = float((reference - current).square().sum())

    for _ in range(80):
        error = (network(current, reference) - current).square().sum()
        optimizer.zero_grad()
        torch.autograd.backward(error)
        optimizer.step()

    assert float(error.detach()) < before / 4


def test_it_learns_to_leave_a_reference_that_says_nothing_out() -> None:
    torch.manual_seed(0)
    network = SlimTransfer(keypoints=1, channels=8, blocks=1)
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    current, reference = blob(3, 3), blob(9, 13)  # out of the small network's reach

    for _ in range(120):
        fused = (network(current, reference) + current) / 2
        error = (fused - current).square().sum()
        optimizer.zero_grad()
        torch.autograd.backward(error)
        optimizer.step()

    assert float(fused.detach()[0, 0, 13, 9]) < 0.1
    assert float(fused.detach()[0, 0, 3, 3]) > 0.8
