"""Six real clips: what is said of them, and a folder that lacks one."""

import pytest
import real_clips
import seen


def rows_of(clip, costs):
    """Rows of a clip whose schemes cost and take so much."""
    schemes = zip(real_clips.SCHEMES, costs, strict=True)
    return [
        {
            "clip": clip,
            "scheme": name,
            "gmacs_nets": cost,
            "frames_per_second": 10 / cost,
            "pck": 70.0,
            "oks": 71.0,
            "hrnet_gmacs": 8 / cost,
            "hrnet_ms_all": 4 / cost,
        }
        for name, cost in schemes
    ]


def test_the_means_of_costs_are_compared_and_speeds_within_each_clip():
    rows = [*rows_of("a", (1.0, 0.5, 1.0)), *rows_of("b", (3.0, 1.5, 1.0))]

    base, adaptive, two_pass = real_clips.verdicts(rows)

    assert base.startswith("fast-slow: 2.000 GMACs, 1.00 times fewer")
    assert adaptive.startswith("adaptive: 1.000 GMACs, 2.00 times fewer than fast-slow, 2.00 times")
    assert two_pass.startswith("two-pass: 1.000 GMACs, 2.00 times fewer than fast-slow, 2.00 times")


def test_a_folder_without_the_clips_is_told_in_a_line_before_anything_runs(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("sys.argv", ["real_clips.py", str(tmp_path)])

    with pytest.raises(SystemExit, match="2"):
        real_clips.main()

    assert "There is no multi_cam01.mp4 in a folder of" in capsys.readouterr().err


def test_a_media_folder_without_the_annotated_clip_is_refused(tmp_path):
    with pytest.raises(seen.ArgumentTypeError, match="there is no annotated"):
        seen.media(str(tmp_path))
