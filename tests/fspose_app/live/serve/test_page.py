"""The page's files: all are served, fit each other, and name no foreign address."""

import re
from importlib.resources import files

import pytest

from fspose_app.live.serve.app import PAGE

STATIC = files("fspose_app.live.serve") / "static"
TEXTS = {item.name: item.read_text(encoding="utf-8") for item in STATIC.iterdir()}


def test_every_file_of_the_page_is_served_and_no_other():
    assert {name for name, _ in PAGE.values()} == set(TEXTS)


@pytest.mark.parametrize("address", PAGE)
def test_a_file_is_served_as_what_it_is(plain, address):
    name, kind = PAGE[address]

    answer = plain.client.get(address)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.text == TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_fetched_from_elsewhere(name):
    text = TEXTS[name].replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
    text = text.replace("rtsp://camera.local/stream", "")  # an example in an empty field

    assert re.findall(r"(?:\w+:)?//[\w.-]+\.\w+|url\(", text) == []


def test_the_policy_lets_every_part_of_the_page_work():
    page = TEXTS["index.html"]

    assert " style=" not in page
    assert "<style" not in page
    assert re.findall(r"\son\w+=", page) == []
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".js")])
def test_the_parts_that_a_script_asks_for_are_there(name):
    page = TEXTS["index.html"]
    ids = set(re.findall(r'\bid="([\w-]+)"', page))
    classes = {word for found in re.findall(r'\bclass="([\w -]+)"', page) for word in found.split()}

    assert set(re.findall(r'find\("([\w-]+)"\)', TEXTS[name])) <= ids
    assert set(re.findall(r'(?:part|link)\("\.([\w-]+)"', TEXTS[name])) <= classes


def test_the_addresses_that_scripts_ask_for_are_the_apis(plain):
    paths = plain.client.get("/openapi.json").json()["paths"]
    known = {re.sub(r"\{\w+\}", "*", path) for path in paths} | {"/v1/live/*"}
    texts = "".join(text for name, text in TEXTS.items() if name.endswith(".js"))

    asked = {re.sub(r"\$\{\w+\}", "*", path) for path in re.findall(r'["`](/v1/[^"`?]*)', texts)}

    assert asked
    assert asked <= known
