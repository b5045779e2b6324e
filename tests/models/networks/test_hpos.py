"""hpos's parts by themselves; the whole is compared with recorded numbers in tests/parity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models import layouts
from models.networks import hpos
from models.networks.hpos import Hpos
from models.networks.hpos_head import (
    GRID,
    KeypointHead,
    Regions,
    SelfAttention,
    cut_out,
    read_keypoints,
    regions_of,
)
from models.networks.rcnn import anchored, proposals


def narrow(keypoints: int = 17) -> Hpos:
    torch.manual_seed(0)
    network = hpos.over_resnet(
        (1, 1, 1, 1),
        keypoints=keypoints,
        widths=(8, 16, 16, 32),
        stem_width=8,
        channels=16,
        box_width=16,
        head_width=16,
    )
    return network.eval()


def test_boxes_that_stay_inside_when_enlarged_need_no_zeros() -> None:
    boxes = torch.tensor([[20.0, 20, 120, 120], [40, 50, 60, 90]])

    regions = regions_of(boxes, (136, 136))

    assert regions.units == (0, 0, 0, 0)
    torch.testing.assert_close(regions.boxes[0], torch.tensor([5.0, 5, 135, 135]))


@pytest.mark.parametrize(
    ("box", "units"),
    [
        ([0, 40, 100, 60], (1, 0, 0, 0)),
        ([40, 0, 60, 300], (0, 2, 0, 1)),
        ([100, 40, 200, 60], (0, 0, 1, 0)),
        ([0, 0, 200, 320], (1, 2, 1, 2)),
    ],
)
def test_zeros_are_added_by_whole_units_where_a_box_reaches_out(
    box: list[float], units: tuple[int, ...]
) -> None:
    assert regions_of(torch.tensor([box], dtype=torch.float32), (320, 200)).units == units


def test_people_who_move_by_whole_cells_are_read_alike() -> None:
    """Away from the image's edge."""
    finest = torch.zeros(16, 48, 64)
    finest[:, 12:36, 12:40] = torch.randn(16, 24, 28, generator=torch.Generator().manual_seed(0))
    box = torch.tensor([[70.0, 60, 130, 130]])
    head = narrow().roi_heads.keypoint_head

    def points(cells: Tensor, boxes: Tensor) -> Tensor:
        regions = regions_of(boxes, (192, 256))
        return read_keypoints(head(cut_out(cells, regions)), regions).points

    with torch.no_grad():
        before = points(finest, box)
        after = points(finest.roll((3, -5), (1, 2)), box + 4 * torch.tensor([-5.0, 3, -5, 3]))

    torch.testing.assert_close(before + 4 * torch.tensor([-5.0, 3]), after, atol=1e-3, rtol=0)


def test_attention_without_positions_does_not_know_where_cells_are() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(16)
    nn.init.zeros_(attention.pos_emb.rel_height)
    nn.init.zeros_(attention.pos_emb.rel_width)
    x = torch.randn(2, 16, GRID, GRID)
    order = torch.randperm(GRID**2)

    with torch.no_grad():
        shuffled = attention(x.flatten(2)[..., order].view_as(x)).flatten(2)

        torch.testing.assert_close(attention(x).flatten(2)[..., order], shuffled)


def test_attention_with_positions_looks_where_they_say() -> None:
    """With values that are told apart only by row: every cell looks at the row above it."""
    attention = SelfAttention(4)
    for tensor in attention.parameters():
        nn.init.zeros_(tensor)
    with torch.no_grad():
        attention.to_qk.weight[:4] = 1  # queries are the sum of what is there
        attention.pos_emb.rel_height[GRID - 1 - 1] = 1000
        attention.to_v.weight[:] = 0.25
        x = torch.arange(1.0, GRID + 1)[:, None].expand(1, 4, GRID, GRID)
        found = attention(x)

    torch.testing.assert_close(found[0, 0, 1:, 3], x[0, 0, :-1, 3])


def test_without_regions_there_are_empty_maps() -> None:
    head = KeypointHead(16, 16, 17).eval()
    regions = regions_of(torch.zeros(0, 4), (64, 64))

    maps = head(cut_out(torch.zeros(16, 16, 16), regions))
    found = read_keypoints(maps, regions)

    assert maps.shape == (0, 17, 56, 56)
    assert found.points.shape == (0, 17, 2)
    assert found.scores.shape == found.odds.shape == (0, 17)


def test_odds_of_a_flat_map_are_an_even_share_and_a_sure_one_has_a_score_of_1() -> None:
    maps = torch.zeros(1, 2, 56, 56)
    maps[0, 1, 20:22, 30:32] = 60

    found = read_keypoints(maps, Regions(torch.tensor([[0.0, 0, 56, 56]]), (0, 0, 0, 0)))

    torch.testing.assert_close(found.odds[0, 0], torch.tensor(1 / 56**2))
    torch.testing.assert_close(found.scores[0, 1], torch.tensor(1.0))
    assert abs(found.points[0, 1] - torch.tensor([31.0, 21])).max() <= 1


