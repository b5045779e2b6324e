"""OpenVINO on the CPU (extra `openvino`)."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import Name, Session, require

# In a batch's inputs: eight pictures of 256 x 192. Larger batches are no quicker, and one that is
# larger than any before takes several times as long.
NUMBERS_AT_ONCE = 1_200_000

Hint = Literal["f32", "bf16"]


class OpenVino:
    """Sessions of OpenVINO with `threads` threads each.

    `hint` is what it calculates in. Left to itself it takes bfloat16 where the processor knows it,
    whose answers are others; float32 agrees with torch. Raises ConfigError where the packages are
    missing or broken, and for bfloat16 on a processor that does not know it.
    """

    name: Name = "openvino"

    def __init__(self, threads: int, hint: Hint = "f32") -> None:
        openvino = _library()
        self._version = openvino.__version__
        self._core = openvino.Core()
        self._able = _able(self._core)
        if hint == "bf16" and "BF16" not in self._able:
            raise ConfigError(
                "This processor does not calculate in bfloat16. Choose --precision float32."
            )
        self._settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # Decoding and drawing use the same cores, and so do other programs.
            "ENABLE_CPU_PINNING": False,
        }

    @property
    def form(self) -> str:
        processor = self._core.get_property("CPU", "FULL_DEVICE_NAME")
        return f"{self.name} {self._version} {processor} {self._able} {self._settings}"

    def session(self, graph: bytes) -> Session:
        """Raises ConfigError for what is no graph, or one that this version cannot run."""
        return self._running(self._compiled(graph))

    def compiled(self, graph: bytes) -> tuple[Session, bytes]:
        """The session, and the model in OpenVINO's own compiled form."""
        model = self._compiled(graph)
        kept = io.BytesIO()
        model.export_model(kept)
        return self._running(model), kept.getvalue()

    def unpacked(self, content: bytes) -> Session:
        try:
            model = self._core.import_model(content, "CPU", self._settings)
        except RuntimeError as error:
            raise ConfigError(f"OpenVINO cannot read it again: {_last_line(error)}") from error
        return self._running(model)

    def ready(self, model: Any) -> Session:
        """A session of a model of its own form. Raises RuntimeError, as OpenVINO does."""
        return self._running(self._core.compile_model(model, "CPU", self._settings))

    def _compiled(self, graph: bytes) -> Any:
        try:
            model = self._core.read_model(graph)
            return self._core.compile_model(model, "CPU", self._settings)
        except RuntimeError as error:
            raise ConfigError(f"OpenVINO cannot run this network: {_last_line(error)}") from error

    @staticmethod
    def _running(compiled: Any) -> Session:
        request, lock = compiled.create_infer_request(), threading.Lock()
        count = len(compiled.outputs)

        def run(inputs: Sequence[Floats]) -> list[Floats]:
            items = len(inputs[0])
            step = max(1, NUMBERS_AT_ONCE // sum(entry[0].size for entry in inputs))
            found: list[Floats] = []
            for start in range(0, items, step):
                with lock:  # a request serves one caller at a time
                    request.infer([entry[start : start + step] for entry in inputs])
                    parts = [request.get_output_tensor(place).data for place in range(count)]
                    found = found or [
                        np.empty((items, *part.shape[1:]), part.dtype) for part in parts
                    ]
                    for whole, part in zip(found, parts, strict=True):
                        whole[start : start + step] = part
            return found

        return run


def knows_bfloat16() -> bool:
    """Whether OpenVINO calculates in it on this processor. ConfigError as `OpenVino` raises."""
    return "BF16" in _able(_library().Core())


def _library() -> Any:
    require("openvino")
    try:
        import openvino
    except ImportError as error:
        raise ConfigError(f"OpenVINO cannot be loaded: {error}.") from error
    return openvino


def _able(core: Any) -> list[str]:
    return sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def _last_line(error: RuntimeError) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[-1]
