"""What the documentation shows is true: its examples fit the schema, its links lead somewhere."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SCHEMA = json.loads((ROOT / "fspose_app" / "result.schema.json").read_text())
FORMAT = (ROOT / "docs" / "result-format.md").read_text(encoding="utf-8")
HEADER, FRAME = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", FORMAT, re.DOTALL))


def links(text: str) -> list[str]:
    """The targets of a page's links and pictures that lie in the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"", text)
    files = ((first or second).partition("#")[0] for first, second in targets)
    return [file for file in files if file and "://" not in file]


@pytest.mark.parametrize("example", [HEADER, FRAME], ids=["header", "frame"])
def test_an_example_of_the_result_fits_its_schema(example):
    jsonschema.validate(example, SCHEMA)


@pytest.mark.parametrize(
    ("example", "kind"), [(HEADER, "header"), (FRAME, "frame"), (FRAME["people"][0], "person")]
)
def test_every_field_of_the_result_is_explained(example, kind):
    explained = {name for row in re.findall(r"^\| (.*?) \|", FORMAT, re.M) for name in row.split()}

    fields = set(SCHEMA["$defs"][kind]["properties"])

    assert fields == set(example)
    assert fields <= {name.strip("`,") for name in explained}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page):
    targets = links(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_links_and_pictures_are_seen():
    text = '[a](b.md#c) ![d](e.png) [f](https://g.h) [i](#j) <img src="k/l.gif">'

    assert links(text) == ["b.md", "e.png", "k/l.gif"]
