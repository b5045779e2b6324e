"""Measured figures come into the documentation's tables as its author laid them out."""

import json
import sys
from pathlib import Path

import pages
import pytest

PAGE = """# A page

Before.

<!-- two.json: two/drawn -->

| drawn | agrees | frames/s |
|---|---|---|
| old | 0.500 | 20.0 |

Of 0.5 one says nothing here.

<!-- gone.json: rows -->

| scheme | OKS |
|---|---|
| `kept` | 70.0 |
"""
TWO = {"two": {"drawn": {"one": {"frames/s": 12.34, "agrees": 0.71239, "more": 1}}}}


def test_rows_come_from_the_file_with_the_tables_columns_and_decimals():
    text = pages.page(PAGE, {"two.json": TWO}.get)

    assert text == PAGE.replace("| old | 0.500 | 20.0 |", "| one | 0.712 | 12.3 |")


def test_rows_of_fspose_bench_have_their_headings_and_dashes():
    table = "| scheme | x GMACs | % of peak | MB |\n|---|---:|---:|---:|\n| `a` | 1.0 | 40 | 9 |\n"
    rows = [
        {"scheme": "b", "hrnet_gmacs": 10.26, "of_peak": 0.396, "memory_mb": 1357.4},
        {"scheme": "c", "hrnet_gmacs": None, "of_peak": None, "memory_mb": 7.0},
    ]

    told = pages.renewed(table, pages.rows_at({"schemes": rows}, "schemes"))

    assert told.splitlines()[2:] == ["| `b` | 10.3 | 40 | 1357 |", "| `c` | - | - | 7 |"]


def test_growth_is_told_scheme_by_scheme():
    table = "| people | scheme | ms |\n|---:|---|---:|\n| 1 | `a` | 1.0 |\n"
    rows = [
        {"grown": grown, "scheme": scheme, "people": 3.3, "ms": float(grown)}
        for grown in ("1", "50")
        for scheme in ("a", "b")
    ]

    told = pages.renewed(table, pages.rows_at({"rows": rows}, "rows"))

    assert told.splitlines()[2:] == [
        "| 1 | `a` | 1.0 |",
        "| 50 | `a` | 50.0 |",
        "| 1 | `b` | 1.0 |",
        "| 50 | `b` | 50.0 |",
    ]


def test_a_column_that_nobody_measured_is_an_error():
    with pytest.raises(KeyError, match="MOTA"):
        pages.renewed("| scheme | MOTA |\n|---|---|\n| a | 1.0 |\n", [{"scheme": "a"}])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[]", "does not hold two/drawn"),
        ('{"two": {}}', "does not hold two/drawn"),
        ('{"two": {"drawn": 3}}', "does not hold two/drawn"),
        ('{"two": {"drawn": {}}}', "there are no rows"),
        ('{"two": {"drawn": {"one": {"agrees": 1.0}}}}', "frames_per_second"),
        ('{"two": {"drawn": {"one": {"agrees": {}, "frames/s": 1.0}}}}', "does not hold two/drawn"),
    ],
)
def test_a_faulty_file_is_told_in_a_line_and_changes_no_page(tmp_path, monkeypatch, content, words):
    good = PAGE.replace("two.json", "good.json")
    (tmp_path / "a.md").write_text(good)
    (tmp_path / "b.md").write_text(PAGE)
    (tmp_path / "good.json").write_text(json.dumps(TWO))
    (tmp_path / "two.json").write_text(content)
    monkeypatch.setattr(sys, "argv", ["pages.py", str(tmp_path), "--docs", str(tmp_path)])

    with pytest.raises(SystemExit) as ended:
        pages.main()

    assert words in str(ended.value)
    assert len(str(ended.value).splitlines()) == 1
    assert (tmp_path / "a.md").read_text() == good
    assert (tmp_path / "b.md").read_text() == PAGE


def test_a_folder_that_is_not_there_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["pages.py", str(tmp_path / "gone")])

    with pytest.raises(SystemExit) as ended:
        pages.main()

    assert ended.value.code == 2
    assert f"there is no folder {tmp_path / 'gone'}" in capsys.readouterr().err


def test_the_command_writes_pages_that_change(tmp_path, monkeypatch, capsys):
    docs, figures = tmp_path / "docs", tmp_path / "figures"
    docs.mkdir()
    figures.mkdir()
    (docs / "a.md").write_text(PAGE)
    (docs / "b.md").write_text("No table.\n")
    (figures / "two.json").write_text(json.dumps(TWO))
    monkeypatch.setattr(sys, "argv", ["pages.py", str(figures), "--docs", str(docs)])

    pages.main()

    assert capsys.readouterr().out == f"{docs / 'a.md'}\n"
    assert "| one | 0.712 | 12.3 |" in (docs / "a.md").read_text()


@pytest.mark.parametrize("path", sorted(pages.DOCS.glob("*.md")), ids=lambda path: path.name)
def test_every_mark_of_our_pages_has_a_table(path: Path):
    text = path.read_text(encoding="utf-8")

    assert text.count(".json: ") == len(pages.MARKED.findall(text))
