"""DirectPose as a backend: checkpoints in, poses out. How it reads is compared in tests/parity."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import ConfigError, WeightsError
from data.frame import Image
from data.pose import Pose
from models.backends import directpose as backend
from models.backends._views import Seen, Settings
from models.networks import directpose
from models.networks.directpose import GROUPS, STRIDES, DirectPose, Level

NARROW = {"widths": (8, 16, 16, 32), "stem_width": 8, "channels": 64, "group_width": 4}
THEIRS = {**directpose.GLUONCV, "centerness_width": 4 * len(GROUPS)}
QUICK = {"side": 96, "longest": 160, "most_people": 6}
SETTINGS = Settings(96, 160, (1.0,), False, 0.05, 0.4, 100)


def narrow(variant: str = "original", seed: int = 0) -> DirectPose:
    """A small network that thinks that there is somebody everywhere."""
    torch.manual_seed(seed)
    more = {"heatmap_width": 8} if variant == "original" else THEIRS
    network = directpose.over_resnet((1, 1, 1, 1), **NARROW, **more)
    with torch.no_grad():
        network.head.cls_logits.bias.zero_()
        network.head.cls_logits.weight *= 30
        for predictor in network.head.predictors:
            predictor.bias.normal_(0, 2)
    return network


@pytest.fixture(scope="module", params=["original", "gluoncv"])
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def checkpoint(variant: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("directpose") / f"{variant}.pth"
    torch.save(narrow(variant).state_dict(), path)
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


def test_scores_lie_in_0_to_1_and_boxes_in_the_image(checkpoint: Path, variant: str) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(90, 120))

    assert len(people) == 6
    for pose in people:
        assert ((pose.scores > 0) & (pose.scores <= 1)).all()
        assert 0 < pose.score <= 1
        assert 0 <= pose.box.left < pose.box.right <= 120
        assert 0 <= pose.box.top < pose.box.bottom <= 90
        own = len(set(pose.scores.tolist()))
        assert own == (1 if variant == "original" else 17)
        if variant == "original":
            assert pose.scores[0] == np.float32(pose.score)


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


def test_a_mirrored_view_is_turned_back(checkpoint: Path, variant: str) -> None:
    """The original counts pixels from their middles, GluonCV from their edges."""
    people = backend.build(checkpoint, "cpu", **QUICK)
    view = picture(96, 128)
    points = torch.zeros(1, 17, 2)
    points[0, people.skeleton.index("right_wrist")] = torch.tensor([10.0, 20])
    seen = Seen(torch.tensor([[5.0, 6, 30, 40]]), torch.ones(1), points, torch.rand(1, 17))

    turned = people._turned(seen, view)

    wrist = turned.points[0, people.skeleton.index("left_wrist")].tolist()
    assert wrist == [127 - 10 if variant == "original" else 128 - 10, 20]
    assert turned.boxes.tolist() == [[98, 6, 123, 40]]


@pytest.mark.parametrize("name", ["original", "gluoncv"])
def test_the_first_pixel_is_at_0_of_either(name: str) -> None:
    """What GluonCV wrote for COCO has half a pixel taken off, the original's has not."""
    people = backend.PointedAtPeople(narrow(name), "cpu", SETTINGS)
    seen = Seen(torch.zeros(1, 4), torch.ones(1), torch.full((1, 17, 2), 8.0), torch.ones(1, 17))

    (pose,) = people._poses(seen, picture(40, 40))

    assert pose.keypoints[3].tolist() == [8 if name == "original" else 7.5] * 2


def test_several_views_are_put_together_and_the_best_remains(checkpoint: Path) -> None:
    image = picture(96, 128)
    plain = backend.build(checkpoint, "cpu", **QUICK).poses(image)

    more = backend.build(checkpoint, "cpu", **QUICK, scales="1,1.5", flip=True).poses(image)

    assert len(more) == 6
    assert more[0].score >= plain[0].score


@pytest.mark.parametrize("size", [(1, 1), (20, 10000), (10000, 20), (3, 700)])
def test_images_of_any_shape_are_answered(checkpoint: Path, size: tuple[int, int]) -> None:
    people = backend.build(checkpoint, "cpu", **QUICK).poses(picture(*size))

    assert all(np.isfinite(pose.keypoints).all() for pose in people)


def test_images_are_brought_to_the_published_sizes() -> None:
    settings = Settings(800, 1333, (1.0,), False, 0.05, 0.4, 100)
    original, theirs = (
        backend.PointedAtPeople(narrow(name), "cpu", settings) for name in ("original", "gluoncv")
    )

    # 426.6 and 1066.7 pixels: cut off, and rounded.
    assert original._view(picture(480, 640), 1.0).shape == (800, 1066, 3)
    assert theirs._view(picture(480, 640), 1.0).shape == (800, 1067, 3)
    assert original._view(picture(480, 640), 0.5).shape == (400, 533, 3)


