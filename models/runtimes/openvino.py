"""OpenVINO on the CPU (extra `openvino`)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import Name, Session, require

Precision = Literal["f32", "bf16"]


class OpenVino:
    """Sessions of OpenVINO with `threads` threads each.

    `precision` is what it calculates in. Left to itself it takes bfloat16 where the processor
    knows it, whose answers are others; float32 agrees with torch. Raises ConfigError where the
    packages are missing or broken.
    """

    name: Name = "openvino"

    def __init__(self, threads: int, precision: Precision = "f32") -> None:
        require("openvino")
        try:
            import openvino
        except ImportError as error:
            raise ConfigError(f"OpenVINO cannot be loaded: {error}.") from error
        self._core = openvino.Core()
        self._settings: dict[str, Any] = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # Decoding and drawing use the same cores, and so do other programs.
            "ENABLE_CPU_PINNING": False,
        }

    def session(self, graph: bytes) -> Session:
        """Raises ConfigError for what is no graph, or one that this version cannot run."""
        try:
            return self.ready(self._core.read_model(graph))
        except RuntimeError as error:
            told = str(error).strip().splitlines()[-1]
            raise ConfigError(f"OpenVINO cannot run this network: {told}") from error

    def ready(self, model: Any) -> Session:
        """A session of a model of its own form. Raises RuntimeError, as OpenVINO does."""
        compiled = self._core.compile_model(model, "CPU", self._settings)
        request, lock = compiled.create_infer_request(), threading.Lock()
        count = len(compiled.outputs)

        def run(inputs: Sequence[Floats]) -> list[Floats]:
            with lock:  # a request serves one caller at a time
                request.infer(list(inputs))
                return [np.array(request.get_output_tensor(i).data) for i in range(count)]

        return run
