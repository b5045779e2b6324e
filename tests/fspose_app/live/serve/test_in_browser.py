"""The page in a real browser, served by the real command with the bundled networks."""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[4]
CLIP = ROOT / "docs" / "demo" / "demo.mp4"
STREAM = (str(ROOT / "tests" / "live" / "mjpeg_server.py"), "--people", "3", "--rate", "12")
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
REFUSED = "Failed to load resource: the server responded with a status of 415"  # as it should
PATIENCE = 240_000  # milliseconds: the networks share the processor with others
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
DROP = """
([name, content]) => {
  const bytes = Uint8Array.from(atob(content), sign => sign.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type: "video/mp4"}));
  const tell = kind => document.querySelector("#drop").dispatchEvent(
    new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
  tell("dragenter");
  tell("drop");
}
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium, else the system's."""
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        for path in [None, *filter(None, map(shutil.which, BROWSERS))]:
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


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[str]:
    """A program, until the end of the block; the address that it tells in its first line."""
    with subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        assert program.stdout is not None
        try:
            line = program.stdout.readline()
            found = re.search(r"http://[^ \n]+", line)
            assert found, line
            yield found[0]
        finally:
            program.terminate()
            program.communicate(timeout=60)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("served")
    with running(["-m", "fspose_app", "serve", str(CLIP), "--port", "0"], folder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page, opened; at the end nothing was fetched from elsewhere, or complained of."""
    told: list[str] = []
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.set_default_timeout(PATIENCE)
    shown.on("request", lambda request: told.append(request.url))
    shown.on("console", lambda message: told.append(message.text))
    shown.on("pageerror", lambda error: told.append(f"{error}"))
    shown.goto(url)
    shown.locator("#files").wait_for()
    yield shown
    shown.close()
    usual = (url, f"blob:{url}", REFUSED)
    assert [line for line in told if not line.startswith(usual)] == []


def test_the_live_view_of_a_stream_shows_people_and_its_counters_move(
    page: Page, tmp_path: Path
) -> None:
    with running([*STREAM], tmp_path) as stream:
        page.locator("#source").select_option("Address of a stream …")
        page.locator("#address").fill(stream)
        page.get_by_role("button", name="Start").click()
        page.wait_for_function("() => Number(people.textContent) > 0")
        page.wait_for_function("() => document.querySelectorAll('#legend li').length > 3")
        seen = []
        while len(seen) < 20:
            seen.append({name: text(page, name) for name in ("people", "frame", "dropped", "rate")})
            time.sleep(0.5)
        picture = pixels(page.locator("#picture").screenshot())
        plot = pixels(page.locator("#plot").screenshot())
        page.screenshot(path=tmp_path / "live.png", full_page=True)
        wide = page.evaluate(WIDE)
        page.set_viewport_size({"width": 390, "height": 844})
        page.screenshot(path=tmp_path / "live-phone.png", full_page=True)
        narrow = page.evaluate(WIDE)
        page.get_by_role("button", name="Stop").click()
        page.wait_for_function("() => state.textContent === 'idle'")

    frames = [int(one["frame"]) for one in seen]
    assert sum(int(one["people"]) > 0 for one in seen) >= 18  # of 10 seconds
    assert frames == sorted(frames)
    assert len(set(frames)) > 5
    assert int(seen[-1]["dropped"]) >= int(seen[0]["dropped"])
    assert len({one["rate"] for one in seen}) > 1
    assert re.fullmatch(r"\d+ (ms|s)", text(page, "latency"))
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500
    assert plot.std() > 5
    assert (wide, narrow) == (0, 0)


def test_a_clip_that_is_dropped_is_followed_and_its_overlay_plays(
    page: Page, url: str, tmp_path: Path
) -> None:
    page.evaluate(DROP, ["my clip.mp4", base64.b64encode(CLIP.read_bytes()).decode()])
    job = page.locator(".job")
    job.wait_for()
    told = [job.locator(".job-state").inner_text()]
    page.wait_for_function("() => document.querySelector('.job').dataset.state === 'running'")
    moved = []
    while job.get_attribute("data-state") == "running":
        moved.append(page.evaluate("() => document.querySelector('.job progress').value"))
        if len(moved) == 5:
            page.screenshot(path=tmp_path / "job.png", full_page=True)
        time.sleep(0.5)
    told.append(job.locator(".job-state").inner_text())
    page.wait_for_function("() => document.querySelector('.job video').readyState >= 2")
    page.evaluate("() => document.querySelector('.job video').play()")
    page.wait_for_function("() => document.querySelector('.job video').currentTime > 1")
    video = pixels(job.locator("video").screenshot())
    page.screenshot(path=tmp_path / "done.png", full_page=True)
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=tmp_path / "done-phone.png", full_page=True)
    with page.expect_download() as fetched:
        job.get_by_text("Result file").click()
    result = Path(fetched.value.path()).read_text()
    width = page.evaluate(WIDE)
    page.reload()
    page.locator(".job video").wait_for()  # the job outlives a reload
    page.get_by_role("button", name="Remove").click()
    page.locator(".job").wait_for(state="detached")

    assert told[-1] == "done, 200 frames"
    assert moved == sorted(moved)
    assert len(set(moved)) > 3
    assert fetched.value.suggested_filename == "my clip.jsonl"
    assert result.count("\n") == 201
    assert '"source":"my clip.mp4"' in result
    assert video.std() > 20
    assert width == 0


def test_what_is_no_video_is_told_on_the_page(page: Page) -> None:
    page.evaluate(DROP, ["film.mp4", base64.b64encode(b"PK\3\4 no film").decode()])

    told = page.locator(".job-state.bad")
    told.wait_for()

    assert told.inner_text().startswith("film.mp4: not a video")


def text(page: Page, name: str) -> str:
    return page.locator(f"#{name}").inner_text()


def pixels(png: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image
