"""PoseTrack scores against the official tool's, over recorded folders of truth and predictions.

A case is a folder with `gt/`, `pred/`, `expected.json` and perhaps `hota.json`. Cases lie in
`tests/parity/cases/posetrack_eval`; those whose annotations are not ours to ship are taken from
`shared/` beside the checkout, where it is. FSPOSE_EVAL_CASES names a folder of other cases.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from fspose_app.cli import main
from pipelines.evaluation.metric import NAMES, Metric
from pipelines.evaluation.posetrack import evaluate
from pipelines.evaluation.scores import Families, Scores

CLOSE = 1e-9  # per cent, as the cases say
OWN = Path(__file__).with_name("cases") / "posetrack_eval"
BESIDE = Path(__file__).parents[3] / "shared" / "parity" / "posetrack_eval"


def folders() -> list[Path]:
    elsewhere = os.environ.get("FSPOSE_EVAL_CASES")
    roots = [Path(elsewhere)] if elsewhere else [OWN, BESIDE]
    found = {
        file.parent.name: file.parent for root in roots for file in root.glob("*/expected.json")
    }
    return [found[name] for name in sorted(found)]


CASES = folders()
HOTA_CASES = [folder for folder in CASES if (folder / "hota.json").exists()]
by_case = pytest.mark.parametrize("recorded", CASES, ids=lambda path: path.name)


@cache
def expected(recorded: Path, file: str = "expected.json") -> dict[str, Any]:
    content: dict[str, Any] = json.loads((recorded / file).read_text())
    return content


@cache
def scores(recorded: Path) -> Scores:
    metrics = ("ap", "mot", "hota") if (recorded / "hota.json").exists() else ("ap", "mot")
    return evaluate(recorded / "gt", recorded / "pred", metrics=metrics)


def assert_equal(found: Metric | list[float | None], wanted: list[float | None], what: str) -> None:
    values = found.values if isinstance(found, Metric) else np.array(found, np.float64)
    np.testing.assert_allclose(
        values, np.array(wanted, np.float64), rtol=0, atol=CLOSE, equal_nan=True, err_msg=what
    )


def assert_family(families: Families, family: str, wanted: dict[str, Any], what: str) -> None:
    for name, values in wanted.items():
        assert_equal(families[family][name], values, f"{what} {family} {name}")


def assert_nothing(families: Families) -> None:
    """The official tool stops where no sequence has two frames; there is nothing to compare."""
    assert all(np.isnan(metric.values).all() for metric in families["official_mot"].values())
    assert all(metric.reasons for metric in families["official_mot"].values())


def test_posetrack_eval_has_cases() -> None:
    assert CASES


@by_case
def test_posetrack_eval_ap_is_the_official_one(recorded: Path) -> None:
    assert_family(scores(recorded).families, "ap", expected(recorded)["ap"], recorded.name)


@by_case
def test_posetrack_eval_tracking_is_the_official_one(recorded: Path) -> None:
    wanted, families = expected(recorded)["mot"], scores(recorded).families

    if wanted is None:
        assert_nothing(families)
        return
    assert_family(families, "official_mot", wanted, recorded.name)
    matched = expected(recorded)["motp_matched"]
    assert_equal(families["official_mot"]["motp_matched"], matched, "motp_matched")


@by_case
def test_posetrack_eval_sequences_are_the_official_ones(recorded: Path) -> None:
    wanted, found = expected(recorded)["per_sequence"], scores(recorded).sequences

    assert set(found) == set(wanted)
    for name, parts in wanted.items():
        assert_family(found[name].families, "ap", parts["ap"], name)
        if parts.get("mot") is None:
            assert_nothing(found[name].families)
        else:
            assert_family(found[name].families, "official_mot", parts["mot"], name)


@by_case
def test_posetrack_eval_frames_are_counted_as_officially(recorded: Path) -> None:
    wanted = expected(recorded)

    assert (scores(recorded).frames,) * 2 == (wanted["gt_frames"], wanted["pred_frames"])


@by_case
def test_posetrack_eval_rows_are_printed_as_officially(recorded: Path) -> None:
    wanted = expected(recorded)["printed"]
    lines = [wanted["ap_header"], wanted["ap_row"]]
    if wanted["mot_row"] is not None:
        lines += [*wanted["mot_header"], wanted["mot_row"]]
    paths = [str(recorded / side) for side in ("gt", "pred")]

    ran = CliRunner().invoke(main, ["evaluate", "posetrack", *paths, "--as-official"])

    assert ran.exit_code == 0, ran.output
    shown = ran.stdout.splitlines()
    frames = expected(recorded)["gt_frames"]
    assert shown[:2] == [f"# gt frames  : {frames}", f"# pred frames: {frames}"]
    assert [line for line in shown if line in lines] == lines


@by_case
def test_posetrack_eval_files_are_the_official_ones(recorded: Path, tmp_path: Path) -> None:
    paths = [str(recorded / side) for side in ("gt", "pred")]
    options = ["--per-sequence", "--out", str(tmp_path)]

    ran = CliRunner().invoke(main, ["evaluate", "posetrack", *paths, *options])

    assert ran.exit_code == 0, ran.output
    parts = {"total": expected(recorded), **expected(recorded)["per_sequence"]}
    for name, part in parts.items():
        for kind in ("ap", "mot"):
            content = json.loads((tmp_path / f"{name}_{kind.upper()}_metrics.json").read_text())
            assert content.pop("names") == {str(i): joint for i, joint in enumerate(NAMES)}
            if part.get(kind) is not None:
                assert set(content) == set(part[kind])
                for key, values in part[kind].items():
                    assert_equal(content[key], values, f"{name} {key}")


@pytest.mark.parametrize("recorded", HOTA_CASES, ids=lambda path: path.name)
def test_posetrack_eval_hota_is_the_official_one(recorded: Path) -> None:
    wanted, found = expected(recorded, "hota.json"), scores(recorded)
    aliases = {"head_bottom": "neck"}
    order = [NAMES.index(aliases.get(name, name)) for name in wanted["joint_columns"]]

    for name, values in wanted["combined"].items():
        assert_equal(found.families["hota"][name].values[order].tolist(), values, name)
    for sequence, totals in wanted["per_sequence_total"].items():
        for name, total in totals.items():
            metric = found.sequences[sequence].families["hota"][name]
            assert_equal([metric.total], [total], f"{sequence} {name}")
