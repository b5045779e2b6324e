"""Settings: frozen, defaults here, then a YAML file, then the command line."""

from __future__ import annotations

import difflib
import math
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

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
from data.packing import Precision as StoredPrecision
from models.runtimes.base import Precision as RunPrecision
from models.runtimes.base import Wish as RuntimeWish
from pipelines.fusion import named as fusion_named
from pipelines.fusion import names as fusion_names

Scheme = Literal["fast-slow", "every-frame"]
KeyframeRule = Literal["every", "adaptive"]
Format = Literal["jsonl", "posetrack", "coco", "mot", "csv"]
NetName = Literal["slow", "fast"]
Role = Literal["finder", "slow", "fast", "transfer", "light-transfer", "backend"]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Batch = Annotated[int, Field(strict=True, ge=1, le=65_536)]
Switch = Annotated[bool, Field(strict=True)]
FilePrecision = Literal["float32", "int8"]
FILE_PRECISIONS: tuple[FilePrecision, ...] = get_args(FilePrecision)
"""What a network is exported in; the other precisions are chosen where it runs."""

NOT_YAML = (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError)
"""What reading a faulty YAML raises: PyYAML translates neither `2001-99-99` nor `!!bool x`, nor a
number of 5000 digits or as many brackets."""

FUSION = "gated"
"""How maps are merged where settings do not say and there is one pass."""

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200


def _known_fusion(value: object) -> str:
    """A fusion's name, for its published number too."""
    name = fusion_named(str(value))
    if name not in fusion_names():
        raise PydanticCustomError("fusion", f"should be one of {', '.join(fusion_names())}")
    return name


def _plain(value: object) -> object:
    """A backend's option: a switch, a text, a number that JSON holds, or none."""
    if isinstance(value, (bool, str, type(None))):
        return value
    if isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < 2**63:
        return value
    raise PydanticCustomError("plain", "should be a finite number, a text, true or false")


FusionName = Annotated[str, BeforeValidator(_known_fusion)]
Plain = Annotated[bool | int | float | str | None, BeforeValidator(_plain)]


class NetworkSettings(BaseModel):
    """Which networks run, on what."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    backend: str = "embedded"
    backend_options: dict[str, Plain] = Field(default_factory=dict)
    weights: dict[Role, Path] = Field(default_factory=dict)
    weights_as: dict[NetName, str] = Field(default_factory=dict)
    family: Path | None = None
    flip_test: Switch = False
    device: str = "auto"
    runtime: RuntimeWish = "torch"
    threads: Annotated[int, Field(strict=True, ge=1, le=512)] | None = None


class RunSettings(NetworkSettings):
    """Networks that run on images, `precision` being what their passes are calculated in."""

    precision: RunPrecision = "float32"


class SchemeSettings(RunSettings):
    """How people are followed from frame to frame; what two passes make of no `fusion` is said by
    `passes.settled`."""

    scheme: Scheme = "fast-slow"
    keyframes: KeyframeRule = "every"
    interval: Count = 16
    budget: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    skip: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] | None = None
    search_interval: Count = 8
    fusion: FusionName | None = None
    smooth: Switch | None = None

    @property
    def one_pass_fusion(self) -> str:
        """How maps are merged in one pass."""
        return self.fusion or FUSION


class TrackSettings(SchemeSettings):
    """Settings of `fspose track`. Without a word on `two_pass` and `fusion`, the source decides:
    `passes.settled`."""

    two_pass: Switch | None = None

    fps: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    overlay: Switch = True
    format: tuple[Format, ...] = ("jsonl",)

    @field_validator("format", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """`jsonl,csv` is as good as a list."""
        return tuple(re.split(r"\s*,\s*", value)) if isinstance(value, str) else value


class LiveSettings(SchemeSettings):
    """Settings of `fspose webcam`. Times are seconds, `record_size` is megabytes."""

    realtime: Switch = False
    loop: Switch = False
    keep: Annotated[float, Field(ge=0, le=3600)] = 3.0
    patience: Annotated[float, Field(ge=0.1, le=3600)] = 5.0
    record_size: Count = 200


class DetectSettings(RunSettings):
    """Settings of `fspose detect`."""

    net: NetName = "slow"


class NetsOnly(NetworkSettings):
    """For commands without a finder: what would be ignored there is refused."""

    backend: Literal["embedded"] = "embedded"
    flip_test: Literal[False] = False


class ExportSettings(NetsOnly):
    """Settings of `fspose export`; the reference runs in torch on the CPU."""

    device: Literal["cpu"] = "cpu"
    runtime: Literal["torch"] = "torch"
    precision: FilePrecision = "float32"


class BenchSettings(NetsOnly):
    """Settings of `fspose bench`: the networks of all its schemes."""

    precision: RunPrecision = "float32"


class HeatmapSettings(NetsOnly):
    """Settings of `fspose heatmaps create`; its `precision` is that of the stored maps."""

    net: NetName
    precision: StoredPrecision = "half"
    batch: Batch = 16


class ReplaySettings(NetsOnly):
    """Settings of `fspose evaluate heatmaps`."""

    fusion: FusionName = "two-maps"
    interval: Count = 16
    batch: Batch = 64


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
    layers = [_spread(kind, layer) for layer in (ready, written, command_line)]
    try:
        return kind.model_validate({name: v for layer in layers for name, v in layer.items()})
    except ValidationError as error:
        raise ConfigError(_told(error, file or preset, command_line)) from error


def _spread(kind: type[BaseModel], layer: Mapping[str, object]) -> Mapping[str, object]:
    """The layer with `every:N` as what it stands for, keyframes of every `interval` N."""
    match = re.fullmatch(r"every:([0-9]{1,9})", str(layer.get("keyframes")))
    if match is None or "keyframes" not in kind.model_fields:
        return layer
    if "interval" in layer:
        raise ConfigError(
            f"Both keyframes {match[0]} and an interval of {layer['interval']} were given; "
            "one of them says it all."
        )
    return {**layer, "keyframes": "every", "interval": int(match[1])}


def content_of(file: Path) -> dict[object, object]:
    """The keys and values of a YAML file as they stand in it. Raises ConfigError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not a text file in UTF-8.") from error
    except NOT_YAML as error:
        raise ConfigError(_fault(file, error)) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected lines of `key: value`, found {_kind(content)}.")
    return content


