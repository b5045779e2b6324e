"""Settings: frozen, defaults here, then a YAML file, then the command line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from data.errors import ConfigError
from data.packing import Precision
from pipelines.fusion import named as fusion_named
from pipelines.fusion import names as fusion_names

Scheme = Literal["fast-slow", "every-frame"]
Format = Literal["jsonl", "posetrack", "coco", "mot", "csv"]
NetName = Literal["slow", "fast"]
Role = Literal["finder", "slow", "fast", "transfer", "light-transfer", "backend"]
Count = Annotated[int, Field(strict=True, ge=1)]
Switch = Annotated[bool, Field(strict=True)]


def _known_fusion(value: object) -> str:
    """A fusion's name, for its published number too."""
    name = fusion_named(str(value))
    if name not in fusion_names():
        raise PydanticCustomError("fusion", f"should be one of {', '.join(fusion_names())}")
    return name


FusionName = Annotated[str, BeforeValidator(_known_fusion)]


class NetworkSettings(BaseModel):
    """Which networks run, on what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: str = "embedded"
    backend_options: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    weights: dict[Role, Path] = Field(default_factory=dict)
    weights_as: dict[NetName, str] = Field(default_factory=dict)
    family: Path | None = None
    flip_test: Switch = False
    device: str = "auto"
    threads: Annotated[int, Field(strict=True, ge=1, le=512)] | None = None


class TrackSettings(NetworkSettings):
    """Settings of `fspose track`."""

    scheme: Scheme = "fast-slow"
    interval: Count = 16
    search_interval: Count = 8
    fusion: FusionName = "two-maps"
    fps: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    overlay: Switch = True
    format: tuple[Format, ...] = ("jsonl",)

    @field_validator("format", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`jsonl,csv` is as good as a list."""
        return tuple(re.split(r"\s*,\s*", value)) if isinstance(value, str) else value


class DetectSettings(NetworkSettings):
    """Settings of `fspose detect`."""

    net: NetName = "slow"


class NetsOnly(NetworkSettings):
    """For commands without a finder: what would be ignored there is refused."""

    backend: Literal["embedded"] = "embedded"
    flip_test: Literal[False] = False


class HeatmapSettings(NetsOnly):
    """Settings of `fspose heatmaps create`."""

    net: NetName
    precision: Precision = "half"
    batch: Count = 16


class ReplaySettings(NetsOnly):
    """Settings of `fspose evaluate heatmaps`."""

    fusion: FusionName = "two-maps"
    interval: Count = 16
    batch: Count = 64


Settings = TypeVar("Settings", bound=BaseModel)


def settings(
    kind: type[Settings],
    file: Path | None,
    command_line: Mapping[str, object],
    *,
    preset: Path | None = None,
) -> Settings:
    """Settings of a kind: its defaults, over them `preset` and `file` (YAML), then `command_line`.

    In the files, keys are the options' long names without the dashes in front (`search-interval`).
    Raises ConfigError for a file that cannot be read, a key that is unknown (with the nearest
    one), and a value out of range.
    """
    ready = {} if preset is None else _read(kind, preset)
    written = {} if file is None else _read(kind, file)
    try:
        return kind.model_validate({**ready, **written, **command_line})
    except ValidationError as error:
        raise ConfigError(_told(error, file or preset, command_line)) from error


def content_of(file: Path) -> dict[object, object]:
    """The keys and values of a YAML file as they stand in it. Raises ConfigError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not a text file in UTF-8.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "a special character"
        raise ConfigError(f"{file}{line}: is not YAML: {problem}.") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected lines of `key: value`, found {_kind(content)}.")
    return content


def _read(kind: type[BaseModel], file: Path) -> dict[str, object]:
    """The keys and values of a YAML file, under the settings' own names."""
    content = content_of(file)
    known = {_shown(name): name for name in kind.model_fields}
    for key in content:
        if _shown(str(key)) not in known:
            raise ConfigError(f"{file}: unknown key '{key}'; {_nearest(str(key), sorted(known))}")
    return {known[_shown(str(key))]: value for key, value in content.items()}


def _told(error: ValidationError, file: Path | None, command_line: Mapping[str, object]) -> str:
    """The first thing that is wrong, with the place it came from."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    place = f"--{_shown(name)}" if name in command_line else f"{file}: {_shown(name)}"
    inside = [part for part in first["loc"][1:] if isinstance(part, str) and part != "[key]"]
    message = first["msg"].removeprefix("Input ")
    return f"{' '.join([place, *inside])} is {first['input']!r}, but {message}."


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}."


def _shown(name: str) -> str:
    return name.replace("_", "-")


def _kind(content: object) -> str:
    return "a list" if isinstance(content, list) else f"{content!r}"
