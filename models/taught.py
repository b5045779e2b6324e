"""What training notes in a checkpoint beside its entries: the crop's size it was taught on.

The note lies where PyTorch keeps the version of each module, so that the file is still a bare
state dict which every program loads.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_NOTES = "_metadata"  # PyTorch's own attribute of a state dict
_SIZE = "crop_size"


def state_of(network: nn.Module, size: tuple[int, int] | None) -> OrderedDict[str, Tensor]:
    """A network's state dict on the CPU, with the note of a crop's `size` (width, height)."""
    state = network.state_dict()
    own: OrderedDict[str, Tensor] = OrderedDict((n, t.detach().cpu()) for n, t in state.items())
    notes = {name: dict(note) for name, note in getattr(state, _NOTES).items()}
    if size is not None:
        notes[""][_SIZE] = size
    setattr(own, _NOTES, OrderedDict(notes))
    return own


def size_of(path: Path) -> tuple[int, int] | None:
    """The size of crop that is noted in a sound checkpoint; None for those of other programs."""
    if not zipfile.is_zipfile(path):
        return None
    try:
        content: Any = torch.load(path, map_location="meta", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError):  # other objects beside it; an archive of it
        return None
    notes = getattr(content, _NOTES, None)
    note = notes.get("") if isinstance(notes, Mapping) else None
    size = note.get(_SIZE) if isinstance(note, Mapping) else None
    match size:
        case (int(width), int(height)) if width > 0 and height > 0:
            return width, height
    return None
