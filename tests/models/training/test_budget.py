"""Training for a time budget: checkpoints, and resuming from them."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from models.training.budget import Recipe, train


def line() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def loss(network: nn.Module, share: float) -> Tensor:
    x = torch.linspace(-1, 1, 32)[:, None]
    return (network(x) - (3 * x + 1)).square().mean()


def test_a_network_learns_and_its_average_is_kept(tmp_path: Path) -> None:
    recipe = Recipe(minutes=0.02, rate=0.05, decay=0.0, warmup=1, average=0.9)

    average = train(line(), loss, lambda net: "", tmp_path, recipe)

    assert float(loss(average, 1.0).detach()) < 0.05
    kept = torch.load(tmp_path / "average.pt", weights_only=True)
    torch.testing.assert_close(kept, dict(average.state_dict()))


def test_a_used_budget_trains_no_further(tmp_path: Path) -> None:
    recipe = Recipe(minutes=0.005, warmup=1)
    first = train(line(), loss, lambda net: "", tmp_path, recipe)

    def refuses(network: nn.Module, share: float) -> Tensor:
        raise AssertionError("the budget was used")

    again = train(line(), refuses, lambda net: "", tmp_path, recipe)

    torch.testing.assert_close(dict(again.state_dict()), dict(first.state_dict()))


def test_a_longer_budget_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    train(line(), loss, lambda net: "", tmp_path, Recipe(minutes=0.005, warmup=1))
    shares: list[float] = []

    def watched(network: nn.Module, share: float) -> Tensor:
        shares.append(share)
        return loss(network, share)

    train(line(), watched, lambda net: "", tmp_path, Recipe(minutes=0.01, warmup=1))

    assert shares[0] == pytest.approx(0.5, abs=0.1)
