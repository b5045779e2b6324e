import numpy as np

from pipelines.assign import FORBIDDEN, assign


def test_the_cheapest_whole_is_chosen_not_the_cheapest_pair():
    cost = np.array([[0.1, 0.2], [0.2, 0.7]])

    assert assign(cost, 1.0).pairs == [(0, 1), (1, 0)]


def test_what_costs_too_much_is_left_over():
    cost = np.array([[0.1, 0.9, FORBIDDEN], [FORBIDDEN, 0.95, np.inf]])

    assert assign(cost, 0.5) == ([(0, 0)], [1], [1, 2])


def test_an_empty_side_leaves_the_other_over():
    assert assign(np.zeros((0, 2)), 1.0) == ([], [], [0, 1])
    assert assign(np.zeros((3, 0)), 1.0) == ([], [0, 1, 2], [])


def test_pairs_are_as_cheap_as_any_other_choice(generator):
    """Against all permutations of small matrices."""
    from itertools import permutations

    for _ in range(50):
        cost = generator.random((4, 4))
        best = min(sum(cost[i, j] for i, j in enumerate(p)) for p in permutations(range(4)))

        pairs = assign(cost, 10.0).pairs

        np.testing.assert_allclose(sum(cost[pair] for pair in pairs), best)
