"""A small drawn set to learn from, its people, and databases of made-up maps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.heatmap_file import HeatmapFile
from data.heatmap_store import Header, Record
from data.heatmaps import Heatmaps
from data.posetrack_set import AnnotatedSet, read_set
from data.synthetic.posetrack_tree import TreePlan, write_tree
from models.training.published.people import Locate, Subject, subjects

SIZES = {"slow": (96, 128), "fast": (96, 96)}


@pytest.fixture(scope="session")
def drawn_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn videos of six frames, one of each split."""
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, TreePlan(2, 6, (160, 120), seed=4), lambda done: None)
    return folder


@pytest.fixture(scope="session")
def annotated(drawn_tree: Path) -> AnnotatedSet:
    return read_set(drawn_tree / "annotations" / "train")


@pytest.fixture(scope="session")
def people(annotated: AnnotatedSet) -> list[Subject]:
    return subjects(annotated)


@pytest.fixture(scope="session")
def locate(drawn_tree: Path) -> Locate:
    return lambda name: drawn_tree / name


@pytest.fixture
def database(annotated: AnnotatedSet, people: list[Subject], tmp_path: Path) -> Callable[..., Path]:
    """Makes a database of a net, with maps that are random but the same for the same person."""

    def make(net: str, *, annotations: str = annotated.sha256, without: int = 0) -> Path:
        path, size = tmp_path / f"{net}.fsh", SIZES[net]
        header = Header(net, "made up", "0" * 64, annotations, "posetrack-17", size, "exact")
        with HeatmapFile.append(path, header) as store:
            for number, subject in enumerate(people[without:]):
                crop = subject.crop(size).sized((size[0] // 4, size[1] // 4))
                rng = np.random.default_rng([number, size[1]])
                maps = rng.random((17, size[1] // 4, size[0] // 4)).astype(np.float32)
                store.put([Record(subject.key, Heatmaps(maps, crop), 1.0)])
            store.finish()
        return path

    return make
