"""What tests of several floors share: a seeded generator, a tiny video, a stream that misbehaves,
damaged documents."""

from __future__ import annotations

import copy
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import strategies as st


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled and fetched networks are kept in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSPOSE_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def tiny_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of 96 x 64 at 10 per second: a bright square goes right, 5 pixels a frame."""
    path = tmp_path_factory.mktemp("video") / "tiny.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(12):
            image = np.full((64, 96, 3), 40, np.uint8)
            image[20:44, 5 + 5 * index : 29 + 5 * index] = 220
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture
def mjpeg() -> Iterator[Any]:
    """A running `MjpegServer` (tests/live/mjpeg_server.py): a square at 25 frames per second.

    `tests` is no package, so the module cannot be imported by name.
    """
    name = "live_mjpeg_server"
    path = Path(__file__).parent / "live" / "mjpeg_server.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    with module.MjpegServer() as server:
        yield server


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 1, 3, 15, 10_000, 2**63, -(2**63) - 1, 2**64, 10**30, 10**400]),
    st.sampled_from([1e308, -1e308, 5e-324, 1e31, float("nan"), float("inf")]),
    st.sampled_from(["", "one", "3", "nose", "neck", "..", "/x/0.jpg", "../../x.jpg"]),
    st.sampled_from(["\ud800", "a\0b", "a\nb", "\x1b[31m", "x" * 300]),
    st.text(max_size=5),
)
CONTAINERS = st.one_of(
    st.sampled_from([[], {}, [[]], [{}], [None], [[[[[[]]]]]], {"point": []}, [[0, 0, 0]]]),
    st.lists(LEAVES, max_size=4),
    st.dictionaries(st.text(max_size=5), LEAVES, max_size=2),
)


@pytest.fixture(scope="session")
def damaged() -> Callable[[Any], st.SearchStrategy[Any]]:
    """Makes a strategy of a document: copies of it with one to three changes, at any depth.

    The right shape with a wrong leaf is as likely as a list or object out of place.
    """

    @st.composite
    def changed(draw: st.DrawFn, document: Any) -> Any:
        found = copy.deepcopy(document)
        for _ in range(draw(st.integers(1, 3))):
            _change(draw, found)
        return found

    return changed


def _change(draw: st.DrawFn, document: Any) -> None:
    """One value replaced, removed, doubled, put into a list or taken out of one."""
    spot = _spot(draw, document)
    if spot is None:
        return
    holder, key = spot
    kind = draw(st.integers(0, 7))
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif kind == 2:
        holder[key] = [holder[key]]
    elif kind == 3 and isinstance(holder[key], list) and holder[key]:
        holder[key] = holder[key][0]
    elif kind == 4:
        other = _spot(draw, document)
        holder[key] = copy.deepcopy(other[0][other[1]]) if other else None
    else:
        # A copy, for a further change may go into it.
        holder[key] = copy.deepcopy(draw(LEAVES if kind < 7 else CONTAINERS))


def _spot(draw: st.DrawFn, document: Any) -> tuple[Any, Any] | None:
    """A (holder, key) in a document, found by a walk from its root that may end at every depth.

    Of all places most are numbers of keypoints; on a walk every field has its turn.
    """
    spot = None
    here = document
    while isinstance(here, (dict, list)) and here and (spot is None or draw(st.integers(0, 5))):
        keys = sorted(here) if isinstance(here, dict) else range(len(here))
        key = draw(st.sampled_from(keys))
        spot, here = (here, key), here[key]
    return spot
