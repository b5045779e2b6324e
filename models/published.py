"""The published checkpoints: name, network, skeleton, licence, mirrors, SHA-256 where one is known.

What is written here was read in public places: the projects' own pages, file names of torchvision
and OpenMMLab (which bear the first eight digits of the SHA-256), and hashes that others published
after fetching. What nobody states is left open; nothing is fetched here (see `models/fetch.py`).
"""

from __future__ import annotations

import difflib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from data.errors import ConfigError
from models import archives

Use = Literal["slow", "fast", "transfer", "light-transfer", "backend", "start"]
"""The role that a checkpoint plays; `start` is for training only."""

HOME = "FSPOSE_HOME"


@dataclass(frozen=True, slots=True)
class File:
    """One file to fetch. `sha256` is the whole hash or its first digits, None where unpublished."""

    name: str
    mirrors: tuple[str, ...] = ()
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A checkpoint that others published. `size` is the network's crop, (width, height).

    `files` are one checkpoint: the parts of a split archive in order, or a single file. `by_hand`
    says where to get what no mirror hands out to a program; then its name may be unknown.
    """

    name: str
    use: Use
    network: str
    skeleton: str
    size: tuple[int, int] | None
    licence: str
    page: str
    files: tuple[File, ...]
    by_hand: str = ""

    @property
    def fetchable(self) -> bool:
        return bool(self.files) and all(file.mirrors for file in self.files)

    def path(self, folder: Path) -> Path:
        """Where the checkpoint lies once it is fetched into `folder`."""
        return folder / self.name / self.files[0].name


def home() -> Path:
    """The folder of fetched models: FSPOSE_HOME, or the platform's folder for a user's caches."""
    given = os.environ.get(HOME)
    if given:
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "fspose"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/fspose"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fspose"


def models_folder() -> Path:
    """Where fetched checkpoints lie, each in a folder of its name."""
    return home() / "models"


def find(name: str) -> Published:
    """The published checkpoint of that name; ConfigError with the nearest names."""
    known = {item.name: item for item in CATALOGUE}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`fspose models list` shows the names."
    raise ConfigError(f"There is no published checkpoint {name!r}; {hint}")


def of_digest(digest: str) -> Published | None:
    """The checkpoint of one file that has this SHA-256, or the digits that are published of it."""
    for item in CATALOGUE:
        hashes = [file.sha256 for file in item.files]
        if len(hashes) == 1 and hashes[0] is not None and digest.startswith(hashes[0]):
            return item
    return None


def of_file(path: Path, use: Use) -> Published | None:
    """The published checkpoint for `use` that a user's file is, by its name, else by its SHA-256.

    Names that several published checkpoints share count only where these do not differ in what
    they want of a crop.
    """
    name = path.name if path.is_file() else f"{path.name}.001"
    named = [i for i in CATALOGUE if i.use == use and name in _names(i)]
    if named and len({(item.skeleton, item.size) for item in named}) == 1:
        return named[0]
    found = of_digest(archives.sha256(path))
    return found if found is not None and found.use == use else None


def _names(item: Published) -> set[str]:
    """What a checkpoint's file may be called: a part of an archive, or what lies in it."""
    names = {file.name for file in item.files}
    archives_of = {name.removesuffix(".zip.001") for name in names if name.endswith(".zip.001")}
    return names | {stem + end for stem in archives_of for end in (".zip", ".pth")}


_COMMIT = "e5054319023010903c51ba037964876104dcb1f3"
_FSPOSE = "https://github.com/Fenax79/fspose"
_HRNET = "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch"
_MMPOSE = "https://github.com/open-mmlab/mmpose"
_SMALL, _LARGE = (192, 256), (288, 384)


def _fspose(name: str, use: Use, network: str, size: tuple[int, int], *paths: str) -> Published:
    """A checkpoint in FSPose's repository; no hash of any is published."""
    files = []
    for path in paths:
        inside = f"{_COMMIT}/models/posetrack18/{path}"
        raw = f"https://raw.githubusercontent.com/Fenax79/fspose/{inside}"
        files.append(File(path.rpartition("/")[2], (f"{_FSPOSE}/raw/{inside}", raw)))
    return Published(name, use, network, "posetrack-17", size, "Apache-2.0", _FSPOSE, tuple(files))


