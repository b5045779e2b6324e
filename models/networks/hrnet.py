"""HRNet: four resolutions kept side by side; trunk and pose head of the slow net.

Sun et al. 2019 ("Deep High-Resolution Representation Learning for Human Pose Estimation"),
section 3; entry names are those of the published checkpoints (FSPose specification 1.1).
"""

from __future__ import annotations

from torch import Tensor, nn

from models.networks.blocks import BasicBlock, Bottleneck, conv3x3

RENAMES: tuple[tuple[str, str | None], ...] = (
    # MMPose keeps the trunk below `backbone`, its 0.x the last layer below `keypoint_head`, its
    # 1.x below `head`; there the images' mean and deviation may be entries too.
    (r"^backbone\.(?=(conv|bn|layer|transition|stage)\d)", ""),
    (r"^(keypoint_)?head\.final_layer\.", "final_layer."),
    (r"^data_preprocessor\.", None),
    # PoseWarper trains its transfer network in one file with the HRNet it starts from.
    (r"^(offset_feats|offsets\d|deform_conv\d)\.", None),
)

IMAGENET: tuple[tuple[str, str | None], ...] = (
    (r"^(incre_modules|downsamp_modules|final_layer|classifier)\.", None),
)
"""What an ImageNet checkpoint has beside the trunk: its classifier."""


def _step(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    conv = conv3x3(inputs, outputs, stride)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _descent(inputs: int, outputs: int, steps: int) -> nn.Sequential:
    """`steps` halvings; only the last changes the width, and it ends without ReLU."""
    chain: list[nn.Module] = [_step(inputs, inputs, 2) for _ in range(steps - 1)]
    last = nn.Sequential(conv3x3(inputs, outputs, 2), nn.BatchNorm2d(outputs))
    return nn.Sequential(*chain, last)


def _ascent(inputs: int, outputs: int, steps: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.Upsample(scale_factor=2.0**steps, mode="nearest"),
    )


class Exchange(nn.Module):
    """One module of a stage: a chain of blocks per resolution, then everyone hears everyone."""

    def __init__(self, widths: tuple[int, ...], *, blocks: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width, width) for _ in range(blocks))) for width in widths
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(self._path(widths, source, target) for source in range(len(widths)))
            for target in range(outputs)
        )
        self.relu = nn.ReLU(inplace=True)

    @staticmethod
    def _path(widths: tuple[int, ...], source: int, target: int) -> nn.Module:
        if source == target:
            return nn.Identity()
        if source > target:
            return _ascent(widths[source], widths[target], source - target)
        return _descent(widths[source], widths[target], target - source)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        fused = []
        for paths in self.fuse_layers:
            assert isinstance(paths, nn.ModuleList)
            total = paths[0](maps[0])
            for path, x in zip(paths[1:], maps[1:], strict=True):
                total = total + path(x)  # in the order of the resolutions, as published
            fused.append(self.relu(total))
        return fused


class HRNet(nn.Module):
    """Images (N, 3, h, w) to raw keypoint maps (N, keypoints, h / 4, w / 4).

    h and w are multiples of 32. `width` is that of the finest resolution and doubles with each
    coarser one; `modules` counts the exchanges of stages 2 to 4, `blocks` the residual blocks of a
    chain, `stem` the width of the two first convolutions and of the first stage's bottlenecks.
    `outputs` is how many resolutions, from the finest, the last exchange hands out: a pose needs
    one, `pyramid` gives all of them. The published networks differ in `width` only.
    """

    def __init__(
        self,
        *,
        width: int,
        keypoints: int,
        modules: tuple[int, int, int] = (1, 4, 3),
        blocks: int = 4,
        stem: int = 64,
        first_blocks: int = 4,
        outputs: int = 1,
    ) -> None:
        super().__init__()
        widths = tuple(width * 2**branch for branch in range(4))
        self.conv1 = conv3x3(3, stem, 2)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = conv3x3(stem, stem, 2)
        self.bn2 = nn.BatchNorm2d(stem)
        self.relu = nn.ReLU(inplace=True)
        expanded = stem * Bottleneck.expansion
        rest = (Bottleneck(expanded, stem) for _ in range(first_blocks - 1))
        self.layer1 = nn.Sequential(Bottleneck(stem, stem), *rest)
        self.transition1 = nn.ModuleList(
            [_step(expanded, widths[0], 1), nn.Sequential(_step(expanded, widths[1], 2))]
        )
        self.stage2 = self._stage(widths[:2], modules[0], blocks)
        self.transition2 = self._deeper(widths[:3])
        self.stage3 = self._stage(widths[:3], modules[1], blocks)
        self.transition3 = self._deeper(widths)
        self.stage4 = self._stage(widths, modules[2], blocks, last_outputs=outputs)
        self.final_layer: nn.Module = nn.Conv2d(width, keypoints, 1)

    @staticmethod
    def _stage(
        widths: tuple[int, ...], modules: int, blocks: int, *, last_outputs: int | None = None
    ) -> nn.Sequential:
        outputs = [len(widths)] * modules
        outputs[-1] = last_outputs or len(widths)
        return nn.Sequential(*(Exchange(widths, blocks=blocks, outputs=n) for n in outputs))

    @staticmethod
    def _deeper(widths: tuple[int, ...]) -> nn.ModuleList:
        """The known resolutions pass; a new one starts from the coarsest."""
        passing: list[nn.Module] = [nn.Identity() for _ in widths[:-1]]
        return nn.ModuleList([*passing, nn.Sequential(_step(widths[-2], widths[-1], 2))])

    def features(self, images: Tensor) -> Tensor:
        """(N, width, h / 4, w / 4): the finest resolution after the last exchange."""
        return self.pyramid(images)[0]

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The `outputs` finest resolutions after the last exchange: strides 4, 8, 16, 32."""
        return self.stage4(self._to_stage4(images))

    def levels(self, images: Tensor) -> list[Tensor]:
        """All four resolutions before the last exchange, finest first: strides 4, 8, 16, 32."""
        maps = self.stage4[:-1](self._to_stage4(images))
        last = self.stage4[-1]
        assert isinstance(last, Exchange)
        return [branch(x) for branch, x in zip(last.branches, maps, strict=True)]

    def _to_stage4(self, images: Tensor) -> list[Tensor]:
        x = self.relu(self.bn1(self.conv1(images)))
        x = self.layer1(self.relu(self.bn2(self.conv2(x))))
        maps = self.stage2([step(x) for step in self.transition1])
        maps = self.stage3([*maps, self.transition2[-1](maps[-1])])
        return [*maps, self.transition3[-1](maps[-1])]

    def forward(self, images: Tensor) -> Tensor:
        return self.final_layer(self.features(images))


def hrnet_w32(keypoints: int) -> HRNet:
    """The slow net of FSPose: 28.5 M parameters with 17 keypoints."""
    return HRNet(width=32, keypoints=keypoints)


def hrnet_w48(keypoints: int) -> HRNet:
    """PoseWarper's trunk: 63.6 M parameters with 17 keypoints."""
    return HRNet(width=48, keypoints=keypoints)
