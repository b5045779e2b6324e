"""Images and crops as the tensors that the networks read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from data.frame import Image

# ImageNet's colour statistics, RGB in 0..1, as every published network here uses them.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

# The same mean in detectron2's order and range: BGR, 0..255; nothing is divided by.
BGR_MEAN = (103.530, 116.280, 123.675)


def normalised(images: Sequence[Image], device: torch.device | str) -> Tensor:
    """RGB images (h, w, 3) of one size to (N, 3, h, w) float32 on `device`, colours normalised.

    Bytes travel to the device, not floats: a quarter of the traffic.
    """
    batch = torch.from_numpy(np.stack(images)).to(device)
    mean = torch.tensor(MEAN, device=device)
    deviation = torch.tensor(DEVIATION, device=device)
    return ((batch / 255 - mean) / deviation).permute(0, 3, 1, 2).contiguous()


def shorter_side_to(image: Image, side: int, *, longest: int) -> Image:
    """An RGB image (h, w, 3) whose shorter side has `side` pixels, the longer at most `longest`.

    Sizes are rounded half up, and pixels are Pillow's, which averages what it shrinks, as
    detectron2 does (FCPose specification 4); OpenCV's would be others.
    """
    height, width = image.shape[:2]
    scale = min(side / min(height, width), longest / max(height, width))
    size = (max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5)))
    if size == (width, height):
        return image
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BILINEAR))


def padded_size(image: Image, multiple: int = 32) -> tuple[int, int]:
    """(height, width) of an image brought up to multiples."""
    height, width = (-(-side // multiple) * multiple for side in image.shape[:2])
    return height, width


def padded_bgr(images: Sequence[Image], device: torch.device | str) -> Tensor:
    """RGB images (h, w, 3) of any sizes to (N, 3, H, W) float32 on `device`, as detectron2's.

    Channels are blue, green, red, in 0..255 less their mean. What is added on the right and below,
    up to multiples of 32, is 0 after that.
    """
    sizes = [padded_size(image) for image in images]
    height, width = (max(sides) for sides in zip(*sizes, strict=True))
    batch = torch.zeros(len(images), 3, height, width, device=device)
    mean = torch.tensor(BGR_MEAN, device=device)[:, None, None]
    for place, image in zip(batch, images, strict=True):
        pixels = torch.from_numpy(np.ascontiguousarray(image[..., ::-1])).to(device)
        place[:, : image.shape[0], : image.shape[1]] = pixels.permute(2, 0, 1) - mean
    return batch
