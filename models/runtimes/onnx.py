"""ONNX Runtime on the CPU (extra `onnx`)."""

from __future__ import annotations

from collections.abc import Sequence

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import Name, Session, require

QUIET = 4  # of its log only what is fatal: errors come as exceptions


class OnnxRuntime:
    """Sessions of ONNX Runtime with `threads` threads each; one graph runs at a time.

    Raises ConfigError where the packages are missing or broken.
    """

    name: Name = "onnx"

    def __init__(self, threads: int) -> None:
        require("onnx")
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError(f"ONNX Runtime cannot be loaded: {error}.") from error
        self._library = onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait take the cores from decoding and drawing.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = QUIET
        self._options = options

    @property
    def form(self) -> str:
        return self.name  # what is kept is the graph itself, which any version reads

    def compiled(self, graph: bytes) -> tuple[Session, bytes]:
        """The graph is what is kept: ONNX Runtime is ready with it in a tenth of a second."""
        return self.session(graph), graph

    def unpacked(self, content: bytes) -> Session:
        return self.session(content)

    def session(self, graph: bytes) -> Session:
        """Raises ConfigError for what is no graph, or one that this version cannot run."""
        try:
            ready = self._library.InferenceSession(
                graph, self._options, providers=["CPUExecutionProvider"]
            )
        except _refusals() as error:
            told = str(error).strip().splitlines()[0]
            raise ConfigError(f"ONNX Runtime cannot run this network: {told}") from error
        names = [entry.name for entry in ready.get_inputs()]

        def run(inputs: Sequence[Floats]) -> list[Floats]:
            answers: list[Floats] = ready.run(None, dict(zip(names, inputs, strict=True)))
            return answers

        return run


def _refusals() -> tuple[type[Exception], ...]:
    """Its errors for no graph, an unknown operator, a newer opset: they share no base."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented")
    return RuntimeError, ValueError, *(getattr(state, kind) for kind in kinds)