def _hrnet(width: int, size: tuple[int, int], sha256: str | None = None) -> Published:
    """A COCO checkpoint of HRNet's authors, which only Google Drive and OneDrive hand out."""
    kind = f"w{width}_{size[1]}x{size[0]}"
    return Published(
        name=f"hrnet-{kind.replace('_', '-coco-')}",
        use="slow",
        network=f"HRNet-W{width}",
        skeleton="coco-17",
        size=size,
        licence="MIT (of the code; the file has none of its own)",
        page=_HRNET,
        files=(File(f"pose_hrnet_{kind}.pth", sha256=sha256),),
        by_hand=(
            "folder pytorch/pose_coco of "
            "https://drive.google.com/drive/folders/1hOTihvbyIxsm5ygDpbUuJ7O_tzv4oXjC or "
            "https://1drv.ms/f/s!AhIXJn_J-blW231MH2krnmLq5kkQ"
        ),
    )


def _mmpose(version: int, width: int, data: str, size: tuple[int, int], file: str) -> Published:
    """A checkpoint of MMPose's model zoo; `file` is the last part of its address."""
    folder = "top_down/hrnet" if version == 0 else f"v1/body_2d_keypoint/topdown_heatmap/{data}"
    sha256 = file.rsplit("-", 1)[1].partition("_")[0]
    return Published(
        name=f"mmpose{version}-hrnet-w{width}-{data}-{size[1]}x{size[0]}",
        use="slow",
        network=f"HRNet-W{width}",
        skeleton="coco-17" if data == "coco" else "posetrack-17",
        size=size,
        licence="Apache-2.0",
        page=_MMPOSE,
        files=(
            File(
                file,
                (f"https://download.openmmlab.com/mmpose/{folder}/{file}",),
                _WHOLE.get(sha256, sha256),
            ),
        ),
    )


def _fcpose(depth: int) -> Published:
    """A checkpoint of FCPose's authors; no hash of any is published."""
    file = f"fcpose{depth}.pth"
    return Published(
        name=f"fcpose-r{depth}",
        use="backend",
        network=f"FCPose R-{depth}",
        skeleton="coco-17",
        size=None,
        licence="free for non-commercial use (AdelaiDet's licence)",
        page="https://github.com/aim-uofa/AdelaiDet",
        files=(File(file, (f"https://huggingface.co/ZjuCv/AdelaiDet/resolve/main/{file}",)),),
    )


def _hpos(depth: int) -> Published:
    """A checkpoint of hpos's authors, on a drive that hands out nothing to a program."""
    return Published(
        name=f"hpos-r{depth}",
        use="backend",
        network=f"hpos R-{depth}",
        skeleton="coco-17",
        size=None,
        licence="none that is stated",
        page="https://github.com/lingl-space/maskrcnn_keypoint_refined",
        files=(),
        by_hand=f"Baidu's drive, model_r{depth}.pth of the page's best_model_set",
    )


# Whole hashes of files whose names bear the first eight digits.
_WHOLE = {
    "b9e0b3ab": "b9e0b3ab0439cb68e166c7543e59d2587cd8d7e9acf5ea62a8378eeb82fb50e5",
    "0e67c616": "0e67c6167d6a10fe8f27e3da1e9a415b57289d5820dcca2b42bd8079df4b7a3a",
}

