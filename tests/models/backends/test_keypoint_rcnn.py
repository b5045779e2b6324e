"""torchvision's Keypoint R-CNN as a backend."""

import re
import time

import numpy as np
import pytest
import torch
from torchvision.models.detection import keypointrcnn_resnet50_fpn
from torchvision.ops import FrozenBatchNorm2d

from data.errors import ConfigError, WeightsError
from models import layouts
from models.backends._views import Settings
from models.backends.keypoint_rcnn import TorchvisionPeople, build
from models.networks.keypoint_rcnn import keypoint_rcnn
from models.ops.peaks import peak_shares

SETTINGS = Settings(96, 160, (1.0,), False, 0.0, 0.5, 6)


def narrow(keypoints=17, sure=2.0):
    """A small network that thinks that there is somebody in most regions."""
    torch.manual_seed(0)
    network = keypoint_rcnn(
        keypoints=keypoints,
        blocks=(1, 1, 1, 1),
        block_width=4,
        channels=16,
        box_width=16,
        head_widths=(16, 8),
    )
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight *= 30
        network.roi_heads.box_predictor.cls_score.bias[1] = sure
    return network


def people(network, **changed):
    values = {name: getattr(SETTINGS, name) for name in Settings.__slots__} | changed
    return TorchvisionPeople(network, "cpu", Settings(**values))


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def assert_near(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a.keypoints, b.keypoints, atol=0.05)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-2)
        np.testing.assert_allclose(a.box.xywh, b.box.xywh, atol=0.05)
        assert a.score == pytest.approx(b.score, abs=1e-4)


def test_people_are_those_whom_torchvision_finds():
    """Boxes, scores and keypoints are its own; the keypoints' scores are made of its maps."""
    network = narrow().eval()
    image = picture(90, 120)
    network.transform.min_size, network.transform.max_size = (96,), 160
    maps = []
    network.roi_heads.keypoint_predictor.register_forward_hook(lambda *seen: maps.append(seen[2]))

    found = people(network).poses(image)
    maps.clear()
    with torch.inference_mode():
        (expected,) = network([torch.from_numpy(image).permute(2, 0, 1) / 255])

    assert len(found) == len(expected["boxes"]) > 1
    for number, pose in enumerate(found):
        corners = (pose.box.left, pose.box.top, pose.box.right, pose.box.bottom)
        np.testing.assert_allclose(corners, expected["boxes"][number], atol=1e-3)
        np.testing.assert_allclose(pose.keypoints, expected["keypoints"][number, :, :2], atol=1e-3)
        assert pose.score == pytest.approx(float(expected["scores"][number]), abs=1e-5)
        np.testing.assert_allclose(pose.scores, peak_shares(maps[0])[number], atol=1e-4)
    assert all(((pose.scores > 0) & (pose.scores <= 1)).all() for pose in found)


def test_the_published_size_of_images_is_the_default():
    settings = build(None, "cpu")._settings

    assert (settings.side, settings.longest, settings.least_score) == (800, 1333, 0.05)
    assert (settings.overlap, settings.most_people) == (0.5, 100)


def test_every_image_of_a_batch_is_answered_as_alone():
    backend = people(narrow())
    images = [picture(90, 120, seed) for seed in range(3)]
    images += [np.zeros((0, 4, 3), np.uint8), picture(120, 90), picture(180, 240, 9)]

    together = backend.batch(images)

    assert together[3] == []
    for image, found in zip(images, together, strict=True):
        if image.size:
            assert_near(backend.poses(image), found)
    assert backend.batch([]) == []


def test_several_sizes_and_a_mirrored_view_are_put_together():
    network, image = narrow(), picture(96, 128)
    plain = people(network).poses(image)

    more = people(network, scales=(1.0, 1.5), flip=True).poses(image)

    assert more[0].score >= plain[0].score
    assert_near(plain, people(network).poses(image))  # the next one reads as it is told


