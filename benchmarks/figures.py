"""The files in which benchmarks leave their figures, for the cards of the networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models import zoo


def write(path: Path, figures: Mapping[str, Any], family: Path) -> None:
    """Figures as JSON, with the SHA-256 of every network of the family they were measured with."""
    weights = {model.name: model.sha256 for model in zoo.bundled(family)}
    path.write_text(json.dumps({**figures, "weights": weights}, indent=1) + "\n", encoding="utf-8")
