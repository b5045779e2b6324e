"""The embedded family: what lies in `models/bundled`, whether it is intact, and how to build it.

A bundled network is `<name>.safetensors` with half-precision entries, whose header says which
network to build and for what; `<name>.md`, its model card; and a line in `checksums.json`.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.resources
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from data.errors import WeightsError
from data.skeleton import SKELETONS
from models import weights
from models.finder import CheckedFinder, Finder
from models.folding import folded
from models.runtimes import ranges
from models.topdown import Calibrated, TopDown
from models.warp import Warp

Role = Literal["finder", "slow", "fast", "transfer"]

BUNDLED = Path(str(importlib.resources.files("models"))) / "bundled"
CHECKSUMS = "checksums.json"
MOST_PEOPLE = 100  # on one frame; more is a crowd that no skeleton can be read in

# Network names in a header, and where their classes live; imported when built, not before.
_NETWORKS = {
    "finder": ("models.networks.finder", "FinderNet"),
    "hrnet": ("models.networks.hrnet", "HRNet"),
    "mobilenet": ("models.networks.mobilenet", "MobileNet"),
    "plain": ("models.networks.plain", "PlainNet"),
    "slim_transfer": ("models.networks.slim_transfer", "SlimTransfer"),
    "transfer": ("models.networks.transfer", "TransferNet"),
}
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")  # not learnt, so not counted


@dataclass(frozen=True, slots=True)
class Description:
    """What a bundled file's header says.

    `arguments` are the keyword arguments of the network's class. `input` says what the network
    reads: `size` (width, height), and for top-down networks `padding` of the box and `sigma` of
    the taught Gaussians in cells of the map.
    """

    network: str
    arguments: Mapping[str, Any]
    skeleton: str
    role: Role
    input: Mapping[str, Any]

    def header(self) -> dict[str, str]:
        """The same as safetensors stores it: text under text."""
        return {
            "network": self.network,
            "arguments": json.dumps(dict(self.arguments), sort_keys=True),
            "skeleton": self.skeleton,
            "role": self.role,
            "input": json.dumps(dict(self.input), sort_keys=True),
        }


@dataclass(frozen=True, slots=True)
class BundledModel:
    """One bundled network: its file, what it is, and how big; `sha256` is the recorded one."""

    name: str
    path: Path
    description: Description
    bytes: int
    sha256: str | None
    parameters: int
    card: str

    @property
    def role(self) -> Role:
        return self.description.role

    @property
    def network(self) -> str:
        return self.description.network


def bundled(folder: Path = BUNDLED) -> list[BundledModel]:
    """Every network of the folder, by name; WeightsError for a file that is none."""
    recorded = _checksums(folder)
    return [_read(path, recorded.get(path.name)) for path in sorted(folder.glob("*.safetensors"))]


def find(name: str, folder: Path = BUNDLED) -> BundledModel:
    """The bundled network of that name; WeightsError where there is none."""
    models = {model.name: model for model in bundled(folder)}
    if name not in models:
        raise WeightsError(f"There is no bundled network {name!r}; there are: {_list(models)}.")
    return models[name]


def of_role(role: Role, folder: Path = BUNDLED) -> BundledModel:
    """The one bundled network that plays a role; WeightsError where none or several do."""
    models = [model for model in bundled(folder) if model.role == role]
    if len(models) != 1:
        names = _list(model.name for model in models)
        raise WeightsError(f"One bundled {role} network is expected in {folder}, found: {names}.")
    return models[0]


def verify(model: BundledModel) -> None:
    """WeightsError unless the file's SHA-256 is the recorded one."""
    if model.sha256 is None:
        raise WeightsError(f"{model.path} has no checksum in {CHECKSUMS}; install fspose again.")
    try:
        content = model.path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{model.path} cannot be read; install fspose again.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != model.sha256:
        difference = f"has SHA-256 {found[:12]}…, {model.sha256[:12]}… was recorded"
        raise WeightsError(f"{model.path} {difference}; install fspose again.")


def build(name: str, device: torch.device | str, folder: Path = BUNDLED) -> nn.Module:
    """A bundled network with its weights, verified: float32, in evaluation mode, on `device`."""
    return _build(find(name, folder), device)


def topdown(
    role: Role,
    device: torch.device | str,
    folder: Path = BUNDLED,
    *,
    checkpoint: Path | None = None,
) -> TopDown:
    """The slow or the fast network, ready for images and boxes; its maps' ideal peak is 1.

    `checkpoint` is a file with other weights for the same network, or one that describes itself.
    """
    model = chosen(role, folder, checkpoint)
    settings = model.description.input
    try:
        width, height = settings["size"]
        padding, head = float(settings["padding"]), Calibrated(settings["sigma"])
        skeleton = SKELETONS[model.description.skeleton]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{model.path}: its header describes no top-down network.") from error
    return TopDown(
        folded(_build(model, device, checkpoint)),
        size=(width, height),
        padding=padding,
        skeleton=skeleton,
        device=device,
        head=head,
        ranges=functools.partial(ranges.beside, checkpoint or model.path),
    )


