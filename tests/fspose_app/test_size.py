"""WIDTHxHEIGHT, of options and of settings files."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fspose_app.size import Bounds, Size

CROPS = Bounds(64, 512, step=32)


@pytest.mark.parametrize("value", ["96x128", (96, 128), [96, 128]])
def test_a_text_or_two_numbers_are_a_size(value: object) -> None:
    assert CROPS.read(value) == (96, 128)


@pytest.mark.parametrize(
    "value",
    [
        *("32x96", "96x544", "96x100", "96", "96x128x3", f"{'9' * 5000}x96", "\u0669\u0666x96"),
        *((96,), (96.0, 128.0), (True, 96), (-96, 96), None, 96),
    ],
)
def test_what_is_out_of_bounds_or_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="should be WIDTHxHEIGHT in multiples of 32 from 64 to 51"):
        CROPS.read(value)


@click.command()
@click.option("--size", type=Size(Bounds(32, 9999)), default=(64, 48))
def shown(size: tuple[int, int]) -> None:
    click.echo(size)


@pytest.mark.parametrize(("typed", "said"), [((), "(64, 48)"), (("--size", "40x50"), "(40, 50)")])
def test_an_option_takes_a_size(typed: tuple[str, ...], said: str) -> None:
    assert CliRunner().invoke(shown, typed).stdout == f"{said}\n"


def test_an_option_tells_what_it_wants() -> None:
    ran = CliRunner().invoke(shown, ("--size", "20x50"))

    assert ran.exit_code == 2
    assert "'20x50' should be WIDTHxHEIGHT from 32 to 9999." in ran.stderr
