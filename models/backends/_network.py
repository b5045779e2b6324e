"""A detector's network with a checkpoint's numbers: what the detectron2 backends do alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from data.errors import WeightsError
from data.skeleton import COCO_17
from models import detectron
from models.weights import Entries, Renames, read_with_versions

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Network]):
    """A kind of detector: its title, its variants, of which the first stands for `auto`, and how
    a checkpoint's entries (with `renames`) tell the `arguments` that build it."""

    title: str
    variants: Mapping[str, Callable[[int], Network]]
    arguments: Callable[[Entries], Mapping[str, Any] | None]
    of_arguments: Callable[..., Network]
    renames: Renames

    def network(self, path: Path | None, variant: str) -> Network:
        """The variant asked for, with the checkpoint's numbers; random ones without a `path`.

        With `auto` it is what the checkpoint holds. Raises WeightsError for one of another
        network or of other keypoints than COCO's.
        """
        asked = next(iter(self.variants)) if variant == "auto" else variant
        if path is None:
            return self.variants[asked](len(COCO_17))
        entries, versions = read_with_versions(path)
        found = self.arguments(entries)
        with torch.device("meta"):
            if variant == "auto" and found is not None:
                network = self.of_arguments(**found)
            else:
                network = self.variants[asked](len(COCO_17))
        detectron.fit(network, entries, versions, path, self.renames)
        check_keypoints(network.keypoints, self.title, path)
        return network.float()


def check_keypoints(count: object, title: str, path: Path) -> None:
    """WeightsError unless a checkpoint is for COCO's keypoints."""
    if count != len(COCO_17):
        raise WeightsError(
            f"{path} holds {title} for {count} keypoints; COCO's {len(COCO_17)} are known here."
        )
