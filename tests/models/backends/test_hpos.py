"""hpos as a backend: checkpoints in, poses out. How it reads is compared in tests/parity."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import ConfigError, WeightsError
from data.frame import Image
from data.pose import Pose
from models.backends import hpos as backend
from models.backends._views import Settings
from models.networks import hpos
from models.networks.hpos import Hpos

QUICK = {"side": 96, "longest": 160, "most_people": 6}


def narrow(keypoints: int = 17) -> Hpos:
    """A small network that thinks that there is somebody in most regions."""
    torch.manual_seed(0)
    network = hpos.over_resnet(
        (1, 1, 1, 1),
        keypoints=keypoints,
        widths=(8, 16, 16, 32),
        stem_width=8,
        channels=16,
        box_width=16,
        head_width=16,
    )
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight *= 30
        network.roi_heads.box_predictor.cls_score.bias[0] = 2
        network.roi_heads.keypoint_head.score_lowres.weight *= 0.01
    return network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hpos") / "narrow.pth"
    torch.save({"model": narrow().state_dict(), "iteration": 3}, path)
    return path


def picture(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def assert_near(one: list[Pose], other: list[Pose]) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.05)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-2)
        np.testing.assert_allclose(a.box.xywh, b.box.xywh, atol=0.05)
        assert a.score == pytest.approx(b.score, abs=1e-4)


def test_scores_lie_in_0_to_1_and_boxes_in_the_image(checkpoint: Path) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(90, 120))

    assert len(people) > 1
    for pose in people:
        assert ((pose.scores > 0) & (pose.scores <= 1)).all()
        assert 0 < pose.score <= 1
        assert 0 <= pose.box.left < pose.box.right <= 120
        assert 0 <= pose.box.top < pose.box.bottom <= 90


def test_every_image_of_a_batch_is_answered_as_alone(checkpoint: Path) -> None:
    """The published code restores the boxes of the first image only, and ends with an error at the
    third; and it adds zeros to all images as any of them wants."""
    people = backend.build(checkpoint, "cpu", **QUICK)
    images = [picture(90, 120, seed) for seed in range(4)]
    images += [np.zeros((0, 4, 3), np.uint8), picture(120, 90), picture(180, 240, 9)]

    together = people.batch(images)

    assert together[4] == []
    for image, found in zip(images, together, strict=True):
        if image.size:
            assert_near(people.poses(image), found)
    assert people.batch([]) == []


def test_several_views_are_put_together_and_the_best_remains(checkpoint: Path) -> None:
    image = picture(96, 128)
    plain = backend.build(checkpoint, "cpu", **QUICK).poses(image)

    more = backend.build(checkpoint, "cpu", **QUICK, scales="1,1.5", flip=True).poses(image)

    assert more[0].score >= plain[0].score
    boxes = torch.tensor([[p.box.left, p.box.top, p.box.right, p.box.bottom] for p in more])
    assert len(boxes) == len(boxes.unique(dim=0))


@pytest.mark.parametrize("spoil", [torch.nan, -100.0], ids=["no numbers", "nobody"])
def test_a_region_network_that_finds_nothing_answers_quickly(spoil: float) -> None:
    network = narrow()
    with torch.no_grad():
        if np.isnan(spoil):
            network.proposal_generator["rpn_head"].objectness_logits.bias.fill_(spoil)
        else:
            network.roi_heads.box_predictor.cls_score.weight.zero_()
            network.roi_heads.box_predictor.cls_score.bias[0] = spoil
    settings = Settings(96, 160, (1.0,), False, 0.05, 0.5, 100)
    people = backend.HposPeople(network, "cpu", settings)
    image = picture(90, 120)
    start = time.process_time()

    assert people.poses(image) == []
    assert people.batch([image] * 3) == [[], [], []]
    assert time.process_time() - start < 5


@pytest.mark.parametrize("size", [(1, 1), (20, 10000), (3, 700)])
def test_images_of_any_shape_are_answered(checkpoint: Path, size: tuple[int, int]) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(*size))

    assert all(np.isfinite(pose.keypoints).all() for pose in people)


def test_images_are_brought_to_the_published_size(checkpoint: Path) -> None:
    people = backend.build(checkpoint, "cpu")

    assert people._view(picture(480, 640), 1.0).shape == (800, 1067, 3)
    assert people._view(picture(500, 2000), 1.0).shape == (333, 1333, 3)


def of_variant(variant: str, keypoints: int = 17) -> dict[str, torch.Tensor]:
    """A variant's entries, one number in every shape: the file stays small."""
    with torch.device("meta"):
        names = hpos.VARIANTS[variant](keypoints).state_dict()
    return {name: torch.full((), 0.01).expand(tensor.shape) for name, tensor in names.items()}


def with_old_entries() -> object:
    """As older detectron2 saved it, wrapped as it still does."""
    more = {f"proposal_generator.anchor_generator.cell_anchors.{n}": torch.ones(3, 4) for n in "01"}
    colours = {name: torch.ones(3, 1, 1) for name in ("pixel_mean", "pixel_std")}
    return {"model": {**of_variant("r101"), **more, **colours}, "iteration": 7, "optimizer": {}}


@pytest.mark.parametrize("form", [lambda: of_variant("r101"), with_old_entries], ids=["bare", "d2"])
def test_a_checkpoint_says_which_variant_it_is(tmp_path: Path, form: Callable[[], object]) -> None:
    torch.save(form(), tmp_path / "model_r101.pth")

    network = backend.build(tmp_path / "model_r101.pth", "cpu")._network

    assert "backbone.bottom_up.res4.22.conv3.weight" in network.state_dict()


def test_a_pickle_of_arrays_is_read(tmp_path: Path, checkpoint: Path) -> None:
    arrays = {name: tensor.numpy() for name, tensor in narrow().state_dict().items()}
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"model": arrays, "__author__": "them"}))
    image = picture(90, 120)

    found = backend.build(tmp_path / "model.pkl", "cpu", **QUICK).poses(image)

    assert_near(backend.build(checkpoint, "cpu", **QUICK).poses(image), found)


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        (lambda: of_variant("r50"), {"variant": "r101"}, "R-CNN, R-50 with 17 keypoints"),
        (lambda: of_variant("r101"), {"variant": "r50"}, "R-CNN, R-101 with 17 keypoints"),
        (lambda: of_variant("r50", 14), {}, "holds hpos for 14 keypoints; COCO's 17 are known"),
        (
            lambda: {"roi_heads.keypoint_head.score_lowres.weight": torch.zeros(512, 17, 4, 4)},
            {},
            "It looks like detectron2's Keypoint R-CNN",
        ),
        (
            lambda: {**of_variant("r50"), "roi_heads.extra": torch.zeros(1)},
            {},
            "0 missing, 1 unexpected, 0 misshapen entries .unexpected roi_heads.extra",
        ),
    ],
    ids=["shallower", "deeper", "keypoints", "the plain network", "an entry more"],
)
def test_another_checkpoint_is_refused(tmp_path: Path, entries, options, words: str) -> None:
    torch.save(entries(), tmp_path / "net.pth")

    with pytest.raises(WeightsError, match=words):
        backend.build(tmp_path / "net.pth", "cpu", **options)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("least_score", 1.5),
        ("overlap", -0.1),
        ("most_people", 0),
        ("side", 8),
        ("longest", 9000),
        ("scales", "1,wide"),
        ("variant", "r18"),
    ],
)
def test_an_option_out_of_range_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"'{option}' of hpos is "):
        backend.build(None, "cpu", **{option: value})  # type: ignore[arg-type]
