"""Where cells lie."""

from models.ops.points import cell_points


def test_cells_are_counted_row_by_row_and_x_comes_before_y() -> None:
    points = cell_points(2, 3, 8, shift=4)

    assert points.tolist() == [[4, 4], [12, 4], [20, 4], [4, 12], [12, 12], [20, 12]]


def test_without_a_shift_the_first_cell_lies_at_the_corner() -> None:
    assert cell_points(1, 2, 16, shift=0).tolist() == [[0, 0], [16, 0]]
