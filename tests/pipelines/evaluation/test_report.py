"""The report: one page that holds everything, escapes what it was given, and stays bounded."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipelines.evaluation import report as page
from pipelines.evaluation.posetrack import evaluate
from pipelines.evaluation.report import Pictures, report
from pipelines.evaluation.report_tables import Run

Document = dict[str, Any]
Build = Callable[..., Document]
SetOf = Callable[..., tuple[Path, Path]]
Folders = tuple[Path, Path]


class Read(HTMLParser):
    """A page as elements with their attributes, and as the text that a person reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def tags(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture
def walk(person18: Build, video18: Build) -> Build:
    """One person over some frames, called as `tracks` says in each; None where nobody is found."""

    def make(tracks: list[int | None], shift: float = 0.0, **changes: Any) -> Document:
        people = [
            person18(frame, track, 40 + shift)
            for frame, track in enumerate(tracks)
            if track is not None
        ]
        return video18(len(tracks), people, **changes)

    return make


TRUTH = [1, 1, 1, 1]
STEADY, LOST, SWITCHED = [1, 1, 1, 1], [None, 1, 1, 1], [1, 1, 2, 3]


def runs_of(folders: Folders, *names: str, metrics: tuple[str, ...] = ("ap", "mot")) -> list[Run]:
    scores = evaluate(*folders, metrics=metrics)
    return [Run(name, f"results/{name}", scores) for name in names or ("ours",)]


@pytest.fixture
def folders(walk: Build, set_of: SetOf) -> Folders:
    """Three sequences: one is perfect, one has a miss, one has two switches."""
    truth = dict.fromkeys(("good", "lost", "worst"), walk(TRUTH))
    found = {"good": walk(STEADY), "lost": walk(LOST), "worst": walk(SWITCHED)}
    return set_of(truth, found)


def test_worst_sequences_come_first_with_what_happened_in_them(folders: Folders) -> None:
    html = report("truth", runs_of(folders, metrics=("mot",))).html

    assert html.index(">worst<") < html.index(">lost<") < html.index(">good<")
    assert html.count('data-plot="time-line"') == 1
    assert "person 1: 1 → 2, 15 keypoints" in html
    assert "person 1: 2 → 3, 15 keypoints" in html
    assert "<b>frame 2</b>" in html
    assert "000002.jpg" in html


def test_the_page_needs_nothing_but_itself(folders: Folders) -> None:
    html = report("truth", runs_of(folders)).html
    read = Read(html)

    assert html.startswith("<!DOCTYPE html>")
    assert read.tags("script") == []
    (policy,) = [m for m in read.tags("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert (policy["content"] or "").startswith("default-src 'none'; img-src data:")
    targets = [
        value or ""
        for _, attributes in read.elements
        for key, value in attributes.items()
        if key in ("src", "href", "xlink:href", "srcset", "action", "data")
    ]
    assert [target for target in targets if not target.startswith(("data:", "#"))] == []
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    # Names of XML's vocabularies look like addresses; no other address is in the page.
    assert set(re.findall(r"https?://[^\s\"<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }


def test_no_two_elements_share_an_id_and_every_reference_is_met(folders: Folders) -> None:
    read = Read(report("truth", runs_of(folders, "a", "b")).html)

    ids = Counter(attributes["id"] for _, attributes in read.elements if "id" in attributes)
    wanted = {(found.get("xlink:href") or "")[1:] for found in read.tags("use")}
    assert [name for name, count in ids.items() if count > 1] == []
    assert wanted
    assert wanted <= set(ids)


def test_the_same_scores_make_the_same_page(folders: Folders) -> None:
    assert (
        report("t", runs_of(folders, metrics=("mot",))).html
        == report("t", runs_of(folders, metrics=("mot",))).html
    )


@pytest.mark.parametrize(
    "evil", ["<script>", "'\"><img src=x onerror=alert(1)>", "$\\frac{$ {{7*7}}"]
)
def test_names_out_of_files_are_escaped(evil: str, walk: Build, set_of: SetOf) -> None:
    names = [{"id": i, "file_name": f"{evil}{i}.jpg"} for i in range(4)]
    truth, found = set_of({evil: walk(TRUTH, images=names)}, {evil: walk(SWITCHED, images=names)})
    scores = evaluate(truth, found, metrics=("mot",))

    read = Read(report(evil, [Run(evil, evil, scores), Run("b", evil, scores)]).html)

    assert read.tags("script") == []
    assert read.tags("img") == []
    # Title, truth, two places, legends and tables, the sequence, its frames.
    assert read.text.count(" ".join(evil.split())) > 10
    assert f"{evil}2.jpg" in read.text


def test_halves_of_characters_do_not_stop_the_page(folders: Folders) -> None:
    (ours,) = runs_of(folders, metrics=("mot",))

    html = report("truth", [Run("\udcff!", "x", ours.scores)]).html

    assert "?!" in html
    html.encode("utf-8")


def test_nan_and_corrections_are_told_as_the_table_tells_them(
    walk: Build, person18: Build, video18: Build, set_of: SetOf
) -> None:
    headless = [person18(frame, 1, 40) for frame in range(3)]
    for person in headless:
        person["keypoints"][6:9] = [0, 0, 0]
    read = Read(
        report("t", runs_of(set_of({"v": video18(3, headless)}, {"v": walk([1, 1, None])}))).html
    )

    assert "nan: AP of head_top: never annotated" in read.text
    assert "nan: MOTA of head_top: never annotated" in read.text
    assert "AP: never annotated; AP rec: never annotated; MOTA: never annotated" in read.text
    assert "the last compared frame of every sequence counts (frames: 1): MOTA" in read.text
    assert "all: MOTA\N{NO-BREAK SPACE}" not in read.text  # the arrow alone is kept together
    assert re.search(r"all: MOTA \S+\s→\s\S+", read.text)


def test_the_official_page_has_no_corrections(folders: Folders) -> None:
    read = Read(report("t", runs_of(folders, metrics=("mot",)), as_official=True).html)

    assert "Tracking as the official tool counts." in read.text
    assert "Put right" not in read.text


def test_several_runs_stand_side_by_side(walk: Build, set_of: SetOf, tmp_path: Path) -> None:
    folders = set_of({"v": walk(TRUTH)}, {"v": walk(STEADY)})
    better = evaluate(*folders)
    worse = evaluate(*set_of({"v": walk(TRUTH)}, {"v": walk(SWITCHED, shift=0.5)}))

    read = Read(report("t", [Run("one", "p/one", better), Run("two", "p/two", worse)]).html)
    text = read.text.replace("\N{MINUS SIGN}", "-")

    assert "keypoint A B B - A A B B - A right_ankle 100.0 100.0 0.0 100.0 50.0 -50.0" in text
    # Of 60 keypoints 30 switch: MOTA goes from 100 to 50.
    assert "v 4 A 100.0 100.0 0 B 100.0 50.0 30 B - A 0.0 -50.0 +30" in text
    assert "A person 1" not in read.text
    assert read.text.count("B person 1: ") == 2
    assert {"p/one", "p/two"} <= set(read.words)
    assert len(read.tags("details")) == 2


def test_what_was_not_scored_is_not_plotted(folders: Folders) -> None:
    only_ap = report("t", runs_of(folders, metrics=("ap",))).html
    only_idf1 = report("t", runs_of(folders, "a", "b", metrics=("idf1",))).html

    assert re.findall('data-plot="(.*?)"', only_ap) == ["curves"]
    assert "no time lines" in only_ap
    assert 'data-plot="' not in only_idf1
    assert "IDF1" in only_idf1


def test_the_page_says_that_there_are_no_pictures(folders: Folders) -> None:
    made = report("t", runs_of(folders, metrics=("mot",)))

    assert "no folder of images was named (--images)" in " ".join(made.html.split())
    assert Read(made.html).tags("img") == []
    assert made.notes == ()


def images(root: Path, frames: int) -> Path:
    for frame in range(frames):
        path = root / f"images/val/v/{frame:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((120, 160, 3), 90, np.uint8))
    return root


def test_frames_with_switches_are_pictured(folders: Folders, tmp_path: Path) -> None:
    truths = {path.stem: path for path in folders[0].iterdir()}
    root = images(tmp_path / "pictures", 4)

    made = report("t", runs_of(folders, metrics=("mot",)), pictures=Pictures(root, truths))
    found = Read(made.html).tags("img")

    assert [image["alt"] for image in found] == ["frame 2", "frame 3"]
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in found)
    assert made.notes == ()


def test_pictures_that_are_not_there_are_told_once(folders: Folders, tmp_path: Path) -> None:
    truths = {path.stem: path for path in folders[0].iterdir()}
    (tmp_path / "empty").mkdir()

    made = report(
        "t", runs_of(folders, metrics=("mot",)), pictures=Pictures(tmp_path / "empty", truths)
    )

    assert made.html.count("<em>no picture: no such image below --images</em>") == 2
    (note,) = made.notes
    assert note.startswith("images/val/v/000002.jpg, images/val/v/000003.jpg: no picture: ")
    assert note in made.html


@pytest.mark.parametrize("way", ["..", "{root}"])
def test_files_outside_the_images_are_never_in_the_page(
    way: str, walk: Build, set_of: SetOf, tmp_path: Path
) -> None:
    start = f"{way.format(root=images(tmp_path, 4))}/images/val/v"
    names = [{"id": i, "file_name": f"{start}/{i:06d}.jpg"} for i in range(4)]
    folders = set_of({"v": walk(TRUTH, images=names)}, {"v": walk(SWITCHED, images=names)})
    (tmp_path / "pictures").mkdir()

    pictures = Pictures(tmp_path / "pictures", {"v": folders[0] / "v.json"})
    made = report("t", runs_of(folders, metrics=("mot",)), pictures=pictures)

    assert "data:image/jpeg" not in made.html
    assert made.html.count("leads out of --images</em>") == 2


def test_hundreds_of_sequences_have_few_pictures(walk: Build, set_of: SetOf) -> None:
    names = [f"v{number:03d}" for number in range(40)]
    wild = list(range(1, 9))
    folders = set_of(dict.fromkeys(names, walk([1] * 8)), dict.fromkeys(names, walk(wild)))

    html = report("t", runs_of(folders, metrics=("mot",))).html

    assert html.count('data-plot="time-line"') == 40
    assert html.count("<figure>") == page.MOST_EVENTS
    first = html[html.index(">v000<") : html.index(">v001<")]
    assert first.count("<figure>") == page.MOST_OF_ONE