@pytest.mark.parametrize("blocks", [(1, 1, 1, 1), (3, 4, 6, 3)])
def test_a_fresh_network_proposes_regions_within_the_image(blocks: tuple[int, ...]) -> None:
    """Frozen normalisations do not keep its numbers small."""
    torch.manual_seed(0)
    network = hpos.over_resnet(
        blocks,
        keypoints=17,
        widths=(32, 64, 64, 128),
        stem_width=16,
        channels=16,
        box_width=16,
        head_width=16,
    ).eval()
    with torch.inference_mode():
        answer = network(torch.rand(1, 3, 96, 128) * 255 - 120)
        levels = anchored(answer.regions)
        regions = proposals(levels, 0, (96, 128), before=1000, after=1000)

    assert max(float(level.deltas.abs().max()) for level in answer.regions) < 5
    assert len(regions) > 100


class Refusing(nn.Module):
    """Stands for a head that must not run."""

    def forward(self, *_: object) -> Tensor:
        raise AssertionError("nobody is there")


def test_where_nothing_is_proposed_no_head_runs() -> None:
    network = narrow()
    network.roi_heads.box_head = Refusing()  # type: ignore[assignment]
    network.roi_heads.keypoint_head = Refusing()  # type: ignore[assignment]
    with torch.inference_mode():
        answer = network(torch.zeros(1, 3, 64, 64))
        nothing = tuple(
            level._replace(logits=torch.full_like(level.logits, torch.nan))
            for level in answer.regions
        )
        found, keypoints = network.people(
            answer._replace(regions=nothing),
            0,
            (64, 64),
            least_score=0.05,
            overlap=0.5,
            most_people=100,
        )

    assert found.boxes.shape == (0, 4)
    assert keypoints.points.shape == (0, 17, 2)


def test_where_nobody_is_found_the_keypoint_branch_does_not_run() -> None:
    network = narrow()
    network.roi_heads.keypoint_head = Refusing()  # type: ignore[assignment]
    with torch.inference_mode():
        answer = network(torch.rand(1, 3, 64, 64))
        found, _ = network.people(
            answer, 0, (64, 64), least_score=1.0, overlap=0.5, most_people=100
        )

    assert len(found.boxes) == 0


def test_a_few_people_at_a_time_are_read_like_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = narrow()
    boxes = torch.tensor([[0.0, 0, 30, 60], [20, 10, 60, 60], [5, 5, 50, 20]])
    with torch.inference_mode():
        answer = network(torch.rand(1, 3, 64, 64) * 100)
        together = network.keypoints_of(answer, 0, boxes)
        of_boxes = network.box_answer(answer, 0, boxes)
        monkeypatch.setattr(hpos, "PEOPLE_AT_ONCE", 2)
        monkeypatch.setattr(hpos, "AT_ONCE", 2)
        apart = network.keypoints_of(answer, 0, boxes)
        some = network.box_answer(answer, 0, boxes)

    torch.testing.assert_close(together.points, apart.points, rtol=1e-4, atol=1e-3)
    for one, other in zip(of_boxes, some, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("variant", ["r50", "r101"])
def test_a_checkpoint_says_which_variant_it_holds(variant: str) -> None:
    with torch.device("meta"):
        entries = hpos.VARIANTS[variant](17).state_dict()

    found = layouts.hpos_arguments(entries)

    assert found is not None
    with torch.device("meta"):
        built = hpos.over_resnet(**found).state_dict()
    assert {n: t.shape for n, t in entries.items()} == {n: t.shape for n, t in built.items()}
    words = f"hpos, the improved Mask R-CNN, R-{variant[1:]} with 17 keypoints"
    assert words == layouts.looks_like(entries)


def test_a_narrow_ones_sizes_are_read_from_its_entries() -> None:
    entries = narrow(14).state_dict()

    found = layouts.hpos_arguments(entries)

    assert found is not None
    assert found["keypoints"] == 14
    assert hpos.over_resnet(**found).state_dict().keys() == entries.keys()


def test_other_entries_are_no_hpos() -> None:
    names = ("roi_heads.keypoint_head.conv_channel.weight", "backbone.fpn_lateral2.weight")

    assert layouts.hpos_arguments({}) is None
    assert layouts.hpos_arguments(dict.fromkeys(names, torch.zeros(3))) is None
    assert layouts.hpos_arguments(dict.fromkeys(names, torch.zeros(18, 18, 1, 1))) is None
