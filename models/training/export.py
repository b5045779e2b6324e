"""Write trained networks as the bundled family: `python -m models.training.export --help`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from data.skeleton import FSPOSE_19
from models import zoo
from models.training import finder, pose, transfer


def descriptions() -> dict[str, tuple[str, zoo.Description]]:
    """Role to the bundled file's name and header."""
    found: dict[str, tuple[str, zoo.Description]] = {}
    for role in ("slow", "fast"):
        plan = pose.PLANS[role]
        _, size, sigma, _ = plan.rasters[-1]
        reads = {"size": list(size), "padding": 1.25, "sigma": sigma}
        found[role] = _named(role, plan.network, plan.arguments, reads)
    reads = {
        "side": finder.READ_SIDE,
        "least_candidate": 0.12,  # the finder's own score, before its box is checked
        "least_score": 0.18,
        "overlap": finder.OVERLAP,
    }
    found["finder"] = _named("finder", "finder", finder.ARGUMENTS, reads)
    reads = {"size": list(transfer.SIZE)}
    found["transfer"] = _named("transfer", "slim_transfer", transfer.ARGUMENTS, reads)
    return found


def _named(
    role: Any, network: str, arguments: dict[str, Any], reads: dict[str, Any]
) -> tuple[str, zoo.Description]:
    return f"fspose-{role}-1", zoo.Description(network, arguments, FSPOSE_19.name, role, reads)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("slow", "fast", "finder", "transfer"), nargs="+")
    parser.add_argument("--checkpoints", type=Path, required=True, help="Holds ROLE/average.pt.")
    parser.add_argument("--out", type=Path, required=True, help="The bundled folder.")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for role in options.role:
        name, description = descriptions()[role]
        network = zoo.unbuilt(description)
        state = torch.load(options.checkpoints / role / "average.pt", weights_only=True)
        network.load_state_dict(state)
        path = zoo.save_bundled(network, name, description, options.out)
        print(f"{path} {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