def finder(
    device: torch.device | str,
    folder: Path = BUNDLED,
    *,
    least_score: float | None = None,
    most: int = MOST_PEOPLE,
    checkpoint: Path | None = None,
) -> CheckedFinder:
    """The person finder, whose boxes the family's fast network checks.

    Without `least_score` at the one that its header recommends; it hands out the best `most`
    people. `checkpoint` is a file with other weights for the same network, or one that describes
    itself.
    """
    model = chosen("finder", folder, checkpoint)
    settings = model.description.input
    try:
        overlap = float(settings["overlap"])
        found = Finder(
            folded(_build(model, device, checkpoint)),
            side=int(settings["side"]),
            least_score=float(settings["least_candidate"]),
            overlap=overlap,
            most=most,
            device=device,
            ranges=functools.partial(ranges.beside, checkpoint or model.path),
        )
        least = float(settings["least_score"] if least_score is None else least_score)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{model.path}: its header describes no person finder.") from error
    net = topdown("fast", device, folder)
    return CheckedFinder(found, net, least_score=least, overlap=overlap, most=most)


def warp(
    device: torch.device | str, folder: Path = BUNDLED, *, checkpoint: Path | None = None
) -> Warp:
    """The transfer network, ready for pairs of heatmaps.

    `checkpoint` is a file with other weights for the same network, or one that describes itself.
    """
    model = chosen("transfer", folder, checkpoint)
    return Warp(folded(_build(model, device, checkpoint)), device)


def save_bundled(network: nn.Module, name: str, description: Description, folder: Path) -> Path:
    """Write a network's entries in half precision, and its checksum; returns the file.

    ValueError where an entry does not fit half precision. The model card is written by hand.
    """
    content = packed(network, description)
    path = folder / f"{name}.safetensors"
    _replace(path, content)
    checksums = _checksums(folder) | {path.name: hashlib.sha256(content).hexdigest()}
    text = json.dumps(checksums, indent=2, sort_keys=True) + "\n"
    _replace(folder / CHECKSUMS, text.encode())
    return path


def packed(network: nn.Module, description: Description) -> bytes:
    """A network's file: its entries in half precision, and what they are; ValueError as above."""
    entries = {entry: _halved(entry, tensor) for entry, tensor in network.state_dict().items()}
    return save(entries, metadata=description.header())


def chosen(role: Role, folder: Path, checkpoint: Path | None) -> BundledModel:
    """The network of a role: the one that a checkpoint's own header describes, else the family's.

    Raises WeightsError where the header describes one of another role.
    """
    own = None if checkpoint is None else described(checkpoint)
    if own is None:
        return of_role(role, folder)
    if own.role != role:
        raise WeightsError(f"{own.path} holds a {own.role} network, expected a {role} one.")
    return own


def described(path: Path) -> BundledModel | None:
    """The network of a file in the family's own form, as `fspose train` writes it; else None."""
    if path.suffix != ".safetensors" or not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
    except (SafetensorError, OSError):
        return None  # whoever reads it tells what is wrong
    return _read(path, None) if {"network", "arguments", "role"} <= set(header) else None


def unbuilt(description: Description) -> nn.Module:
    """The described network before any weights; WeightsError for one that is not known."""
    if description.network not in _NETWORKS:
        known = _list(_NETWORKS)
        raise WeightsError(f"Unknown network {description.network!r}; known are: {known}.")
    module, class_name = _NETWORKS[description.network]
    network = getattr(importlib.import_module(module), class_name)(**description.arguments)
    assert isinstance(network, nn.Module)
    return network


def _build(
    model: BundledModel, device: torch.device | str, checkpoint: Path | None = None
) -> nn.Module:
    if checkpoint is None:
        verify(model)
    network = unbuilt(model.description)
    weights.load(network, checkpoint or model.path)
    return network.float().to(device).eval()


def _read(path: Path, sha256: str | None) -> BundledModel:
    """A file's header and size; the weights stay on the disk."""
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
        description = Description(
            network=header["network"],
            arguments=json.loads(header["arguments"]),
            skeleton=header["skeleton"],
            role=_role(header["role"]),
            input=json.loads(header["input"]),
        )
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise WeightsError(f"{path} is no bundled network; install fspose again.") from error
    learnt = {name: s for name, s in shapes.items() if not name.endswith(_STATISTICS)}
    card = path.with_suffix(".md")
    return BundledModel(
        name=path.stem,
        path=path,
        description=description,
        bytes=path.stat().st_size,
        sha256=sha256,
        parameters=sum(math.prod(shape) for shape in learnt.values()),
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
    )


def _role(text: str) -> Role:
    for role in get_args(Role):
        if role == text:
            return role
    raise ValueError(f"unknown role {text!r}")


def _checksums(folder: Path) -> dict[str, str]:
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} is no list of checksums; install fspose again.") from error


def _halved(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor.cpu().contiguous()
    half = tensor.detach().half().cpu().contiguous()
    if not half.isfinite().all():
        raise ValueError(f"{name} does not fit half precision")
    return half


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file and rename, so that no half-written file bears the name."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
