"""What tests of commands share: a tiny family of networks, and commands run as a person does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from torch import nn

from fspose_app.cli import main
from models import zoo
from models.networks.finder import FinderNet
from models.networks.plain import PlainNet
from models.networks.transfer import TransferNet

TRUNK = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}
FINDER = {"trunk": TRUNK, "head": 8}
POSE = {"keypoints": 19, "widths": [8, 8], "blocks": 1}
TRANSFER = {"keypoints": 19, "blocks": 1, "channels": 4, "dilations": [1, 2]}
FINDER_INPUT = {"side": 96, "least_candidate": 0.6, "least_score": 0.05, "overlap": 0.01}
POSE_INPUT = {"size": [48, 64], "padding": 1.25, "sigma": 2}


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Untrained networks that answer bright things with people, whose keypoints are anywhere."""
    folder = tmp_path_factory.mktemp("family")
    finder = FinderNet(**FINDER)
    _fill(finder, "quality.weight", 0.3)
    with torch.no_grad():
        finder.quality.bias.zero_()
        finder.sides.weight.zero_()  # boxes of three sizes
    _save(finder, "finder", "finder", FINDER, FINDER_INPUT, folder)
    for role in ("slow", "fast"):
        net = PlainNet(**POSE)
        _fill(net, list(net.state_dict())[-2], 100.0)
        _save(net, role, "plain", POSE, POSE_INPUT, folder)
    transfer = TransferNet(**TRANSFER)
    _save(transfer, "transfer", "transfer", TRANSFER, {}, folder)
    return folder


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames of 96 x 64 at 10 per second: a bright square goes to and fro."""
    return write_video(tmp_path_factory.mktemp("video") / "square.mp4", 40)


def write_video(path: Path, frames: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(frames):
            left = 5 + 2 * abs(index % 60 - 30)
            image = np.full((64, 96, 3), 40, np.uint8)
            image[20:44, left : left + 24] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def fspose() -> Callable[..., Result]:
    """The command itself, in this process: arguments in, exit code and what was said out.

    Every command but `fspose models fetch` runs with connections refused.
    """

    def run(*args: object) -> Result:
        typed = [str(arg) for arg in args]
        fetches = typed[:2] == ["models", "fetch"]
        with nullcontext() if fetches else no_connections():
            return CliRunner().invoke(main, typed, prog_name="fspose")

    return run


@contextmanager
def no_connections() -> Iterator[None]:
    """Python's sockets connect to nobody and look no name up; whoever tries is a bug."""

    def refuse(*args: object, **_: object) -> None:
        raise AssertionError(f"a connection was tried: {args[1:]}")

    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


def _fill(network: nn.Module, loud: str, gain: float) -> None:
    """The same numbers whatever torch's generator does; the entry `loud` is multiplied."""
    rng = np.random.default_rng(7)
    with torch.no_grad():
        for name, value in network.named_parameters():
            fan = max(1, value[0].numel())
            if value.dim() > 1:
                numbers = rng.normal(0, (2 / fan) ** 0.5, tuple(value.shape))
                value.copy_(torch.from_numpy(numbers) * (gain if name == loud else 1.0))


def _save(
    network: nn.Module,
    role: zoo.Role,
    kind: str,
    arguments: dict[str, object],
    reads: dict[str, object],
    folder: Path,
) -> None:
    description = zoo.Description(kind, arguments, "fspose-19", role, reads)
    zoo.save_bundled(network, f"tiny-{role}", description, folder)
