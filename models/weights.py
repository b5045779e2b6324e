"""Open a checkpoint safely, unwrap it, rename its entries, load it strictly, say what differs."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from struct import error as StructError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from data.errors import WeightsError

Renames = Sequence[tuple[str, str | None]]
"""Regular expression and replacement, applied in order; None drops a known, unused entry."""

Entries = dict[str, Tensor]

SHOWN = 5  # entries named in an error; the rest is counted

_WRAPPERS = ("model", "state_dict", "best_state_dict")  # from the outside in
_TELLTALES = {  # network class: what to call it, and an entry that only it has
    "HRNet": ("HRNet, a slow network", "stage4.0.fuse_layers.0.1.0.weight"),
    "MobileNet": ("the MobileNet fast network", "hm_conv.weight"),
    "TransferNet": ("a transfer network", "offset_feats.0.conv1.weight"),
    "PlainNet": ("the embedded family's plain network", "up.0.conv1.weight"),
    "SlimTransfer": ("the embedded family's transfer network", "motion.weight"),
    "FinderNet": ("the embedded family's finder", "quality_tower.0.weight"),
}

# What the libraries are seen to raise over damaged files; the weights-only unpickler walks into
# almost any of Python's own errors.
_DAMAGE = (
    pickle.UnpicklingError,
    SafetensorError,
    RuntimeError,
    EOFError,
    OSError,
    StructError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
)


def load(network: nn.Module, path: Path, renames: Renames = ()) -> None:
    """Fill `network` from a checkpoint, every entry of it and nothing else.

    Raises WeightsError where the file cannot be read, or an entry is missing, unexpected or of
    another shape.
    """
    entries = renamed(read(path), renames, path)
    _compare(network, entries, path)
    network.load_state_dict(entries)


def read(path: Path) -> Entries:
    """A checkpoint's entries on the CPU, without the wrappers that training loops put around them.

    Reads `.safetensors` and what torch saves, old and new form; unpickles no foreign class. Raises
    WeightsError where the file is missing, empty, damaged, or no checkpoint.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such checkpoint file.")
    try:
        content = _open(path)
    except _DAMAGE as error:
        raise WeightsError(f"{path} {_what_is_wrong(error)}") from error
    return _unwrapped(content, path)


def renamed(entries: Entries, renames: Renames, path: Path) -> Entries:
    """The same entries under the network's own names; WeightsError where two become one."""
    result: Entries = {}
    for old, tensor in entries.items():
        new = _renamed(old, renames)
        if new is None:
            continue
        if new in result:
            raise WeightsError(f"{path}: two entries become {new}, the second being {old}.")
        result[new] = tensor
    return result


def _renamed(name: str, renames: Renames) -> str | None:
    for pattern, replacement in renames:
        if replacement is not None:
            name = re.sub(pattern, replacement, name)
        elif re.search(pattern, name):
            return None
    return name


def _what_is_wrong(error: Exception) -> str:
    """The rest of a sentence that begins with the file's path, and what to do."""
    if isinstance(error, PermissionError):
        return "may not be read; check its permissions."
    if isinstance(error, pickle.UnpicklingError) and "Unsupported" in str(error):
        return "holds Python objects beside its tensors; save its state dict alone."
    return "is no checkpoint, or is empty, damaged or cut short; fetch or copy it again."


def _open(path: Path) -> object:
    if path.suffix == ".safetensors":
        return load_file(path)
    with path.open("rb") as file:
        start = file.read(2)
    # A zip archive, or a pickle: anything else is refused before torch guesses at it.
    if not (zipfile.is_zipfile(path) or start[:1] == b"\x80"):
        raise pickle.UnpicklingError("neither an archive nor a pickle")
    return torch.load(path, map_location="cpu", weights_only=True)


def _unwrapped(content: object, path: Path) -> Entries:
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no network's entries; give a file of a state dict.")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            kind = type(value).__name__
            raise WeightsError(f"{path}: entry {name!r} is a {kind}; a tensor was expected.")
    entries = dict(content)
    while all(name.startswith("module.") for name in entries):
        entries = {name.removeprefix("module."): tensor for name, tensor in entries.items()}
    return entries


def _compare(network: nn.Module, entries: Entries, path: Path) -> None:
    """WeightsError unless names and shapes are the network's own."""
    own = network.state_dict()
    missing = [name for name in own if name not in entries]
    unexpected = [name for name in entries if name not in own]
    misshapen = [
        f"{name} ({_shape(entries[name])}, not {_shape(tensor)})"
        for name, tensor in own.items()
        if name in entries and entries[name].shape != tensor.shape
    ]
    if not (missing or unexpected or misshapen):
        return
    kind = type(network).__name__
    differences = (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
    counts = ", ".join(f"{len(names)} {what}" for what, names in differences)
    first = [f"{what} {name}" for what, names in differences for name in names][:SHOWN]
    shown = ", ".join(first)
    guess = looks_like(entries)
    own_kind = _TELLTALES.get(kind, (None, ""))[0]
    hint = f" It looks like {guess}." if guess and guess != own_kind else ""
    raise WeightsError(f"{path} does not fit {kind}: {counts} entries ({shown}).{hint}")


def looks_like(names: Iterable[str]) -> str | None:
    """Which known network a checkpoint's entries belong to, in words; None where none is known."""
    present = set(names)
    return next((words for words, entry in _TELLTALES.values() if entry in present), None)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
