"""What backends' options have in common."""

from __future__ import annotations

from collections.abc import Iterable

from data.errors import ConfigError

USUAL = {
    "least_score": (0, 1),
    "overlap": (0, 1),
    "most_people": (1, 1000),
    "side": (32, 4000),
    "longest": (32, 8000),
}
"""The ranges of options that most detectors have."""


def check(backend: str, option: str, value: float | None, low: float, high: float) -> None:
    """ConfigError unless a number lies in a range, its ends included, or is left open."""
    if value is not None and not low <= value <= high:
        raise ConfigError(f"'{option}' of {backend} is {value}; it lies in {low}..{high}.")


def check_usual(backend: str, **values: float | None) -> None:
    """ConfigError unless each of the options named in `USUAL` lies in its range or is left open."""
    for option, value in values.items():
        check(backend, option, value, *USUAL[option])


def check_choice(backend: str, option: str, value: str, choices: Iterable[str]) -> None:
    """ConfigError unless a word is one of those known."""
    known = tuple(choices)
    if value not in known:
        raise ConfigError(f"'{option}' of {backend} is {value!r}; it is {' or '.join(known)}.")


def numbers(backend: str, option: str, text: str) -> tuple[float, ...]:
    """Positive numbers written with commas between, as '0.5,1,1.5'; ConfigError for other words."""
    try:
        found = tuple(float(word) for word in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"'{option}' of {backend} is {text!r}; numbers with commas between are needed."
        ) from error
    for number in found:
        check(backend, option, number, 0.05, 20)
    return found
