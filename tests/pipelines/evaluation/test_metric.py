"""Metrics: totals, columns and reasons."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.evaluation.metric import NAMES, Metric, metric, share


def test_the_total_is_of_keypoints_with_a_value_and_a_column_needs_all_of_its_own() -> None:
    joints = np.arange(15.0)
    joints[12] = np.nan  # the neck, of the head's column

    found = metric(joints, "never annotated")

    np.testing.assert_allclose(found.total, (sum(range(15)) - 12) / 14)
    np.testing.assert_allclose(found.columns, [np.nan, 8.5, 8.5, 8.5, 2.5, 2.5, 2.5, found.total])
    assert found.reasons == {12: "never annotated"}
    assert NAMES[12] == "neck"


def test_a_metric_of_nothing_says_so_of_its_total_too() -> None:
    found = metric(np.full(15, np.nan), "never predicted")

    assert found.reasons[15] == "every keypoint is never predicted"


def test_nan_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no reason for NaN at \[2\]"):
        Metric(np.where(np.arange(16) == 2, np.nan, 1.0))


def test_a_share_of_nothing_is_nan() -> None:
    np.testing.assert_array_equal(share(np.array([1, 0]), np.array([2, 0])), [0.5, np.nan])
