"""Checkpoints of detectron2's networks: whole ones, and trunks trained on ImageNet.

FCPose specification 2.1 and 2.3. What a file may lack or may hold in an older form is put right
here, entry by entry; then it is as strict as every other checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from models import weights
from models.networks.resnet import FrozenNorm, ResNet

ADDED_LATER = 3  # the version of FrozenNorm from which `epsilon` is added to the variance in use

CAFFE2: tuple[tuple[str, str | None], ...] = (
    (r"_momentum$", None),  # of the training
    (r"^fc1000_", None),  # the classifier
    (r"^conv1_b$", None),  # the normalisation behind it has its own
    (r"^(res_)?conv1_", "stem.conv1_"),
    (r"^res(\d)_(\d+)_branch1_", r"res\1.\2.shortcut_"),
    (r"^res(\d)_(\d+)_branch2a_", r"res\1.\2.conv1_"),
    (r"^res(\d)_(\d+)_branch2b_", r"res\1.\2.conv2_"),
    (r"^res(\d)_(\d+)_branch2c_", r"res\1.\2.conv3_"),
    (r"_bn_(s|gamma)$", ".norm.weight"),
    (r"_bn_(b|beta)$", ".norm.bias"),
    (r"_bn_rm$", ".norm.running_mean"),
    (r"_bn_riv$", ".norm.running_var"),
    (r"_w$", ".weight"),
)
"""The names of MSRA's ImageNet files, by which they are known."""

_TRUNK = "backbone.bottom_up."
_CLASSIFIER: weights.Renames = ((r"(^|\.)(stem\.)?fc(1000)?\.", None),)


def load(network: nn.Module, path: Path, renames: weights.Renames = ()) -> None:
    """Fill `network` from a checkpoint of its kind; raises WeightsError as `weights.load` does."""
    entries, versions = weights.read_with_versions(path)
    fit(network, entries, versions, path, renames)


def fit(
    network: nn.Module,
    entries: weights.Entries,
    versions: weights.Versions,
    path: Path,
    renames: weights.Renames = (),
) -> None:
    """The same for entries that were read already; `path` is what to call them.

    A network on "meta" makes them its own.
    """
    own = weights.renamed(entries, renames, path)
    marks = {f"{name}.running_var": torch.tensor(number) for name, number in versions.items()}
    noted = weights.renamed(marks, renames, path)
    for name, module in network.named_modules():
        if isinstance(module, FrozenNorm):
            version = noted.get(f"{name}.running_var")
            _put_right(own, name, module, None if version is None else int(version))
    for name, tensor in network.state_dict().items():
        norm, _, entry = name.rpartition(".")
        if entry == "num_batches_tracked" and f"{norm}.weight" in own:
            own.setdefault(name, torch.zeros_like(tensor, device="cpu"))  # converted files lack it
    weights.compare(network, own, path)
    network.load_state_dict(own, assign=any(p.is_meta for p in network.parameters()))


def load_trunk(trunk: ResNet, path: Path) -> None:
    """Fill a trunk from weights trained on ImageNet: MSRA's Caffe2 files, or detectron2's names.

    Every entry of the trunk must be there. Raises WeightsError as `weights.load` does.
    """
    entries = weights.read(path)
    if "conv1_w" in entries:
        entries = weights.renamed(entries, CAFFE2, path)
    else:
        entries = _by_suffix(trunk, weights.renamed(entries, _CLASSIFIER, path))
    for name, module in trunk.named_modules():
        if isinstance(module, FrozenNorm):
            # Where only scale and bias are stored, nothing but these must be done in use.
            _put_right(entries, name, module, None, absent=1 - module.eps)
    weights.compare(trunk, entries, path)
    trunk.load_state_dict(entries)


def _put_right(
    entries: weights.Entries,
    name: str,
    module: FrozenNorm,
    version: int | None,
    *,
    absent: float = 1.0,
) -> None:
    """A frozen normalisation's numbers, as they are meant today.

    Files without any statistics mean 0 and `absent`. Older ones mean their variance without
    `epsilon`. A file with a counter beside was trained with the ordinary normalisation, which
    always adds it.
    """
    counter, variance = f"{name}.num_batches_tracked", f"{name}.running_var"
    trained = entries.pop(counter, None) is not None
    if f"{name}.weight" not in entries:
        return  # a missing normalisation is told, not made up
    size = module.running_var.shape
    entries.setdefault(f"{name}.running_mean", torch.zeros(size))
    entries.setdefault(variance, torch.full(size, absent))
    if version is not None and version < ADDED_LATER and not trained:
        entries[variance] = entries[variance] - module.eps


def _by_suffix(trunk: ResNet, entries: weights.Entries) -> weights.Entries:
    """Entries under the trunk's names, whatever part of their path the file gives them.

    An entry belongs to the trunk's entry of which it is the end, whole words of equal shape; the
    longest one, where several are (detectron2's matching of model-zoo files).
    """
    found: weights.Entries = {}
    taken = set()
    for name, tensor in trunk.state_dict().items():
        words = f"{_TRUNK}{name}".split(".")
        ends = (".".join(words[start:]) for start in range(len(words)))  # the longest first
        fitting = (e for e in ends if e in entries and entries[e].shape == tensor.shape)
        end = next(fitting, None)
        if end is not None:
            found[name] = entries[end]
            taken.add(end)
    return found | {name: entries[name] for name in entries if name not in taken}