def levels(*cells: tuple[int, int, int, float, float]) -> list[Level]:
    """Nobody but at cells (level, row, column) with a class and centre-ness, 0 to 1."""
    found = []
    for stride in STRIDES:
        side = 256 // stride
        logits = torch.full((1, 1, side, side), -20.0)
        vectors = torch.zeros(1, 34, side, side)
        vectors[:, 0::2] = torch.linspace(-1, 1, 17).view(1, 17, 1, 1)
        vectors[:, 1::2] = torch.linspace(-2, 2, 17).view(1, 17, 1, 1)
        found.append(Level(logits, torch.zeros_like(logits), vectors, vectors[:, :0]))
    for level, row, column, person, centerness in cells:
        found[level].logits[0, 0, row, column] = torch.tensor(person).logit()
        found[level].centerness[0, 0, row, column] = torch.tensor(centerness).logit()
    return found


def test_a_keypoint_lies_so_many_strides_from_its_cells_point() -> None:
    found = backend.people_of(
        levels((1, 3, 4, 0.9, 0.5)), 0, (256, 256), backend.ORIGINAL, SETTINGS
    )

    assert found.scores.tolist() == pytest.approx([0.45])
    torch.testing.assert_close(found.points[0, 0], torch.tensor([72.0 - 16, 56 - 32]))
    assert found.boxes.tolist() == [[56, 24, 89, 89]]  # the last pixels are theirs


def test_gluoncv_takes_the_root_and_counts_no_last_pixel() -> None:
    found = backend.people_of(levels((1, 3, 4, 0.9, 0.4)), 0, (256, 80), backend.GLUONCV, SETTINGS)

    assert found.scores.tolist() == pytest.approx([0.6])
    assert found.boxes.tolist() == [[56, 24, 88, 80]]


def test_the_class_alone_decides_who_is_looked_at() -> None:
    cells = levels((0, 3, 3, 0.051, 0.01), (0, 20, 20, 0.049, 1.0))

    found = backend.people_of(cells, 0, (256, 256), backend.ORIGINAL, SETTINGS)

    assert found.scores.tolist() == pytest.approx([0.051 * 0.01])


@pytest.mark.parametrize(("rules", "left"), [(backend.ORIGINAL, 2), (backend.GLUONCV, 3)])
def test_of_people_who_overlap_the_weaker_goes(rules: backend.Rules, left: int) -> None:
    """Of 17 columns nine are shared, which is 0.36; of 16 pixels' width eight, 0.33."""
    cells = levels((0, 3, 3, 0.9, 0.5), (0, 3, 4, 0.9, 0.6), (0, 9, 9, 0.9, 0.4))
    wanted = Settings(96, 160, (1.0,), False, 0.05, 0.35, 100)

    found = backend.people_of(cells, 0, (256, 256), rules, wanted)

    assert len(found.scores) == left
    assert float(found.scores[0]) == pytest.approx(0.54**rules.power)


def test_no_more_people_are_found_than_wanted() -> None:
    cells = levels((0, 3, 3, 0.9, 0.5), (0, 20, 4, 0.9, 0.6), (0, 9, 9, 0.9, 0.4))
    wanted = Settings(96, 160, (1.0,), False, 0.05, 0.4, 2)

    found = backend.people_of(cells, 0, (256, 256), backend.ORIGINAL, wanted)

    assert found.scores.tolist() == pytest.approx([0.54, 0.45])


@pytest.mark.parametrize(
    ("wrapped", "name"),
    [
        (lambda e: {"model": {f"module.{n}": t for n, t in e.items()}, "iteration": 9}, "original"),
        (lambda e: {"model": e, "optimizer": {}, "scheduler": {}}, "original"),
        (lambda e: e, "gluoncv"),
        (lambda e: {**e, "pixel_mean": torch.zeros(3, 1, 1)}, "gluoncv"),
        (
            lambda e: {**e, "proposal_generator.directpose_head.hm_tower.0.bias": torch.zeros(4)},
            "gluoncv",
        ),
        (lambda e: {n: t for n, t in e.items() if "num_batches_tracked" not in n}, "gluoncv"),
    ],
    ids=["processes", "maskrcnn-benchmark", "bare", "colours", "heatmaps", "no counters"],
)
def test_every_published_layout_is_read(
    tmp_path: Path, wrapped: Callable[[dict[str, torch.Tensor]], object], name: str
) -> None:
    source = narrow(name, 1)
    torch.save(wrapped(published(source, name)), tmp_path / "net.pth")

    network = backend.trained(tmp_path / "net.pth")

    for entry, tensor in source.state_dict().items():
        torch.testing.assert_close(tensor, network.state_dict()[entry], msg=entry)


