"""Exported networks as files: written beside, read back, compared, and only then given a name.

Every file carries a stamp (`models/runtimes/stamp.py`) that says what it is of.
"""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from data.errors import ConfigError, OutputError, WeightsError
from data.pose import Floats
from models.runtimes.base import SUFFIXES, Precision, Runtime, Session, Target, require
from models.runtimes.drift import Drift
from models.runtimes.exported import answers, graph_of, script_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino
from models.runtimes.quantized import learnt, quantized, widen
from models.runtimes.ranges import Range
from models.runtimes.stamp import STAMP, Stamp
from models.runtimes.whole import Whole

PRECISIONS: tuple[Precision, ...] = ("float32", "int8")
"""What a file can be written in; the others are chosen where it runs."""


def needed(target: Target, precision: Precision = "float32") -> None:
    """ConfigError unless what writes and reads that kind of file is installed, and knows int8."""
    if target != "torchscript":
        require(target)
    elif precision == "int8":
        raise ConfigError("TorchScript is written in float32 only. Choose --to onnx or openvino.")
    if precision == "int8":
        require("onnx")


def write(
    path: Path,
    target: Target,
    name: str,
    whole: Whole,
    threads: int,
    precision: Precision = "float32",
) -> Drift:
    """Export, read back, compare on the samples, and give the file its name; returns the drift.

    int8 learns its ranges from half of the samples and is compared on the other half. An OpenVINO
    model is two files, of which the `.xml` is put there last. Raises ConfigError for a network that
    cannot be exported or drifts, OutputError where nothing can be written.
    """
    needed(target, precision)
    stamp = Stamp.of(name, whole, precision)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
            draft = Path(folder, path.name)
            if target == "torchscript":
                _write_script(draft, whole, stamp.text)
            else:
                _WRITERS[target](draft, _graph(whole, precision), stamp.text)
            drift, _ = check(draft, target, name, whole, threads)
            drift.refuse(str(path), precision)
            for file in sorted(Path(folder).iterdir(), key=lambda file: file.name == path.name):
                os.replace(file, path.with_name(file.name))
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}.") from error
    return drift


def check(
    path: Path, target: Target, name: str, whole: Whole, threads: int
) -> tuple[Drift, Precision]:
    """How far an exported file lies from its network in torch, and what it calculates in.

    Raises WeightsError for a file that is damaged, of another version of this form or of another
    network, ConfigError for one that the installed runtime cannot run.
    """
    needed(target)
    stamp, session = _READERS[target](path, threads)
    stamp.compare(path, Stamp.of(name, whole, stamp.precision))
    tried = whole.halves()[1] if stamp.precision == "int8" else whole
    try:
        return tried.drift(session), stamp.precision
    except (ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not answer as {name} does: {_first_line(error)}. Export it again."
        ) from error


def opened(path: Path, runtime: Runtime) -> tuple[Stamp, Session]:
    """An exported ONNX or OpenVINO file, ready in a runtime; an ONNX graph runs in both.

    Raises as `check` does.
    """
    if path.suffix == SUFFIXES["onnx"]:
        return _onnx(path, runtime)
    if path.suffix != SUFFIXES["openvino"] or not isinstance(runtime, OpenVino):
        raise ConfigError(
            f"{path} does not run in '{runtime.name}'. "
            "An .onnx file runs in onnx and openvino, an .xml file in openvino."
        )
    return _openvino(path, runtime)


def _graph(whole: Whole, precision: Precision) -> bytes:
    graph, _ = graph_of(whole.network, whole.example, whole.inputs, open_sides=whole.open_sides)
    if precision == "float32":
        return graph
    ranges: dict[str, Range] = {}
    for samples in whole.halves()[0].groups:
        widen(ranges, learnt(graph, samples).items())
    return quantized(graph, ranges)


def _write_onnx(path: Path, graph: bytes, stamp: str) -> None:
    """The ONNX graph with the stamp in its metadata."""
    import onnx

    model = onnx.load_model_from_string(graph)
    model.producer_name = STAMP
    onnx.helper.set_model_props(model, {STAMP: stamp})
    path.write_bytes(model.SerializeToString())


def _write_openvino(path: Path, graph: bytes, stamp: str) -> None:
    import openvino

    try:
        model = openvino.Core().read_model(graph)
        model.set_rt_info(stamp, STAMP)
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise ConfigError(f"OpenVINO cannot write this network: {_first_line(error)}") from error


def _write_script(path: Path, whole: Whole, stamp: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have TorchScript's users go on to others
        script_of(whole.network, whole.example).save(str(path), _extra_files={STAMP: stamp})


def _read_onnx(path: Path, threads: int) -> tuple[Stamp, Session]:
    return _onnx(path, OnnxRuntime(threads))


def _onnx(path: Path, runtime: Runtime) -> tuple[Stamp, Session]:
    import onnx
    from google.protobuf.message import DecodeError

    content = _content(path)
    try:
        model = onnx.load_model_from_string(content)
    except DecodeError as error:
        raise WeightsError(f"{path} is no ONNX file, or a damaged one. Export it again.") from error
    text = {entry.key: entry.value for entry in model.metadata_props}.get(STAMP, "")
    stamp = Stamp.read(path, text)  # before a runtime stumbles over what else is wrong
    try:
        return stamp, runtime.session(content)
    except ConfigError as error:
        opsets = [entry.version for entry in model.opset_import if not entry.domain]
        raise ConfigError(f"{path} (opset {', '.join(map(str, opsets))}): {error}") from error


def _read_openvino(path: Path, threads: int) -> tuple[Stamp, Session]:
    return _openvino(path, OpenVino(threads))


def _openvino(path: Path, runtime: OpenVino) -> tuple[Stamp, Session]:
    import openvino

    _content(path)
    try:
        model = openvino.Core().read_model(path)
        text = str(model.get_rt_info(STAMP).value) if model.has_rt_info(STAMP) else ""
        return Stamp.read(path, text), runtime.ready(model)
    except RuntimeError as error:
        raise WeightsError(
            f"{path} is no OpenVINO model, lacks its .bin file or is damaged. Export it again."
        ) from error


def _read_script(path: Path, threads: int) -> tuple[Stamp, Session]:
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

    text = found.decode("utf-8", "replace") if isinstance(found, bytes) else found
    return Stamp.read(path, text), run


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0].rstrip(".")


_WRITERS = {"onnx": _write_onnx, "openvino": _write_openvino}
_READERS = {"onnx": _read_onnx, "openvino": _read_openvino, "torchscript": _read_script}
