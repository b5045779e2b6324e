"""What a run of training leaves in its folder: weights, a log, and where to go on.

Every file is written under a temporary name and renamed when it is whole.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import torch
from torch import nn

from data.draft import Draft, output_error
from data.errors import ConfigError, OutputError, WeightsError
from models import taught, zoo
from models.training.examples import Batch
from models.training.loop import BAD_BATCH
from models.training.state import Epoch, Progress, State
from models.weights import DAMAGE

LAST, BEST, LOG = "last.pth", "best", "log.csv"
_KIND = "fspose.training/2"

Settings = Mapping[str, str]
"""What a run that is gone on with must share with its beginning, as text under option names."""


@dataclass(frozen=True, slots=True)
class Form:
    """How weights are written: the bytes of a network's file, and the file name's ending."""

    ending: str
    content: Callable[[nn.Module], bytes]


def bare(size: tuple[int, int] | None) -> Form:
    """A state dict as the published programs write it, with the crop's `size` noted."""
    return Form(".pth", lambda network: _saved(taught.state_of(network, size)))


def described(description: zoo.Description) -> Form:
    """A file in half precision that says itself what it holds, as those of the family."""
    return Form(".safetensors", lambda network: zoo.packed(network, description))


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The files of one run in `folder`.

    `final` is the name of the weights at the end, without its ending; `pattern` names those of an
    epoch, where they are kept.
    """

    folder: Path
    settings: Settings
    form: Form
    final: str
    pattern: str | None = None

    @property
    def final_path(self) -> Path:
        return self.folder / (self.final + self.form.ending)

    def begin(self, *, resume: bool) -> None:
        """Make the folder. Raises OutputError where another run lies in it."""
        if not resume and (self.folder / LAST).exists():
            raise OutputError(
                f"{self.folder} holds a run already. Go on with it with --resume, or name another "
                "folder."
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def progress(self) -> Progress:
        """How far the run in the folder is; from the start if there is none.

        Raises WeightsError for a damaged file, ConfigError for other settings.
        """
        path = self.folder / LAST
        if not path.exists():
            return Progress()
        try:
            found = torch.load(path, map_location="meta", weights_only=True)
            self._compare(found, path)
            return _progress(found)
        except DAMAGE as error:
            raise _damaged(path) from error

    def restore(self, state: State) -> None:
        """Put the last state back; nothing happens where there is none.

        Raises WeightsError for a damaged file, ConfigError for other settings.
        """
        path = self.folder / LAST
        if not path.exists():
            return
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)
            self._compare(found, path)
            state.network.load_state_dict(found["network"])
            if state.average is not None:
                state.average.load_state_dict(found["average"])
            state.optimizer.load_state_dict(found["optimizer"])
            progress = _progress(found)
        except DAMAGE as error:
            raise _damaged(path) from error
        for field in fields(Progress):
            setattr(state.progress, field.name, getattr(progress, field.name))

    def save(self, state: State) -> None:
        """Write the state from which a run goes on, in the middle of an epoch or between two."""
        so_far = {n: v for n, v in asdict(state.progress).items() if n != "history"}
        average = None if state.average is None else taught.state_of(state.average, None)
        content = {
            "kind": _KIND,
            "settings": dict(self.settings),
            "network": taught.state_of(state.network, None),
            "average": average,
            "optimizer": state.optimizer.state_dict(),
            "progress": so_far,
            "history": [astuple(row) for row in state.progress.history],
        }
        _write(_saved(content), self.folder / LAST)

    def keep_epoch(self, state: State) -> None:
        """Write the weights of the epoch that has just ended, as the best ones too where they are,
        and the log so far."""
        history = state.progress.history
        content = self.form.content(state.result)
        if self.pattern is not None:
            _write(content, self.folder / self.pattern.format(state.progress.epoch))
        if all(row.merit < history[-1].merit for row in history[:-1]):
            _write(content, self.folder / (BEST + self.form.ending))
        with Draft(self.folder / LOG) as draft:
            draft.write(",".join(field.name for field in fields(Epoch)) + "\n")
            for row in history:
                draft.write(_line(row))

    def keep_final(self, state: State) -> None:
        """Write the weights as they are at the end."""
        _write(self.form.content(state.result), self.final_path)

    def keep_batch(self, batch: Batch, rank: int) -> Path:
        """Write a batch that cannot be learned from; the path of its file."""
        path = self.folder / (BAD_BATCH if rank == 0 else f"{rank}-{BAD_BATCH}")
        _write(_saved([torch.from_numpy(part) for part in batch]), path)
        return path

    def _compare(self, found: Mapping[str, object], path: Path) -> None:
        if found["kind"] != _KIND:
            raise ValueError("another kind of file")
        theirs = found["settings"]
        assert isinstance(theirs, dict)
        for name, value in self.settings.items():
            if theirs.get(name) != value:
                raise ConfigError(
                    f"{path} was begun with {name} {theirs.get(name)}, and this run has {value}. "
                    "Go on with the same settings, or name another folder."
                )


def _progress(found: Mapping[str, object]) -> Progress:
    so_far, history = found["progress"], found["history"]
    assert isinstance(so_far, dict)
    assert isinstance(history, list)
    return Progress(**so_far, history=[Epoch(*row) for row in history])


def _damaged(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} is no state of a training, or is damaged. Begin anew in another folder, with "
        "--start and the weights of the last epoch."
    )


def _line(row: Epoch) -> str:
    shares = ["" if share is None else f"{share:.6f}" for share in (row.accuracy, row.held_out)]
    return f"{row.epoch},{row.rate:g},{row.loss:.8g},{','.join(shares)},{row.seconds:.1f}\n"


def _saved(content: object) -> bytes:
    """What torch saves. In memory first: its own writer tells of a full disk in riddles."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _write(content: bytes, path: Path) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # a disk may tell only then that it is full
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise output_error(path, error) from error