def _fault(file: Path, error: Exception) -> str:
    """Why a file is not YAML, with the line where that is known."""
    if isinstance(error, RecursionError):
        return f"{file}: is not YAML: its brackets are nested too deeply."
    if not isinstance(error, yaml.YAMLError):
        return f"{file}: is not YAML: a number, date or tag in it cannot be read."
    mark = getattr(error, "problem_mark", None)
    line = f", line {mark.line + 1}" if mark else ""
    problem = getattr(error, "problem", None) or "a special character"
    return f"{file}{line}: is not YAML: {problem}."


def _read(kind: type[BaseModel], file: Path) -> dict[str, object]:
    """The keys and values of a YAML file, under the settings' own names."""
    content = content_of(file)
    known = {_shown(name): name for name in kind.model_fields}
    for key in content:
        if not isinstance(key, str) or _shown(key) not in known:
            near = _nearest(key, sorted(known))
            raise ConfigError(f"{file}: unknown key {told_value(key)}; {near}")
    return {known[_shown(str(key))]: value for key, value in content.items()}


def _told(error: ValidationError, file: Path | None, command_line: Mapping[str, object]) -> str:
    """The first thing that is wrong, with the place it came from."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    place = f"--{_shown(name)}" if name in command_line else f"{file}: {_shown(name)}"
    inside = [part for part in first["loc"][1:] if isinstance(part, str) and part != "[key]"]
    message = first["msg"].removeprefix("Input ")
    return f"{' '.join([place, *inside])} is {told_value(first['input'])}, but {message}."


def told_value(value: object) -> str:
    """A value for a message: a list that holds itself a hundred times over would fill memory."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python turns whole numbers of 4300 digits into text, no longer ones
        return "a number of too many digits"


def _nearest(key: object, known: list[str]) -> str:
    # Matching takes time that grows with a long key's length.
    near = isinstance(key, str) and difflib.get_close_matches(key[:60], known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}."


def _shown(name: str) -> str:
    return name.replace("_", "-")


def _kind(content: object) -> str:
    return "a list" if isinstance(content, list) else told_value(content)