@pytest.mark.parametrize("size", [(1, 1), (20, 10000), (1, 9000), (9000, 1), (3, 700)])
def test_images_of_any_shape_are_answered(size):
    """Of a line of 9000 pixels torchvision's own resizing leaves nothing, which it cannot take."""
    height, width = size

    for pose in people(narrow()).poses(picture(height, width)):
        assert np.isfinite(pose.keypoints).all()
        assert 0 <= pose.box.left < pose.box.right <= width
        assert 0 <= pose.box.top < pose.box.bottom <= height


@pytest.mark.parametrize("nothing", ["regions", "people"])
def test_a_region_network_that_finds_nothing_answers_quickly(nothing):
    network = narrow(sure=-100.0 if nothing == "people" else 2.0)
    if nothing == "regions":
        network.rpn.score_thresh = 1.1
    else:
        network.roi_heads.box_predictor.cls_score.weight.data.zero_()
    backend = people(network, least_score=0.05)
    start = time.process_time()

    assert backend.poses(picture(90, 120)) == []
    assert backend.batch([picture(90, 120)] * 3) == [[], [], []]
    assert time.process_time() - start < 5


def shapes_of(names):
    """One number, shown in every shape: the file stays small."""
    return {name: torch.full((), 0.25).expand(tensor.shape) for name, tensor in names.items()}


@pytest.mark.parametrize("published", [False, True], ids=["today's names", "published names"])
def test_a_checkpoint_of_torchvision_is_loaded_whole(published, tmp_path):
    network = keypointrcnn_resnet50_fpn(weights=None, weights_backbone=None)
    names = network.state_dict()
    if published:  # the file on the net is older than two wrappers of torchvision
        names = {
            re.sub(r"(_blocks\.\d)\.0\.", r"\1.", name).replace(
                "head.conv.0.0.", "head.conv."
            ): tensor
            for name, tensor in names.items()
        }
        assert "rpn.head.conv.weight" in names
    torch.save(shapes_of(names), tmp_path / "rcnn.pth")

    backend = build(tmp_path / "rcnn.pth", "cpu")

    assert all((tensor == 0.25).all() for tensor in backend._network.state_dict().values())
    added = {m.eps for m in backend._network.modules() if isinstance(m, FrozenBatchNorm2d)}
    assert added == ({0.0} if published else {1e-5})


def test_a_narrow_checkpoint_says_how_it_is_built(tmp_path):
    torch.save({"model": narrow().state_dict(), "epoch": 3}, tmp_path / "narrow.pth")
    image = picture(90, 120)

    found = build(tmp_path / "narrow.pth", "cpu", side=96, longest=160, least_score=0)

    assert_near(people(narrow(), most_people=100).poses(image), found.poses(image))


def test_other_entries_are_no_keypoint_rcnn():
    names = ("roi_heads.keypoint_predictor.kps_score_lowres.weight", "roi_heads.keypoint_head.0.w")

    assert layouts.keypoint_rcnn_arguments({}) is None
    assert layouts.keypoint_rcnn_arguments(dict.fromkeys(names, torch.zeros(3))) is None
    assert layouts.keypoint_rcnn_arguments(dict.fromkeys(names, torch.zeros(8, 8, 4, 4))) is None


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"hm_conv.weight": torch.zeros(17, 32, 1, 1)}, r"fast\.pth does not fit KeypointRCNN"),
        (narrow(14).state_dict(), "holds Keypoint R-CNN for 14 keypoints; COCO's 17 are known"),
        (
            {"roi_heads.keypoint_head.conv_channel.bias": torch.zeros(3)},
            "It looks like hpos, the improved Mask R-CNN",
        ),
    ],
    ids=["another network", "keypoints", "hpos"],
)
def test_another_checkpoint_is_refused(tmp_path, entries, words):
    torch.save(entries, tmp_path / "fast.pth")

    with pytest.raises(WeightsError, match=words):
        build(tmp_path / "fast.pth", "cpu")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("least_score", 1.5),
        ("overlap", -0.1),
        ("most_people", 0),
        ("side", 8),
        ("longest", 9000),
        ("scales", "1,wide"),
    ],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ConfigError, match=rf"'{option}' of keypoint_rcnn is "):
        build(None, "cpu", **{option: value})
