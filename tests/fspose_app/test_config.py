"""Settings: defaults, over them a YAML file, over it the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from data.errors import ConfigError
from fspose_app.config import ReplaySettings, TrackSettings, settings


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_and_a_command_line_the_defaults_hold() -> None:
    found = settings(TrackSettings, None, {})

    assert (found.scheme, found.interval, found.search_interval) == ("fast-slow", 16, 8)


def test_the_file_goes_over_the_defaults_and_the_command_line_over_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, "interval: 4\nsearch-interval: 2\n")

    found = settings(TrackSettings, file, {"interval": 32})

    assert (found.interval, found.search_interval, found.scheme) == (32, 2, "fast-slow")


@pytest.mark.parametrize("key", ["search-interval", "search_interval"])
def test_a_key_may_be_written_as_on_the_command_line_or_as_in_python(
    tmp_path: Path, key: str
) -> None:
    assert settings(TrackSettings, write(tmp_path, f"{key}: 3"), {}).search_interval == 3


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, "# nothing yet\n")

    assert settings(TrackSettings, file, {}) == TrackSettings()


def test_formats_may_be_a_list_or_names_with_commas(tmp_path: Path) -> None:
    comma = settings(TrackSettings, write(tmp_path, "format: jsonl, csv"), {})
    listed = settings(TrackSettings, write(tmp_path, "format: [jsonl, csv]"), {})

    assert comma.format == listed.format == ("jsonl", "csv")


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        TrackSettings().interval = 3  # type: ignore[misc]


def test_an_unknown_key_is_told_with_the_nearest(tmp_path: Path) -> None:
    file = write(tmp_path, "serch-interval: 3\n")

    with pytest.raises(ConfigError, match="unknown key 'serch-interval'") as caught:
        settings(TrackSettings, file, {})

    assert str(caught.value).endswith("did you mean 'search-interval'?")


def test_a_key_like_no_other_is_told_with_all_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"known are .*backend.*, interval"):
        settings(TrackSettings, write(tmp_path, "zzz: 3\n"), {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("interval: 0", "interval is 0, but should be greater than or equal to 1."),
        ("interval: often", "interval is 'often', but should be a valid integer."),
        ("interval: true", "interval is True, but should be a valid integer."),
        ("overlay: 3", "overlay is 3, but should be a valid boolean."),
        ("scheme: slow", "scheme is 'slow', but should be 'fast-slow' or 'every-frame'."),
        ("weights: {slo: a.pth}", "weights slo is 'slo', but should be 'finder', 'slow'"),
        ("fusion: recursiv", "fusion is 'recursiv', but should be one of"),
        ("fps: .nan", "fps is nan, but should be a finite number."),
        ("fps: -.inf", "fps is -inf, but should be a finite number."),
        ("backend-options: {a: .inf}", "backend-options a is inf, but should be a finite number"),
        ("backend-options: {a: [1]}", "backend-options a is [1], but should be a finite number"),
        ("interval: 99999999999999999999", "interval is 99999999999999999999, but should be less"),
        ("interval: 0x" + "f" * 5000, "interval is a number of too many digits, but should be"),
    ],
)
def test_a_value_out_of_range_names_file_key_and_what_is_expected(
    tmp_path: Path, line: str, message: str
) -> None:
    file = write(tmp_path, line)

    with pytest.raises(ConfigError) as caught:
        settings(TrackSettings, file, {})

    assert str(caught.value).startswith(f"{file}: {message}")


def test_a_bad_value_of_the_command_line_names_the_option(tmp_path: Path) -> None:
    file = write(tmp_path, "interval: 4")

    with pytest.raises(ConfigError, match=r"^--search-interval is -1, but"):
        settings(TrackSettings, file, {"search_interval": -1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("interval: [3", "line 1: is not YAML"),
        ("- interval", "expected lines of `key: value`, found a list."),
        ("interval", "expected lines of `key: value`, found 'interval'."),
        ("\x00", "is not YAML"),
        ("interval: " + "[" * 5000, "is not YAML: its brackets are nested too deeply."),
        ("interval: " + "1" * 5000, "is not YAML: a number, date or tag in it cannot be read."),
        ("interval: 2001-99-99", "is not YAML: a number, date or tag"),
        ("interval: !!bool x", "is not YAML: a number, date or tag"),
        ("interval: !!timestamp x", "is not YAML: a number, date or tag"),
        ("? 0x" + "f" * 5000 + "\n: 3", "unknown key a number of too many digits; known are"),
        ("? " + "x" * 9000 + "\n: 3", "unknown key 'xxx"),
    ],
)
def test_a_file_that_is_not_a_table_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(TrackSettings, write(tmp_path, text), {})

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_that_holds_itself_many_times_over_is_told_briefly(tmp_path: Path) -> None:
    levels = [f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]
    text = "\n".join(["interval:", "  - &l0 [lol]", *levels])

    with pytest.raises(ConfigError, match="interval is ") as caught:
        settings(TrackSettings, write(tmp_path, text), {})

    assert len(str(caught.value)) < 100_000


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(b"\xff\xfe\x00\xd8interval: 3")

    with pytest.raises(ConfigError, match="not a text file"):
        settings(TrackSettings, file, {})


@pytest.mark.parametrize("text", ["flip-test: true", "backend: keypoint_rcnn"])
def test_a_setting_that_a_replay_would_ignore_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=text.split(":")[0]):
        settings(ReplaySettings, write(tmp_path, text), {})
