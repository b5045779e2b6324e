"""Settings of `fspose train`: defaults, presets, a file, the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import ConfigError
from fspose_app.train_config import (
    CROPS,
    FamilyFast,
    PublishedFast,
    PublishedSlow,
    PublishedTransfer,
    read_milestones,
)
from fspose_app.train_kinds import KINDS, chosen, presets, recipes
from models.training.published.schedule import FAST, SLOW, TRANSFER

NETWORKS = ("finder", "slow", "fast", "transfer")
PRESETS = [(network, name) for network in NETWORKS for name in presets(network)]


def write(folder: Path, text: str) -> Path:
    path = folder / "train.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "plan"), [(PublishedSlow, SLOW), (PublishedFast, FAST), (PublishedTransfer, TRANSFER)]
)
def test_without_a_preset_the_published_numbers_hold(kind, plan) -> None:
    assert kind().plan == plan


@pytest.mark.parametrize(("network", "preset"), PRESETS)
def test_every_preset_can_be_used(network: str, preset: str) -> None:
    found = chosen(network, preset, None, {})

    assert type(found) is KINDS[network, found.recipe]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_has_a_preset_for_each_recipe_and_one_to_try(network: str) -> None:
    assert {*recipes(network), "try"} <= set(presets(network))


@pytest.mark.parametrize("network", ["slow", "fast", "transfer"])
def test_the_preset_published_is_the_default(network: str) -> None:
    assert chosen(network, "published", None, {}) == chosen(network, None, None, {})


def test_file_lies_over_preset_and_command_line_over_file(tmp_path: Path) -> None:
    file = write(tmp_path, "epochs: 7\nbatch-size: 3\nsize: 96x128\nannotations: a.json\n")

    found = chosen("fast", "try", file, {"batch_size": 5})

    assert isinstance(found, FamilyFast)
    assert (found.width, found.epochs, found.batch_size, found.size) == (16, 7, 5, (96, 128))
    assert found.annotations == (Path("a.json"),)


def test_a_file_may_name_the_recipe(tmp_path: Path) -> None:
    found = chosen("slow", None, write(tmp_path, "recipe: family\nnetwork: plain"), {})

    assert (found.recipe, found.schedule, found.precision) == ("family", "cosine", "bfloat16")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch: 3", "train.yaml: unknown key 'epoch'; did you mean 'epochs'?"),
        ("teacher: a.pth", "unknown key 'teacher'"),  # of the family only
        ("epochs: often", "train.yaml: epochs is 'often', but should be a valid integer."),
        ("size: 100x200", "size is '100x200', but should be WIDTHxHEIGHT in multiples of 32"),
        ("milestones: [7, 5]", "milestones is [7, 5], but should be rising epochs"),
        ("recipe: own", "train.yaml: recipe is 'own', but should be published or family."),
        ("network: hrnet", "network is 'hrnet', but should be 'w32' or 'w48'."),
        ("average: 1", "average is 1, but should be less than 1."),
        ("lr: .inf", "lr is inf, but should be a finite number."),
        ("lr: nan", "lr is 'nan', but should be a finite number."),
        ("clip: .nan", "clip is nan, but should be a finite number."),
        ("batch-size: 100000000", "batch-size is 100000000, but should be less than or equal to"),
        ("epochs: 99999999999999999999", "but should be less than or equal to 1000000."),
        ("seed: 4294967296", "seed is 4294967296, but should be less than 4294967296."),
        ("minutes: 1.0e+300", "minutes is 1e+300, but should be less than or equal to 1000000."),
        ("milestones: '" + "9" * 5000 + "'", "but should be rising epochs"),
        ("milestones: [1, 99999999999]", "but should be rising epochs"),
        ("recipe: [family]", "recipe is ['family'], but should be published or family."),
        ("recipe: 0x" + "f" * 5000, "recipe is a number of too many digits"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        chosen("slow", None, write(tmp_path, text), {})

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_option_of_the_other_recipe_is_told() -> None:
    with pytest.raises(ConfigError, match="--hold-out is not for --recipe published of the slow"):
        chosen("slow", None, None, {"hold_out": 0.1})


@pytest.mark.parametrize("value", ["192x256", (192, 256), [192, 256]])
def test_a_size_is_a_text_or_two_numbers(value: object) -> None:
    assert CROPS.read(value) == (192, 256)


@pytest.mark.parametrize(
    "value", ["32x64", "2080x64", "64x65", "64", (64,), None, 3, "axb", (64.0, 64.0)]
)
def test_what_is_no_size_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="multiples of 32"):
        CROPS.read(value)


@pytest.mark.parametrize(
    ("value", "epochs"), [("5,7", (5, 7)), ("", ()), (5, (5,)), ([5, 7], (5, 7)), ((), ())]
)
def test_milestones_are_a_text_or_numbers(value: object, epochs: tuple[int, ...]) -> None:
    assert read_milestones(value) == epochs


@pytest.mark.parametrize("value", ["7,5", "5,5", "0", [0, 1], "a", ["5"], True, None])
def test_what_are_no_milestones_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="rising epochs"):
        read_milestones(value)
