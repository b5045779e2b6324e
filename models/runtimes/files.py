"""Exported networks as files: written beside, read back, compared, and only then given a name.

Every file carries a stamp that says what it is of, and the version of this form.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.errors import ConfigError, OutputError, WeightsError
from data.pose import Floats
from models.runtimes.base import Session, Target, require
from models.runtimes.drift import Drift
from models.runtimes.exported import answers, graph_of, script_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino
from models.runtimes.passes import digest
from models.runtimes.whole import Whole

VERSION = 1  # of the names and meaning of inputs and outputs
STAMP = "fspose"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an exported file is of: `weights` is a digest of layers and weights, `shapes` the
    inputs' without the batch."""

    version: int
    network: str
    weights: str
    shapes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, name: str, whole: Whole) -> Stamp:
        return cls(VERSION, name, digest(whole.network), whole.shapes)


def needed(target: Target) -> None:
    """ConfigError unless what writes and reads that kind of file is installed."""
    if target != "torchscript":
        require(target)


def write(path: Path, target: Target, name: str, whole: Whole, threads: int) -> Drift:
    """Export, read back, compare on the samples, and give the file its name; returns the drift.

    An OpenVINO model is two files, of which the `.xml` is put there last. Raises ConfigError for
    a network that cannot be exported or drifts, OutputError where nothing can be written.
    """
    needed(target)
    stamp = Stamp.of(name, whole)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            draft = Path(folder, path.name)
            _WRITERS[target](draft, whole, json.dumps(asdict(stamp)))
            drift = check(draft, target, name, whole, threads)
            drift.refuse(str(path))
            for file in sorted(Path(folder).iterdir(), key=lambda file: file.name == path.name):
                os.replace(file, path.with_name(file.name))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return drift


def check(path: Path, target: Target, name: str, whole: Whole, threads: int) -> Drift:
    """How far an exported file lies from its network in torch.

    Raises WeightsError for a file that is damaged, of another version of this form or of another
    network, ConfigError for one that the installed runtime cannot run.
    """
    needed(target)
    text, session = _READERS[target](path, threads)
    _compare(path, _stamp(path, text), Stamp.of(name, whole))
    try:
        return whole.drift(session)
    except (ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not answer as {name} does: {_first_line(error)}. Export it again."
        ) from error


def _compare(path: Path, found: Stamp, expected: Stamp) -> None:
    if found.network != expected.network:
        raise WeightsError(f"{path} was exported of '{found.network}', not '{expected.network}'.")
    if found.shapes != expected.shapes:
        sizes = f"inputs of {list(found.shapes)}, expected {list(expected.shapes)}"
        raise WeightsError(f"{path} takes {sizes}. Export it again.")
    if found.weights != expected.weights:
        raise WeightsError(f"{path} was exported of other weights. Export it again.")


def _stamp(path: Path, text: str) -> Stamp:
    try:
        read = json.loads(text)
        version = int(read["version"])
        if version == VERSION:
            shapes = tuple(tuple(map(int, shape)) for shape in read["shapes"])
            return Stamp(version, str(read["network"]), str(read["weights"]), shapes)
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} was not written by fspose export.") from error
    raise WeightsError(
        f"{path} was exported by another version of fspose: its form is {version}, this one reads "
        f"{VERSION}. Export it again."
    )


def _write_onnx(path: Path, whole: Whole, stamp: str) -> None:
    path.write_bytes(_stamped(whole, stamp))


def _stamped(whole: Whole, stamp: str) -> bytes:
    """The ONNX graph with the stamp in its metadata."""
    import onnx

    content, _ = graph_of(whole.network, whole.shapes, whole.inputs)
    model = onnx.load_model_from_string(content)
    model.producer_name = STAMP
    onnx.helper.set_model_props(model, {STAMP: stamp})
    return model.SerializeToString()


def _write_openvino(path: Path, whole: Whole, stamp: str) -> None:
    import openvino

    content, _ = graph_of(whole.network, whole.shapes, whole.inputs)
    try:
        model = openvino.Core().read_model(content)
        model.set_rt_info(stamp, STAMP)
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise ConfigError(f"OpenVINO cannot write this network: {_first_line(error)}") from error


def _write_script(path: Path, whole: Whole, stamp: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have TorchScript's users go on to others
        script_of(whole.network, whole.shapes).save(str(path), _extra_files={STAMP: stamp})


def _read_onnx(path: Path, threads: int) -> tuple[str, Session]:
    import onnx
    from google.protobuf.message import DecodeError

    content = _content(path)
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise WeightsError(f"{path} is no ONNX file, or a damaged one. Export it again.") from error
    text = {entry.key: entry.value for entry in model.metadata_props}.get(STAMP, "")
    _stamp(path, text)  # before a runtime stumbles over what else is wrong
    try:
        return text, OnnxRuntime(threads).session(content)
    except ConfigError as error:
        opsets = [entry.version for entry in model.opset_import if not entry.domain]
        raise ConfigError(f"{path} (opset {', '.join(map(str, opsets))}): {error}") from error


def _read_openvino(path: Path, threads: int) -> tuple[str, Session]:
    import openvino

    _content(path)
    try:
        model = openvino.Core().read_model(path)
        text = str(model.get_rt_info(STAMP).value) if model.has_rt_info(STAMP) else ""
        _stamp(path, text)
        return text, OpenVino(threads).ready(model)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} is no OpenVINO model, lacks its .bin file or is damaged. Export it again."
        ) from error


def _read_script(path: Path, threads: int) -> tuple[str, Session]:
    content, extra = _content(path), {STAMP: ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.jit.load(  # type: ignore[no-untyped-call]
                io.BytesIO(content), _extra_files=extra
            )
    except (RuntimeError, ValueError) as error:
        raise WeightsError(f"{path} is no TorchScript file, or a damaged one.") from error
    found: Any = extra[STAMP]

    def run(inputs: Sequence[Floats]) -> list[Floats]:
        with torch.inference_mode():
            output = program(*(torch.from_numpy(np.ascontiguousarray(entry)) for entry in inputs))
        return [tensor.numpy() for tensor in answers(output)]

    return found.decode("utf-8", "replace") if isinstance(found, bytes) else found, run


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino, "torchscript": _write_script}
_READERS = {"onnx": _read_onnx, "openvino": _read_openvino, "torchscript": _read_script}
