"""The published folder of `.pt` files: both kinds are read, one is written."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from data.crop import Crop
from data.errors import OutputError, StoreError
from data.heatmap_store import Key
from models.torch_store import TorchFolder, path_of, read_maps, write_maps

KEY = Key("val/000342_mpii_test", "000017", 3)
CROP = Crop((50.0, 60.0), (0.3, 0.4), (192, 256))


@pytest.fixture
def batch() -> torch.Tensor:
    return torch.randn(16, 17, 64, 48, generator=torch.Generator().manual_seed(5))


def save(content: object, root: Path, **how: bool) -> Path:
    path = path_of(root, KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, **how)
    return path


def test_a_file_lies_under_video_frame_and_track(tmp_path):
    assert tmp_path / "val/000342_mpii_test/000017/3.pt" == path_of(tmp_path, KEY)


@pytest.mark.parametrize("how", [{}, {"_use_new_zipfile_serialization": False}])
def test_both_kinds_of_file_are_read(batch, tmp_path, how):
    """A view of its batch carries all of it, a tensor of its own only itself; in either format."""
    view = save(batch[5], tmp_path / "view", **how)
    own = save(batch[5].clone(), tmp_path / "own", **how)
    assert view.stat().st_size > 15 * own.stat().st_size

    for path in (view, own):
        maps = read_maps(path)
        np.testing.assert_array_equal(batch[5].numpy(), maps)
        assert maps.base is None or maps.base.nbytes == maps.nbytes, "the batch is held on to"


@pytest.mark.parametrize("kind", [torch.float16, torch.float64])
def test_other_precisions_become_float32(batch, tmp_path, kind):
    maps = read_maps(save(batch[0].to(kind), tmp_path))

    assert maps.dtype == np.float32
    np.testing.assert_allclose(batch[0].numpy(), maps, atol=2e-3)


def test_a_tensor_that_wants_gradients_is_read(batch, tmp_path):
    maps = read_maps(save(batch[0].clone().requires_grad_(), tmp_path))

    np.testing.assert_array_equal(batch[0].numpy(), maps)


def test_what_is_written_is_read_and_has_a_storage_of_its_own(batch, tmp_path):
    path = write_maps(tmp_path, KEY, batch.numpy()[3])

    np.testing.assert_array_equal(batch[3].numpy(), read_maps(path))
    assert path.stat().st_size < 1.05 * batch[3].numel() * 4
    assert [path] == list(path.parent.iterdir())


def test_the_folder_is_a_store(batch, tmp_path):
    save(batch[2], tmp_path)
    store = TorchFolder(tmp_path, {KEY: CROP, Key("val/a", "000000", 1): CROP})

    heatmaps = store.get(KEY)

    np.testing.assert_array_equal(batch[2].numpy(), heatmaps.maps)
    assert CROP.sized((48, 64)) == heatmaps.crop
    assert store.keys() == [KEY]
    assert store.has(KEY)
    assert not store.has(Key("val/a", "000000", 1))
    assert not store.has(Key("val/a", "000000", 2))


def test_who_is_not_there_or_not_annotated_is_told(tmp_path):
    store = TorchFolder(tmp_path, {KEY: CROP})

    with pytest.raises(StoreError, match=r"3\.pt: there is no such file"):
        store.get(KEY)
    with pytest.raises(StoreError, match="track 4 is not annotated"):
        store.get(Key(KEY.video, KEY.frame, 4))


def test_maps_of_another_shape_than_the_crops_are_told(batch, tmp_path):
    save(batch[0, :, :56, :48], tmp_path)

    with pytest.raises(StoreError, match="its maps are 48 x 56, expected the shape of 192 x 256"):
        TorchFolder(tmp_path, {KEY: CROP}).get(KEY)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (torch.zeros(16, 17, 64, 48), r"\(16, 17, 64, 48\)"),
        (torch.zeros(17, 64, 48, dtype=torch.int64), r"\(17, 64, 48\)"),
        ({"maps": torch.zeros(17, 64, 48)}, "dict"),
    ],
)
def test_what_is_no_map_is_told(tmp_path, content, found):
    with pytest.raises(StoreError, match=rf"expected maps .*, found {found}"):
        read_maps(save(content, tmp_path))


class Foreign:
    """Something that would run on unpickling."""

    def __reduce__(self):
        return (print, ("opened",))


def test_damage_and_foreign_objects_are_told_and_never_run(batch, tmp_path, capsys):
    whole = save(batch[0], tmp_path).read_bytes()
    path = tmp_path / "x.pt"
    contents = [b"", b"text", whole[:1000], whole[:-30], pickle.dumps(Foreign(), 2)]

    for content in contents:
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"x\.pt holds no tensor, or is damaged"):
            read_maps(path)
    assert capsys.readouterr().out == ""


def test_a_folder_that_cannot_be_written_is_told(batch, tmp_path):
    (tmp_path / "val").write_text("a file")

    with pytest.raises(OutputError, match=r"3\.pt cannot be written"):
        write_maps(tmp_path, KEY, batch.numpy()[0])