def published(network: DirectPose, name: str) -> dict[str, torch.Tensor]:
    """A network's entries under the names that they were published with."""
    original = {
        "backbone.fpn_lateral": "backbone.fpn.fpn_inner",
        "backbone.fpn_output": "backbone.fpn.fpn_layer",
        "backbone.top_block": "backbone.fpn.top_blocks",
        "backbone.bottom_up": "backbone.body",
        "head.kpt_tower": "rpn.head.kps_tower",
        "head.ctrness": "rpn.head.centerness",
        "head.locator": "rpn.head.kps_bases",
        "head.sampler": "rpn.head.sample_features_conv",
        "head.predictors.": "rpn.head.kps_offsets.",
        "heatmaps.tower": "heatmaps.deeplab.seg_head",
        "heatmaps.logits": "heatmaps.deeplab.heatmaps",
        "head.cls": "rpn.head.cls",
    }
    theirs = {
        "head.predictors.": "proposal_generator.directpose_head.predictor.",
        "head.": "proposal_generator.directpose_head.",
    }
    starts = original if name == "original" else theirs
    last = ".kps_offsets" if name == "original" else ".kpt_predictor"
    entries = {}
    for entry, tensor in network.state_dict().items():
        start = next((start for start in starts if entry.startswith(start)), "")
        rest = entry.removeprefix(start)
        if start == "head.predictors.":
            rest = f"{rest[0]}{last}{rest[1:]}"
        if name == "original" and start.startswith("backbone.fpn"):
            rest = f"{int(rest[0]) - 1}{rest[1:]}"
        rest = rest.removeprefix(".stem") if start == "backbone.body" else rest
        renamed = starts.get(start, "") + rest
        renamed = renamed.replace(".stem.", ".")
        for stage in (2, 3, 4, 5):
            renamed = renamed.replace(f".res{stage}.", f".layer{stage - 1}.")
        entries[renamed] = tensor
    return entries


def of_variant(name: str) -> dict[str, torch.Tensor]:
    """A variant's entries, one number in every shape: the file stays small."""
    with torch.device("meta"):
        names = directpose.VARIANTS[name]().state_dict()
    return {name: torch.full((), 0.01).expand(tensor.shape) for name, tensor in names.items()}


def without(start: str) -> dict[str, torch.Tensor]:
    return {n: t for n, t in narrow().state_dict().items() if not n.startswith(start)}


def with_fourteen() -> dict[str, torch.Tensor]:
    """CrowdPose's number of keypoints: three fewer on the head."""
    entries = narrow().state_dict()
    for end in ("weight", "bias"):
        name = f"head.predictors.0.{end}"
        entries[name] = entries[name][:4]
    return entries


@pytest.mark.parametrize(
    ("entries", "options", "words"),
    [
        (
            lambda: of_variant("original"),
            {"variant": "gluoncv"},
            "holds the variant original, not gluoncv. Leave the option variant out",
        ),
        (
            lambda: of_variant("gluoncv"),
            {"variant": "original"},
            "holds the variant gluoncv, not original",
        ),
        (with_fourteen, {}, "holds DirectPose for 14 keypoints; COCO's 17 are known"),
        (
            lambda: {"hm_conv.weight": torch.zeros(17, 32, 1, 1)},
            {},
            "does not fit DirectPose.*It looks like the MobileNet",
        ),
        (
            lambda: without("head.sampler.0.bias"),
            {},
            r"DirectPose: 1 missing, 0 unexpected.*head\.sampler\.0\.bias",
        ),
        (
            lambda: without("backbone.bottom_up.stem.maxpool.1.filt"),
            {},
            r"DirectPose: 1 missing, 0 unexpected.*maxpool\.1\.filt",
        ),
        (
            lambda: narrow().state_dict() | {"heatmaps.tower.9.weight": torch.zeros(3)},
            {},
            r"0 missing, 1 unexpected.*heatmaps\.tower\.9",
        ),
    ],
    ids=["gluoncv", "original", "keypoints", "network", "entry", "filter", "more"],
)
def test_another_checkpoint_is_refused(tmp_path: Path, entries, options, words: str) -> None:
    torch.save(entries(), tmp_path / "net.pth")

    with pytest.raises(WeightsError, match=words):
        backend.build(tmp_path / "net.pth", "cpu", **options)


@pytest.mark.parametrize(("name", "overlap"), [("original", 0.4), ("gluoncv", 0.6)])
def test_the_threshold_of_overlap_is_the_variants_own_or_ones_own(
    name: str, overlap: float
) -> None:
    assert backend.build(None, "cpu", variant=name)._settings.overlap == overlap
    assert backend.build(None, "cpu", variant=name, overlap=0.5)._settings.overlap == 0.5


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("least_score", 1.5),
        ("overlap", -0.1),
        ("most_people", 0),
        ("side", 8),
        ("longest", 9000),
        ("scales", "1,wide"),
        ("variant", "r50"),
    ],
)
def test_an_option_out_of_range_is_refused(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=rf"'{option}' of directpose is "):
        backend.build(None, "cpu", **{option: value})  # type: ignore[arg-type]
