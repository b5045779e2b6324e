"""The slim transfer net starts as the identity and learns to follow."""

import pytest
import torch
from torch.nn.functional import grid_sample, interpolate

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


@pytest.mark.parametrize(("height", "width"), [(16, 12), (12, 16), (2, 2)])
def test_flow_and_gains_are_those_of_half_the_resolution_enlarged(height: int, width: int) -> None:
    torch.manual_seed(0)
    network = SlimTransfer(keypoints=3, channels=8, blocks=1).eval()
    torch.nn.init.normal_(network.motion.weight, std=0.3)
    current, reference = torch.rand(2, 2, 3, height, width)

    with torch.no_grad():
        motion = network.motion(network.body(network.entry(torch.cat([current, reference], 1))))
        large = interpolate(motion, scale_factor=2.0, mode="bilinear", align_corners=False)
        carried = network(current, reference)

    flow, gain, own = large[:, :6].unflatten(1, (3, 2)), large[:, 6:9].tanh(), large[:, 9:].tanh()
    assert flow.abs().max() > 0.1
    for person in range(2):
        for keypoint in range(3):
            across, down = flow[person, keypoint]
            x = (torch.arange(width) + across) / (width - 1) * 2 - 1
            y = (torch.arange(height)[:, None] + down) / (height - 1) * 2 - 1
            moved = grid_sample(
                reference[person, keypoint][None, None],
                torch.stack([x, y], -1)[None],
                align_corners=True,
            )[0, 0]
            expected = moved * (1 + gain[person, keypoint]) + (current * own)[person, keypoint]
            torch.testing.assert_close(carried[person, keypoint], expected, rtol=0, atol=1e-5)


def test_it_learns_after_a_look_and_makes_no_constants_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = SlimTransfer(keypoints=1, channels=8, blocks=1)
    torch.nn.init.normal_(network.motion.weight)
    maps = torch.rand(1, 1, 20, 28)  # sides that no other test has
    with torch.inference_mode():
        network(maps, maps)
    monkeypatch.setattr(torch, "from_numpy", None)  # a captured CUDA graph may copy nothing in

    torch.autograd.backward(network(maps, maps).sum())

    assert network.motion.weight.grad is not None
    assert network.motion.weight.grad.abs().max() > 0
