"""The folder is the registry."""

import subprocess
import sys

import pytest

from data.errors import ConfigError, UnknownBackend
from models import backends


def test_the_files_of_the_folder_are_the_names():
    assert "keypoint_rcnn" in backends.names()
    assert tuple(sorted(backends.names())) == backends.names()


def test_the_protocol_and_private_files_are_not_listed(tmp_path, monkeypatch):
    for file in ("base.py", "_draft.py", "finder.py"):
        (tmp_path / file).write_text("")
    monkeypatch.setattr(backends, "__path__", [str(tmp_path)])

    assert backends.names() == ("finder",)


def test_a_new_file_is_listed_described_and_built(tmp_path, monkeypatch):
    (tmp_path / "nobody.py").write_text(
        '"""Nobody: finds no one.\n\nMore."""\n\n'
        "def build(weights, device, *, patience: float = 2.5, mode: str = 'calm'):\n"
        "    return weights, device, patience, mode\n"
    )
    monkeypatch.setattr(backends, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "models.backends.nobody", raising=False)

    described = backends.describe("nobody")
    built = backends.create("nobody", weights=None, device="cpu", mode="wild")

    sys.modules.pop("models.backends.nobody")
    assert described.summary == "Nobody: finds no one."
    assert described.options == (
        backends.Option("patience", "float", "2.5"),
        backends.Option("mode", "str", "'calm'"),
    )
    assert built == (None, "cpu", 2.5, "wild")


@pytest.mark.parametrize(
    "ask", [backends.describe, lambda name: backends.create(name, weights=None, device="cpu")]
)
def test_an_unknown_name_is_answered_with_the_nearest(ask):
    with pytest.raises(UnknownBackend, match=r"no backend 'keypoint_rcn'.*'keypoint_rcnn'"):
        ask("keypoint_rcn")


@pytest.mark.parametrize("name", ["base", "__init__", "../backends/base", "a.b", ""])
def test_what_is_no_backend_of_the_folder_is_unknown(name):
    with pytest.raises(UnknownBackend, match="no backend"):
        backends.describe(name)


def test_an_option_that_a_backend_lacks_is_refused_with_those_it_has():
    with pytest.raises(ConfigError, match=r"no option 'least_scor'; it has: least_score, overlap"):
        backends.create("keypoint_rcnn", weights=None, device="cpu", least_scor=0.5)


@pytest.mark.parametrize(("text", "value"), [("16", 16), ("-3", -3), (4, 4)])
def test_an_option_given_as_text_becomes_what_the_keyword_asks_for(text, value, counting):
    assert backends.create(counting, weights=None, device="cpu", count=text) == value


@pytest.mark.parametrize("text", ["many", "1.5", None, ""])
def test_an_option_of_another_kind_is_refused(text, counting):
    with pytest.raises(ConfigError, match=r"option 'count' is .*; a value of type int is needed"):
        backends.create(counting, weights=None, device="cpu", count=text)


@pytest.fixture
def counting(tmp_path, monkeypatch):
    """A backend that hands back its only option."""
    (tmp_path / "counting.py").write_text(
        "def build(weights, device, *, count: int = 1):\n    return count\n"
    )
    monkeypatch.setattr(backends, "__path__", [str(tmp_path)])
    yield "counting"
    sys.modules.pop("models.backends.counting", None)


def test_names_and_descriptions_come_without_torch():
    program = (
        "import sys; from models import backends;"
        "[backends.describe(name) for name in backends.names()];"
        "print('torch' in sys.modules)"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert answer.stdout == "False\n", answer.stderr
