"""What exported files say of themselves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data.errors import WeightsError
from models.runtimes.stamp import Stamp

PATH = Path("net.onnx")


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no JSON", '{"version": 2, "shapes": 3}'])
def test_a_stamp_that_is_none_is_told(text):
    with pytest.raises(WeightsError, match=r"net\.onnx was not written by fspose export"):
        Stamp.read(PATH, text)


@pytest.mark.parametrize(("name", "value"), [("kind", "poet"), ("precision", "int3")])
def test_a_word_that_is_unknown_is_told(whole, name, value):
    said = json.loads(Stamp.of("net", whole, "int8").text) | {name: value}

    with pytest.raises(WeightsError, match="was not written by fspose export"):
        Stamp.read(PATH, json.dumps(said))


def test_a_stamp_is_read_as_it_was_written(whole):
    stamp = Stamp.of("net", whole, "int8")

    assert Stamp.read(PATH, stamp.text) == stamp
    assert stamp.notes == {"skeleton": "fspose-19", "padding": 1.25, "peak": 1.0}


@pytest.mark.parametrize("version", [1, 3])
def test_another_version_is_told(whole, version):
    stamp = replace(Stamp.of("net", whole, "int8"), version=version)

    with pytest.raises(WeightsError, match=f"its form is {version}, this one reads 2"):
        Stamp.read(PATH, stamp.text)