CATALOGUE: tuple[Published, ...] = (
    _fspose(
        "fspose-published-slow",
        "slow",
        "HRNet-W32",
        _SMALL,
        "pose_hrnet/w32_256x192_adam_lr1e-4/final_state.zip.001",
        "pose_hrnet/w32_256x192_adam_lr1e-4/final_state.zip.002",
    ),
    _fspose(
        "fspose-published-fast",
        "fast",
        "MobileNet",
        (224, 224),
        "mobilenet_test_1/100epoch.pth",
    ),
    _fspose(
        "fspose-published-transfer-64x48",
        "transfer",
        "TransferNet",
        _SMALL,
        "transfer_net_64x48_w32_mobilenet/20epoch.pth",
    ),
    _fspose(
        "fspose-published-transfer-56x56",
        "light-transfer",
        "TransferNet",
        (224, 224),
        "transfer_net_56x56_mobilenetx2/20epoch.pth",
    ),
    _hrnet(32, _SMALL, "19bc083708bb8d873211e50d85d56344c10290c6e8b564c813fdde09645c4c1c"),
    _hrnet(32, _LARGE),
    _hrnet(48, _SMALL),
    _hrnet(48, _LARGE, "95e0fec3194826d5e3f806ea89be68bbb84517b114c3a32b3058c56610b5ef61"),
    Published(
        name="posewarper-coco",
        use="slow",
        network="HRNet-W48",
        skeleton="coco-17",
        size=_LARGE,
        licence="Apache-2.0",
        page="https://github.com/facebookresearch/PoseWarper",
        files=(File("pretrained_coco_model.pth"),),
        by_hand=(
            "folder pretrained_models of the supplementary files, "
            "https://www.dropbox.com/s/ygfy6r8nitoggfq/PoseWarper_supp_files.zip"
        ),
    ),
    _mmpose(0, 32, "coco", _SMALL, "hrnet_w32_coco_256x192-c78dce93_20200708.pth"),
    _mmpose(0, 32, "coco", _LARGE, "hrnet_w32_coco_384x288-d9f0d786_20200708.pth"),
    _mmpose(0, 48, "coco", _SMALL, "hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth"),
    _mmpose(0, 48, "coco", _LARGE, "hrnet_w48_coco_384x288-314c8528_20200708.pth"),
    _mmpose(0, 32, "posetrack18", _SMALL, "hrnet_w32_posetrack18_256x192-1ee951c4_20201028.pth"),
    _mmpose(0, 32, "posetrack18", _LARGE, "hrnet_w32_posetrack18_384x288-806f00a3_20211130.pth"),
    _mmpose(0, 48, "posetrack18", _SMALL, "hrnet_w48_posetrack18_256x192-b5d9b3f1_20211130.pth"),
    _mmpose(0, 48, "posetrack18", _LARGE, "hrnet_w48_posetrack18_384x288-5fd6d3ff_20211130.pth"),
    _mmpose(1, 32, "coco", _SMALL, "td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth"),
    _mmpose(1, 32, "coco", _LARGE, "td-hm_hrnet-w32_8xb64-210e_coco-384x288-ca5956af_20220909.pth"),
    _mmpose(1, 48, "coco", _SMALL, "td-hm_hrnet-w48_8xb32-210e_coco-256x192-0e67c616_20220913.pth"),
    _mmpose(1, 48, "coco", _LARGE, "td-hm_hrnet-w48_8xb32-210e_coco-384x288-c161b7de_20220915.pth"),
    Published(
        name="torchvision-keypoint-rcnn",
        use="backend",
        network="Keypoint R-CNN",
        skeleton="coco-17",
        size=None,
        licence="BSD-3-Clause",
        page="https://github.com/pytorch/vision",
        files=(
            File(
                "keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
                (
                    "https://download.pytorch.org/models/keypointrcnn_resnet50_fpn_coco-fc266e95.pth",
                ),
                "fc266e953d2b302cdcbb9ae66f71f6b0d4649928bf02dc573961e361e4918926",
            ),
        ),
    ),
    Published(
        name="directpose-gluoncv",
        use="backend",
        network="DirectPose R-50, GluonCV's",
        skeleton="coco-17",
        size=None,
        licence="Apache-2.0 (of the code; the file has none of its own)",
        page="https://github.com/dmlc/gluon-cv",
        files=(
            File(
                "directpose_resnet50_lpf_fpn_coco-0bac43a2.pth",  # the digits are its SHA-1's
                (
                    "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/torch/models/"
                    "directpose_resnet50_lpf_fpn_coco-0bac43a2.pth",
                ),
            ),
        ),
    ),
    _fcpose(50),
    _fcpose(101),
    _hpos(50),
    _hpos(101),
    Published(
        name="mobilepose-mobilenetv2",
        use="start",
        network="MobileNet, 16 joints",
        skeleton="MobilePose's 16 joints",
        size=(224, 224),
        licence="free for non-commercial use",
        page="https://github.com/YuliangXiu/MobilePose",
        files=(),
        by_hand="Google Drive, row MobileNetV2 of the table in the page's README",
    ),
)
