"""DLA-34: its maps, and what its roots hear."""

import torch

from models.networks.dla import DLA, Tree

WIDTHS = (4, 4, 8, 8, 16, 16)


def test_four_maps_of_strides_4_to_32():
    torch.manual_seed(0)
    network = DLA(WIDTHS).eval()

    with torch.inference_mode():
        maps = network(torch.rand(2, 3, 64, 96))

    sizes = [(2, 8, 16, 24), (2, 8, 8, 12), (2, 16, 4, 6), (2, 16, 2, 3)]
    assert sizes == [tuple(x.shape) for x in maps]


def test_the_idle_projections_change_nothing():
    torch.manual_seed(0)
    network = DLA(WIDTHS).eval()
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        before = network(image)
        for idle in (network.level3.project, network.level4.project):
            for entry in idle.state_dict().values():
                entry.zero_()

        after = network(image)

    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other)


def test_the_root_hears_the_second_block_the_first_and_the_older_in_this_order():
    torch.manual_seed(0)
    tree = Tree(3, 3, stride=1, more=2).eval()
    x, older = torch.rand(1, 3, 4, 4), torch.rand(1, 2, 4, 4)
    heard = []
    tree.root.conv.register_forward_pre_hook(lambda _, given: heard.extend(given))

    with torch.inference_mode():
        tree(x, [older])
        first = tree.tree1(x, x)
        second = tree.tree2(first, first)

    torch.testing.assert_close(torch.cat([second, first, older], 1), heard[0])
