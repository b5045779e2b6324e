"""Images and crops as the tensors that the networks read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
import PIL.Image
import torch
from torch import Tensor

from data.frame import Image
from data.pose import Floats

# ImageNet's colour statistics, RGB in 0..1, as every published network here uses them.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)

# The same mean in detectron2's order and range: BGR, 0..255; nothing is divided by.
BGR_MEAN = (103.530, 116.280, 123.675)

# And as the older programs have it, which began with weights of Caffe.
CAFFE_BGR_MEAN = (102.9801, 115.9465, 122.7717)


def normalised(images: Sequence[Image], device: torch.device | str) -> Tensor:
    """RGB images (h, w, 3) of one size to (N, 3, h, w) float32 on `device`, colours normalised.

    Colours lie beside each other in memory (channels last), which networks on a CPU read a little
    quicker. There every byte is looked up once, straight into the batch; to another device travel
    bytes, not floats: a quarter of the traffic.
    """
    if torch.device(device).type == "cpu":
        height, width = images[0].shape[:2]
        batch = np.empty((len(images), height, width, 3), np.float32)
        for place, image in zip(batch, images, strict=True):
            cv2.LUT(image, _table(), dst=place)
        return torch.from_numpy(batch).permute(0, 3, 1, 2)
    return _colours(torch.from_numpy(np.stack(images)).to(device)).permute(0, 3, 1, 2)


def _colours(pixels: Tensor) -> Tensor:
    """Bytes (..., 3) as normalised floats."""
    mean = torch.tensor(MEAN, device=pixels.device)
    deviation = torch.tensor(DEVIATION, device=pixels.device)
    return (pixels / 255 - mean) / deviation


@lru_cache(maxsize=1)
def _table() -> Floats:
    """(1, 256, 3): what `_colours` makes of every byte."""
    return _colours(torch.arange(256).to(torch.uint8)[:, None].expand(256, 3)).numpy()[None]


def shorter_side_to(image: Image, side: int, *, longest: int) -> Image:
    """An RGB image (h, w, 3) whose shorter side has `side` pixels, the longer at most `longest`.

    Sizes are rounded half up, and pixels are Pillow's, which averages what it shrinks, as
    detectron2 does (FCPose specification 4); OpenCV's would be others.
    """
    height, width = image.shape[:2]
    scale = min(side / min(height, width), longest / max(height, width))
    return _resized(image, int(width * scale + 0.5), int(height * scale + 0.5))


def shorter_side_first(image: Image, side: int, *, longest: int) -> Image:
    """The same by maskrcnn-benchmark's rule, whose sizes differ by a pixel or a few.

    The shorter side becomes a whole number first, fewer than `side` pixels where the longer would
    become more than `longest`; the longer follows it and is cut off (DirectPose specification 2).
    """
    height, width = image.shape[:2]
    shorter, longer = min(height, width), max(height, width)
    if longer / shorter * side > longest:
        side = round(longest * shorter / longer)
    # Of a strip the shorter side would become nothing: it is a pixel then.
    beside = min(int(max(1, side) * longer / shorter), 2 * longest)
    return _resized(image, *((side, beside) if width < height else (beside, side)))


def _resized(image: Image, width: int, height: int) -> Image:
    """An image brought to a size of a pixel at least; pixels are Pillow's."""
    size = (max(1, width), max(1, height))
    if size == (image.shape[1], image.shape[0]):
        return image
    return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BILINEAR))


def padded_size(image: Image, multiple: int = 32) -> tuple[int, int]:
    """(height, width) of an image brought up to multiples."""
    height, width = (-(-side // multiple) * multiple for side in image.shape[:2])
    return height, width


def padded_bgr(
    images: Sequence[Image],
    device: torch.device | str,
    mean: Sequence[float] = BGR_MEAN,
) -> Tensor:
    """RGB images (h, w, 3) of any sizes to (N, 3, H, W) float32 on `device`, as detectron2's.

    Channels are blue, green, red, in 0..255 less their `mean`. What is added on the right and
    below, up to multiples of 32, is 0 after that.
    """
    less = torch.tensor(mean, device=device)[:, None, None]
    pixels = (torch.from_numpy(i[..., ::-1].copy()).to(device) for i in images)
    return _padded([one.permute(2, 0, 1) - less for one in pixels])


def padded_rgb(images: Sequence[Image], device: torch.device | str) -> Tensor:
    """The same with colours as `normalised` has them, zeros after that too."""
    return _padded([normalised([image], device)[0] for image in images])


def _padded(tensors: Sequence[Tensor]) -> Tensor:
    """(3, h, w) of any sizes as (N, 3, H, W), zeros on the right and below, multiples of 32."""
    height, width = (-(-max(one.shape[side] for one in tensors) // 32) * 32 for side in (1, 2))
    batch = tensors[0].new_zeros(len(tensors), 3, height, width)
    for place, one in zip(batch, tensors, strict=True):
        place[:, : one.shape[1], : one.shape[2]] = one
    return batch
