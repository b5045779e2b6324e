"""Memory is that of the process, in megabytes."""

from __future__ import annotations

import numpy as np

from fspose_app.bench.measuring import peak_memory


def test_the_peak_is_kept_when_memory_is_given_back() -> None:
    block = np.ones(300 * 2**17)  # 300 MB
    high = peak_memory()
    del block

    assert 300 < high < 50_000
    assert peak_memory() > high - 100  # the system counts in portions
