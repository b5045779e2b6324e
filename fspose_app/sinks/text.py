"""TextSink: formats that are a list of entries: MOTChallenge, CSV, COCO results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from data.coco import RESULTS_BETWEEN, RESULTS_HEAD, RESULTS_TAIL, result_entry
from data.draft import Draft
from data.frame import FrameResult
from data.mot import mot_lines
from data.result import rounded
from data.skeleton import Skeleton
from data.table import TABLE_HEAD, table_rows

Entries = Callable[[FrameResult], list[str]]


class TextSink:
    """Writes what `entries` says of each frame, between a head and a tail."""

    def __init__(
        self, path: Path, entries: Entries, *, head: str = "", between: str = "", tail: str = ""
    ) -> None:
        self._draft = Draft(path)
        self._entries = entries
        self._between = between
        self._tail = tail
        self._before = ""
        self._draft.write(head)

    def write(self, result: FrameResult) -> None:
        for entry in self._entries(rounded(result)):
            self._draft.write(self._before + entry)
            self._before = self._between

    def close(self) -> None:
        if not self._draft.is_open:
            return
        self._draft.write(self._tail)
        self._draft.close()

    def abandon(self) -> None:
        self._draft.abandon()


def table_sink(path: Path, skeleton: Skeleton) -> TextSink:
    """CSV with a row per frame, person and keypoint."""
    return TextSink(path, lambda result: table_rows(result, skeleton), head=TABLE_HEAD)


def mot_sink(path: Path) -> TextSink:
    """MOTChallenge text."""
    return TextSink(path, mot_lines)


def coco_sink(path: Path, skeleton: Skeleton) -> TextSink:
    """COCO results. A video has no image ids: the frame's index, from 0, is its image id."""

    def entries(result: FrameResult) -> list[str]:
        return [result_entry(result.frame.index, pose, skeleton) for pose in result.poses]

    return TextSink(path, entries, head=RESULTS_HEAD, between=RESULTS_BETWEEN, tail=RESULTS_TAIL)
