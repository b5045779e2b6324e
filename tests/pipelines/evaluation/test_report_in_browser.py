"""The report as a browser shows it: every plot draws something, nothing is fetched or overlaps."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from data.frame import Image
from pipelines.evaluation.posetrack import evaluate
from pipelines.evaluation.report import Pictures, report
from pipelines.evaluation.report_style import colour
from pipelines.evaluation.report_tables import Run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Document = dict[str, Any]
Seen = Callable[[Image, str], int]

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
EVIL = "<script>alert('broken')"

# Pairs of texts in one plot whose boxes overlap by more than a hair.
OVERLAPS = """
() => [...document.querySelectorAll(".plot svg")].flatMap(plot => {
  const texts = [...plot.querySelectorAll("text")];
  const boxes = texts.map(text => [text.textContent, text.getBoundingClientRect()]);
  return boxes.flatMap(([one, a], i) => boxes.slice(i + 1)
    .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
    .map(([other]) => `${one} / ${other}`));
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium, else the system's."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        paths = [None, *filter(None, map(shutil.which, BROWSERS))]
        for path in paths:
            try:
                found = playwright.chromium.launch(executable_path=path)
            except api.Error:
                continue
            yield found
            found.close()
            return
        pytest.skip(
            "no Chromium on this machine: `playwright install chromium` brings one, and so does "
            "the system's package chromium"
        )


@pytest.fixture
def shown(
    browser: Browser,
    person18: Callable[..., Document],
    video18: Callable[..., Document],
    set_of: Callable[..., tuple[Path, Path]],
    tmp_path: Path,
) -> Iterator[tuple[Page, list[str]]]:
    """A report on two runs, opened from disk, and what it asked for or complained of on the way.

    Of its sequences one has a name that would be a script.
    """
    generator = np.random.default_rng(3)
    frames = 40

    def walk(noise: float, lost: float) -> Document:
        people = []
        for frame in range(frames):
            for track in (1, 2):
                called = track if generator.random() > lost else 10 * frame + track
                person = person18(frame, called, 60 + 200 * (track - 1) + frame)
                points = np.array(person["keypoints"], float).reshape(17, 3)
                points[:, :2] += (points[:, 2:] > 0) * generator.normal(0, noise, (17, 2))
                scores = generator.random(17).round(6).tolist()
                people.append(person | {"keypoints": points.ravel().tolist(), "scores": scores})
        return video18(frames, people)

    names = (EVIL, "calm", "wild")
    truth = {name: walk(0, 0) for name in names}
    scored = []
    for noise, lost in ((3.0, 0.1), (5.0, 0.3)):
        found = {name: walk(noise, 0 if name == "calm" else lost) for name in names}
        folders = set_of(truth, found)
        scored.append(evaluate(*folders))
    for frame in range(frames):
        path = tmp_path / f"images/val/v/{frame:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), generator.integers(0, 255, (240, 320, 3), dtype=np.uint8))
    truths = {path.name.split(".")[0]: path for path in folders[0].iterdir()}
    runs = [Run(name, f"results/{name}", one) for name, one in zip("ab", scored, strict=True)]
    file = tmp_path / "report.html"
    made = report("truth", runs, pictures=Pictures(tmp_path, truths))
    file.write_text(made.html, encoding="utf-8")

    told: list[str] = []
    page = browser.new_page(viewport={"width": 1200, "height": 900})

    def tell(line: str) -> None:
        if line != file.as_uri() and not line.startswith("data:"):
            told.append(line)

    page.on("request", lambda request: tell(request.url))
    page.on("console", lambda message: tell(message.text))
    page.on("pageerror", lambda error: tell(f"{error}"))
    page.goto(file.as_uri())
    yield page, told
    page.close()


def test_every_plot_of_the_page_draws_something(
    shown: tuple[Page, list[str]], seen: Seen, tmp_path: Path
) -> None:
    page, told = shown
    plots = page.locator(".plot").all()

    whole = pixels(page.screenshot(full_page=True, path=tmp_path / "report.png"))
    kinds = [plot.get_attribute("data-plot") for plot in plots]
    drawn = [pixels(plot.screenshot()) for plot in plots]

    assert kinds == ["curves", "bars", "time-line", "time-line"]
    assert whole.shape[1] == 1200
    for kind, image in zip(kinds, drawn, strict=True):
        assert image.std() > 0, f"{kind} is of one colour"
        for run in (0, 1):
            assert seen(image, colour(run)) > 20, f"{kind}: nothing of run {run}"
    assert told == []


def test_pictures_are_shown_and_nothing_leaves_the_page_or_overlaps(
    shown: tuple[Page, list[str]],
) -> None:
    page, told = shown
    widths = page.evaluate("() => [...document.images].map(image => image.naturalWidth)")
    wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

    assert len(widths) == 8
    assert set(widths) == {320}
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate(wide) == 0
    page.set_viewport_size({"width": 400, "height": 800})
    assert page.evaluate(wide) == 0
    assert page.title() == "PoseTrack scores: a, b"
    assert page.get_by_text(EVIL, exact=True).count() == 1
    assert told == []


def pixels(png: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image[..., ::-1], np.uint8)
