"""Pickles of arrays, read without importing or calling anything that they name."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.errors import WeightsError
from models import pickled, weights

ARRAYS = {
    "plain.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "columns first": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "other end first": np.arange(3, dtype=">f4"),
    "one": np.array(3, np.int64),
    "none": np.zeros((0, 4), np.float32),
    "half": np.arange(3, dtype=np.float16),
}


def stored(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda arrays: arrays,
        lambda arrays: {"model": arrays, "__author__": "them", "matching_heuristics": True},
        lambda arrays: {"blobs": {**arrays, "weight_order": "other"}},
    ],
    ids=["bare", "model zoo", "Caffe2"],
)
def test_arrays_become_tensors_in_every_protocol(tmp_path: Path, wrapped: Any, protocol: int):
    path = stored(tmp_path / "zoo.pkl", wrapped(ARRAYS), protocol)

    entries = weights.read(path)

    assert set(ARRAYS) == set(entries)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(array, entries[name].numpy())


@pytest.mark.parametrize("new_form", [True, False])
def test_arrays_in_what_torch_saved_become_tensors(tmp_path: Path, new_form: bool):
    path = tmp_path / "model_final.pth"
    content = {"model": ARRAYS, "iteration": 9}
    torch.save(content, path, _use_new_zipfile_serialization=new_form)

    entries = weights.read(path)

    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(array, entries[name].numpy())


def test_python_2s_bytes_are_read(tmp_path: Path):
    """As its pickles have them: a string of bytes where Python 3 has bytes."""
    array = np.arange(3, dtype="<f4")
    reader = io.BytesIO(
        b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ"
        b"\xff\xff\xff\xffK\x00tb\x89U\x0c" + array.tobytes() + b"tbs."
    )

    found = pickled.load(reader)

    assert isinstance(found, dict)
    np.testing.assert_array_equal(array, found["a"].tensor().numpy())


def test_tensors_in_a_plain_pickle_are_read(tmp_path: Path):
    entries = OrderedDict(a=torch.arange(4.0), b=torch.nn.Parameter(torch.ones(2, 2)))
    path = stored(tmp_path / "net.pkl", {"model": entries})

    found = weights.read(path)

    torch.testing.assert_close(entries["a"], found["a"])
    torch.testing.assert_close(entries["b"].detach(), found["b"])


class Trap:
    """Makes a folder where it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.witness),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_something_is_refused_and_does_not(tmp_path: Path, protocol: int):
    witness = tmp_path / "witness"
    path = stored(tmp_path / "trap.pkl", {"model": {**ARRAYS, "x": Trap(witness)}}, protocol)

    with pytest.raises(WeightsError, match=r"Python objects beside its tensors \(posix\.mkdir\)"):
        weights.read(path)
    assert not witness.exists()


@pytest.mark.parametrize(
    "code",
    [
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"c__builtin__\neval\n(S'1'\ntR.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cmodels.weights\nread\n(S'x'\ntR.",
        b"ctorch\nload\n(S'x'\ntR.",
        b"cnumpy\nload\n(S'x'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'x'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
        b"\x80\x02\x82\x01.",
    ],
)
def test_no_other_name_is_looked_up(code: bytes):
    with pytest.raises((pickle.UnpicklingError, ValueError)):
        pickled.load(io.BytesIO(code))


@pytest.mark.parametrize(
    "name", ["numpy\ndtype", "torch._utils\n_rebuild_tensor_v2", "collections\nOrderedDict"]
)
def test_a_file_changes_nothing_of_what_it_names(name: str):
    code = f"\x80\x02c{name}\nN}}U\x05trickK\x01s\x86b.".encode("latin1")

    with contextlib.suppress(TypeError):
        pickled.load(io.BytesIO(code))

    rebuild = torch._utils._rebuild_tensor_v2
    for known in (pickled.STAND_INS["numpy", "dtype"], rebuild, OrderedDict):
        assert not hasattr(known, "trick")


@pytest.mark.parametrize("array", [np.array([{}]), np.array(["a"]), np.array([1j])])
def test_an_array_of_other_things_is_told(tmp_path: Path, array: np.ndarray):
    path = stored(tmp_path / "odd.pkl", {"a.weight": array})

    with pytest.raises(WeightsError, match=r"entry 'a\.weight' is a NumPy array or the like"):
        weights.read(path)


def test_half_a_file_is_told(tmp_path: Path):
    path = stored(tmp_path / "zoo.pkl", {"model": ARRAYS})
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(WeightsError, match=r"zoo\.pkl is no checkpoint, or is empty, damaged"):
        weights.read(path)


def test_bytes_that_are_too_few_for_their_shape_are_told(tmp_path: Path):
    content = pickle.dumps({"a": np.zeros(4, np.float32)}, protocol=2)
    path = tmp_path / "zoo.pkl"
    assert content.count(b"K\x04\x85") == 1
    path.write_bytes(content.replace(b"K\x04\x85", b"K\x05\x85"))

    with pytest.raises(WeightsError, match="entry 'a' is a NumPy array or the like"):
        weights.read(path)
