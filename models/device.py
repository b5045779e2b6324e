"""Where the networks run, and with how many threads; chosen once, by the caller."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from data.errors import ConfigError
from models.runtimes.base import cores


def choose(name: str) -> str:
    """The device of that name; `auto` is the first CUDA device, or the CPU where there is none.

    Raises ConfigError for a name that torch does not know and a device that is not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=torch.device(name))
    except (RuntimeError, AssertionError) as error:  # torch's own for unknown, absent, not built in
        raise ConfigError(
            f"There is no device {name!r} here. Choose --device {' or '.join(present())}."
        ) from error
    return name


def present() -> tuple[str, ...]:
    """The devices that are there."""
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ("cpu", *cuda, *mps)


def use_threads(count: int) -> None:
    """How many threads torch may use on the CPU, from now on.

    Raises ConfigError for more than there are cores: they would wait for each other.
    """
    if count > cores():
        raise ConfigError(
            f"--threads is {count}, but there are {cores()} cores here. "
            f"Choose --threads {cores()} or fewer."
        )
    torch.set_num_threads(count)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread of the CPU, for loading networks: that is a thousand short steps, and
    where other programs want the cores, threads that share each of them wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
