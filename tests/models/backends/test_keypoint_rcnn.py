"""torchvision's Keypoint R-CNN as a backend."""

import re

import numpy as np
import pytest
import torch
from torchvision.models.detection import keypointrcnn_resnet50_fpn

from data.errors import ConfigError, WeightsError
from models.backends.keypoint_rcnn import TorchvisionPeople, build


class TwoPeople(torch.nn.Module):
    """Answers as torchvision does: one person's numbers are known, the image is remembered."""

    def forward(self, images):
        self.seen = images
        keypoints = torch.zeros(2, 17, 3)
        keypoints[0, 3] = torch.tensor([7.5, 9.25, 1.0])
        peaks = torch.zeros(2, 17)
        peaks[0, 3] = 20.0
        boxes = torch.tensor([[1.0, 2.0, 30.0, 40.0], [0.0, 0.0, 5.0, 6.0]])
        scores = torch.tensor([0.75, 0.5])
        return [
            {"boxes": boxes, "scores": scores, "keypoints": keypoints, "keypoints_scores": peaks}
        ]


def test_what_the_network_says_becomes_poses():
    first, second = TorchvisionPeople(TwoPeople(), "cpu").poses(np.zeros((50, 60, 3), np.uint8))

    assert (first.box.left, first.box.top, first.box.right, first.box.bottom) == (1, 2, 30, 40)
    assert first.score == first.box.score == 0.75
    assert first.keypoints[3].tolist() == [7.5, 9.25]
    assert first.scores[3] == pytest.approx(1.0)
    assert second.scores[3] == 0.5


def test_the_network_sees_the_rgb_image_in_0_to_1_channels_first():
    network = TwoPeople()
    image = np.zeros((4, 6, 3), np.uint8)
    image[1, 2] = 255, 51, 0

    TorchvisionPeople(network, "cpu").poses(image)

    (seen,) = network.seen
    assert seen.shape == (3, 4, 6)
    np.testing.assert_allclose(seen[:, 1, 2], [1.0, 0.2, 0.0], atol=1e-6)


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
    # One number, shown in every shape: the file stays small.
    entries = {name: torch.full((), 0.25).expand(tensor.shape) for name, tensor in names.items()}
    torch.save(entries, tmp_path / "rcnn.pth")

    backend = build(tmp_path / "rcnn.pth", "cpu")

    assert all((tensor == 0.25).all() for tensor in backend._network.state_dict().values())


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    torch.save({"hm_conv.weight": torch.zeros(17, 32, 1, 1)}, tmp_path / "fast.pth")

    with pytest.raises(WeightsError, match=r"fast\.pth does not fit KeypointRCNN"):
        build(tmp_path / "fast.pth", "cpu")


@pytest.mark.parametrize(
    ("option", "value"),
    [("least_score", 1.5), ("overlap", -0.1), ("most_people", 0), ("side", 8)],
)
def test_an_option_out_of_range_is_refused(option, value):
    with pytest.raises(ConfigError, match=rf"'{option}' of keypoint_rcnn is {value}"):
        build(None, "cpu", **{option: value})
