"""FCPose as a backend: checkpoints in, poses out. How it reads is compared in tests/parity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import ConfigError, WeightsError
from data.frame import Image
from data.pose import Pose
from models.backends import fcpose as backend
from models.backends._views import Seen, Settings, as_poses
from models.networks import fcpose
from models.networks.fcpose import FCPose

NARROW = {"widths": (8, 16, 16, 32), "stem_width": 8, "channels": 64, "basis_width": 16}
QUICK = {"side": 96, "longest": 160, "most_people": 6}


def narrow(keypoints: int = 17, **more: int) -> FCPose:
    """A small network that thinks that there is somebody everywhere."""
    torch.manual_seed(0)
    network = fcpose.over_resnet(
        (1, 1, 1, 1), keypoints=keypoints, **NARROW, **{"bases": 4, "hidden": 8, **more}
    )
    with torch.no_grad():
        network.detector.cls_logits.bias.zero_()
        network.detector.bbox_pred.bias.fill_(1.5)
        network.detector.cls_logits.weight *= 30
    return network


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fcpose") / "narrow.pth"
    torch.save({"model": narrow().state_dict(), "iteration": 3}, path)
    return path


def picture(height: int, width: int, seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def assert_near(one: list[Pose], other: list[Pose]) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.05)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-3)
        np.testing.assert_allclose(a.box.xywh, b.box.xywh, atol=0.05)
        assert a.score == pytest.approx(b.score, abs=1e-4)


def test_scores_lie_in_0_to_1_and_boxes_in_the_image(checkpoint: Path) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(90, 120))

    assert len(people) == 6
    for pose in people:
        assert ((pose.scores > 0) & (pose.scores <= 1)).all()
        assert 0 < pose.score <= 1
        assert 0 <= pose.box.left < pose.box.right <= 120
        assert 0 <= pose.box.top < pose.box.bottom <= 90


def test_a_batch_is_answered_as_its_images_are(checkpoint: Path) -> None:
    """Of any sizes, and with nothing in some."""
    people = backend.build(checkpoint, "cpu", **QUICK)
    images = [
        picture(90, 120),
        picture(120, 90, 1),
        np.zeros((0, 4, 3), np.uint8),
        picture(180, 240, 2),
        picture(90, 120, 3),
    ]

    together = people.batch(images)

    assert together[2] == []
    for image, found in zip(images, together, strict=True):
        if image.size:
            assert_near(people.poses(image), found)
    assert people.batch([]) == []


def test_a_mirrored_view_is_turned_back(checkpoint: Path) -> None:
    """Whoever is seen in the mirrored image only stands where he does in the image."""
    people = backend.build(checkpoint, "cpu", **QUICK)
    image = picture(96, 128)
    mirrored = people.poses(np.ascontiguousarray(image[:, ::-1]))[0]
    seen = Seen(
        torch.tensor([mirrored.box.xywh])[:, [0, 1, 0, 1]]
        + torch.tensor([[0, 0, mirrored.box.width, mirrored.box.height]]),
        torch.tensor([mirrored.score]),
        torch.from_numpy(mirrored.keypoints)[None] + 0.5,
        torch.from_numpy(mirrored.scores)[None],
    )

    (turned,) = as_poses(people._turned(seen, image))

    assert turned.box.left == pytest.approx(128 - mirrored.box.right, abs=1e-3)
    left, right = (people.skeleton.index(f"{side}_wrist") for side in ("left", "right"))
    assert turned.keypoints[left, 0] == pytest.approx(127 - mirrored.keypoints[right, 0], abs=1e-3)
    assert turned.keypoints[left, 1] == pytest.approx(mirrored.keypoints[right, 1], abs=1e-3)
    assert turned.scores[left] == mirrored.scores[right]


def test_several_views_are_put_together_and_the_best_remains(checkpoint: Path) -> None:
    image = picture(96, 128)
    plain = backend.build(checkpoint, "cpu", **QUICK).poses(image)

    more = backend.build(checkpoint, "cpu", **QUICK, scales="1,1.5", flip=True).poses(image)

    assert len(more) == 6
    assert more[0].score >= plain[0].score


@pytest.mark.parametrize("size", [(1, 1), (20, 10000), (3, 700)])
def test_images_of_any_shape_are_answered(checkpoint: Path, size: tuple[int, int]) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(*size))

    assert all(np.isfinite(pose.keypoints).all() for pose in people)


def test_images_are_brought_to_the_published_sizes() -> None:
    settings = Settings(800, 1333, (1.0,), False, 0.05, 0.6, 100)
    people = backend.OneStagePeople(narrow(), "cpu", settings)

    assert people._view(picture(480, 640), 1.0).shape == (800, 1067, 3)
    assert people._view(picture(500, 2000), 1.0).shape == (333, 1333, 3)
    assert people._view(picture(480, 640), 0.5).shape == (400, 533, 3)


@pytest.mark.parametrize(("levels", "side"), [(3, 512), (5, 800)])
def test_the_sizes_are_the_variants_own(tmp_path: Path, levels: int, side: int) -> None:
    network = narrow(sizes=fcpose.SIZES[:levels])  # type: ignore[arg-type]
    torch.save(network.state_dict(), tmp_path / "net.pth")

    people = backend.build(tmp_path / "net.pth", "cpu")

    assert people._settings.side == side


@pytest.mark.parametrize("variant", ["dla34", "dla34-shared"])
def test_the_inferred_variants_answer(variant: str) -> None:
    torch.manual_seed(0)
    people = backend.build(
        None, "cpu", variant=variant, side=64, longest=96, least_score=0, most_people=3
    )

    assert 1 <= len(people.poses(picture(64, 80))) <= 3


def of_variant(variant: str, keypoints: int = 17) -> dict[str, torch.Tensor]:
    """A variant's entries, one number in every shape: the file stays small."""
    with torch.device("meta"):
        names = fcpose.VARIANTS[variant](keypoints).state_dict()
    return {name: torch.full((), 0.01).expand(tensor.shape) for name, tensor in names.items()}


def test_a_checkpoint_says_which_variant_it_is(tmp_path: Path) -> None:
    torch.save(of_variant("r101"), tmp_path / "fcpose101.pth")

    network = backend.build(tmp_path / "fcpose101.pth", "cpu")._network

    assert "backbone.bottom_up.res4.22.conv3.weight" in network.state_dict()


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        (lambda: of_variant("r50"), {"variant": "r101"}, "It looks like FCPose R-50 with 17 key"),
        (lambda: of_variant("dla34"), {"variant": "r50"}, "It looks like FCPose DLA-34 with 17"),
        (lambda: of_variant("r50", 14), {}, "holds FCPose for 14 keypoints; COCO's 17 are known"),
        (lambda: {"hm_conv.weight": torch.zeros(17, 32, 1, 1)}, {}, "It looks like the MobileNet"),
        (
            lambda: {"proposal_generator.fcpose_head.sizes_of_interest": torch.zeros(5)},
            {},
            r"does not fit FCPose: \d+ missing, 0 unexpected",
        ),
    ],
    ids=["shallower", "another trunk", "keypoints", "another network", "one entry"],
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
        ("scales", "1,-2"),
        ("scales", ""),
        ("variant", "r18"),
    ],
)
def test_an_option_out_of_range_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"'{option}' of fcpose is "):
        backend.build(None, "cpu", **{option: value})  # type: ignore[arg-type]
