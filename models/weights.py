"""Open a checkpoint safely, unwrap it, rename its entries, load it strictly, say what differs."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from struct import error as StructError
from typing import BinaryIO

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from data.errors import WeightsError
from models import archives, pickled
from models.layouts import looks_like
from models.pickled import Array, Unread

Renames = Sequence[tuple[str, str | None]]
"""Regular expression and replacement, applied in order; None drops a known, unused entry."""

Entries = dict[str, Tensor]

Versions = Mapping[str, int]
"""By a module's name: which form of its entries a file holds (torch's `Module._version`)."""

_CAFFE2_LIST = "weight_order"  # what Caffe2's files hold beside their arrays

SHOWN = 5  # entries named in an error; the rest is counted

_WRAPPERS = ("model", "state_dict", "best_state_dict", "blobs")  # from the outside in

# What the libraries are seen to raise over damaged files; the weights-only unpickler walks into
# almost any of Python's own errors.
DAMAGE = (
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
    compare(network, entries, path)
    network.load_state_dict(entries)


def adopt(network: nn.Module, entries: Entries, path: Path) -> None:
    """Make a checkpoint's tensors the network's own, without a copy; it may be on "meta" before.

    `path` is what to call the checkpoint. Raises WeightsError as `load` does.
    """
    compare(network, entries, path)
    network.load_state_dict(entries, assign=True)


def read(path: Path) -> Entries:
    """A checkpoint's entries on the CPU, without the wrappers that training loops put around them.

    Reads `.safetensors`, what torch saves, old and new form, either in a zip archive, whole or
    split (any part's path, or the archive's), and pickles of NumPy arrays. Unpickles no foreign
    class. Raises WeightsError where the file is missing, empty, damaged, or no checkpoint.
    """
    return read_with_versions(path)[0]


def read_with_versions(path: Path) -> tuple[Entries, Versions]:
    """The same, and the versions that torch noted of modules, where it did."""
    if not archives.parts(path):
        raise WeightsError(f"{path}: there is no such checkpoint file.")
    try:
        content = _open(path)
    except DAMAGE as error:
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
    if isinstance(error, pickle.UnpicklingError) and "nsupported" in str(error):
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        kind = f" ({found[1]})" if found else ""
        return (
            f"holds Python objects beside its tensors{kind}, which are not opened. "
            "Save its state dict alone, where it was made: torch.save(network.state_dict(), FILE)."
        )
    return "is no checkpoint, or is empty, damaged or cut short; fetch or copy it again."


def _open(path: Path) -> object:
    if path.suffix == ".safetensors":
        return load_file(path)
    if archives.is_archive(path):
        with archives.opened(path) as unpacked:
            return _unpickled(unpacked)
    with path.open("rb") as file:
        return _unpickled(file)


def _unpickled(file: BinaryIO) -> object:
    """What torch saved, or a pickle. Torch's own classes are rebuilt, some others replaced by
    stand-ins (`models/pickled.py`), all others refused.

    Anything else is refused before torch guesses at it.
    """
    if pickled.is_plain(file):
        return pickled.load(file)
    start = file.read(1)
    if not (start == b"\x80" or zipfile.is_zipfile(file)):
        raise pickle.UnpicklingError("neither an archive nor a pickle")
    file.seek(0)
    with torch.serialization.safe_globals([*pickled.stand_ins()]):
        return torch.load(file, map_location="cpu", weights_only=True)


def _unwrapped(content: object, path: Path) -> tuple[Entries, Versions]:
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise WeightsError(f"{path} holds no network's entries; give a file of a state dict.")
    versions = _versions(content)
    entries = {name: _tensor(name, content, path) for name in content if name != _CAFFE2_LIST}
    while entries and all(name.startswith("module.") for name in entries):
        entries = {name.removeprefix("module."): tensor for name, tensor in entries.items()}
        versions = {name.removeprefix("module."): version for name, version in versions.items()}
    return entries, versions


def _versions(content: Mapping[str, object]) -> Versions:
    """What torch keeps beside the entries of a state dict that it saved itself."""
    notes = getattr(content, "_metadata", None)
    if not isinstance(notes, Mapping):
        return {}
    found = {name: n.get("version") for name, n in notes.items() if isinstance(n, Mapping)}
    return {str(name): number for name, number in found.items() if isinstance(number, int)}


def _tensor(name: object, content: Mapping[str, object], path: Path) -> Tensor:
    """One entry; WeightsError where it is none."""
    value = content[str(name)] if isinstance(name, str) else None
    if isinstance(value, Array):
        try:
            return value.tensor()
        except (ValueError, TypeError, LookupError):  # objects, words, or bytes that are too few
            value = Unread()
    if isinstance(value, Tensor):
        return value
    kind = "NumPy array or the like" if isinstance(value, Unread) else type(value).__name__
    guess = looks_like({str(entry): torch.empty(0) for entry in content})
    hint = f" It looks like {guess}." if guess else ""
    raise WeightsError(f"{path}: entry {name!r} is a {kind}; a tensor was expected.{hint}")


def compare(network: nn.Module, entries: Entries, path: Path) -> None:
    """WeightsError unless names and shapes are the network's own, and all numbers finite.

    It says which network the entries look like, where that is another.
    """
    own = network.state_dict()
    missing = [name for name in own if name not in entries]
    unexpected = [name for name in entries if name not in own]
    misshapen = [
        f"{name} ({_shape(entries[name])}, not {_shape(tensor)})"
        for name, tensor in own.items()
        if name in entries and entries[name].shape != tensor.shape
    ]
    if not (missing or unexpected or misshapen):
        _require_numbers(entries, path)
        return
    kind = type(network).__name__
    differences = (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
    counts = ", ".join(f"{len(names)} {what}" for what, names in differences)
    first = [f"{what} {name}" for what, names in differences for name in names][:SHOWN]
    shown = ", ".join(first)
    guess = looks_like(entries)
    hint = f" It looks like {guess}." if guess and guess != looks_like(own) else ""
    raise WeightsError(f"{path} does not fit {kind}: {counts} entries ({shown}).{hint}")


def _require_numbers(entries: Entries, path: Path) -> None:
    """WeightsError for what is no number: a network full of it finds nobody, without a word."""
    for name, tensor in entries.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise WeightsError(
                f"{path}: {name} holds what is no finite number; the training that wrote the file "
                "went wrong, or the file is damaged."
            )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"
