"""Numbers on the command line."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from fspose_app.finite import Finite


@click.command()
@click.option("--share", type=Finite(0, min_open=True))
def shown(share: float) -> None:
    click.echo(share)


def test_a_number_in_the_range_is_taken() -> None:
    assert CliRunner().invoke(shown, ("--share", "2.5")).stdout == "2.5\n"


@pytest.mark.parametrize(
    ("typed", "words"),
    [("nan", "nan is no finite number."), ("1e999", "inf is no finite"), ("0", "not in the range")],
)
def test_what_is_no_number_of_the_range_is_told(typed: str, words: str) -> None:
    ran = CliRunner().invoke(shown, ("--share", typed))

    assert ran.exit_code == 2
    assert words in ran.stderr
