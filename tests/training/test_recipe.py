"""Recipes: what is not one is refused with every fault, and overrides say what the file does not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from mien.errors import RecipeError
from mien.training.recipes.recipe import Augment, Heads, Recipe, Residual, read_recipe, recipe_from

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.toml"))

LEAST: dict[str, Any] = {
    "name": "least",
    "network": {"widths": [8], "blocks": [1]},
    "schedule": {"epochs": 10},
}


def faults(values: dict[str, Any]) -> tuple[str, ...]:
    with pytest.raises(RecipeError) as caught:
        recipe_from(values, "it")
    assert str(caught.value).startswith("it is not a recipe:")
    assert all(f"\n  - {fault}" in str(caught.value) for fault in caught.value.faults)
    return caught.value.faults


def changed(**tables: Any) -> dict[str, Any]:
    """The least recipe with other values; those of a table are added to it."""
    values = dict(LEAST)
    for key, value in tables.items():
        values[key] = LEAST.get(key, {}) | value if isinstance(value, dict) else value
    return values


def test_nothing_is_no_recipe() -> None:
    assert set(faults({})) == {f"{key}: is needed" for key in ("name", "network", "schedule")}


def test_the_least_recipe_changes_no_image_and_learns_labels() -> None:
    recipe = recipe_from(LEAST, "it")
    assert recipe.size == 48
    assert recipe.augment == Augment()
    assert recipe.heads.labels is not None
    assert recipe.heads.votes is None


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (changed(tone="red"), "tone"),
        (changed(network={"depth": 3}), "network.depth"),
        (changed(heads={"votes": {"wieght": 1}}), "heads.votes.wieght"),
        (changed(heads={"sexes": {"weight": 1}}), "heads.sexes"),
        (changed(augment={"cutmix": 0.2}), "augment.cutmix"),
        (changed(optimiser={"name": "adam"}), "optimiser.name"),
        (changed(schedule={"fade": 0.1}), "schedule.fade"),
    ],
)
def test_unknown_keys_are_faults(values: dict[str, Any], key: str) -> None:
    (fault,) = faults(values)
    assert fault.startswith(f"{key}: there is no such key")


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (changed(name=7), "name"),
        (changed(seed="lucky"), "seed"),
        (changed(seed=-1), "seed"),
        (changed(seed=2**32), "seed"),
        (changed(size=15), "size"),
        (changed(size=513), "size"),
        (changed(size=24.5), "size"),
        (changed(colour="red"), "colour"),
        (changed(labels="moods"), "labels"),
        (changed(test_share=1), "test_share"),
        (changed(validation_share=0), "validation_share"),
        (changed(validation_share=1), "validation_share"),
        (changed(network=[8]), "network"),
        (changed(network={"widths": []}), "network.widths"),
        (changed(network={"widths": 8}), "network.widths"),
        (changed(network={"widths": [8, 1], "blocks": [1, 1]}), "network.widths.1"),
        (changed(network={"widths": [8, 8], "blocks": [0, 1]}), "network.blocks.0"),
        (changed(network={"widths": [8, 16]}), "network"),
        (changed(network={"attention": [True, False]}), "network"),
        (changed(network={"dropout": 1.5}), "network.dropout"),
        (changed(network={"kind": "transformer"}), "network"),
        (changed(network={"kind": "mobile", "blocks": [1, 1]}), "network"),
        (changed(network={"kind": "mobile", "expansion": 0}), "network.expansion"),
        (changed() | {"network": {"kind": "layers", "layers": []}}, "network.layers"),
        (changed() | {"network": {"kind": "layers", "layers": ["flatten", "dense"]}}, "network.layers.1"),
        (changed(optimiser={"kind": "lion"}), "optimiser"),
        (changed(optimiser={"kind": "adam", "lr": 0}), "optimiser.lr"),
        (changed(optimiser={"kind": "adam", "momentum": 0.9}), "optimiser.momentum"),
        (changed(optimiser={"kind": "muon", "lr": 0}), "optimiser.lr"),
        (changed(optimiser={"kind": "muon", "momentum": 1}), "optimiser.momentum"),
        (changed(optimiser={"kind": "muon", "weight_decay": -1}), "optimiser.weight_decay"),
        (changed(schedule={"decay": "steps"}), "schedule.decay"),
        (changed(schedule={"sizes": [[0, 15]]}), "schedule.sizes.0.1"),
        (changed(heads={"labels": None}), "heads"),
        (changed(labels="ferplus8", heads={"labels": {}, "votes": {}}), "recipe"),
        (changed(heads={"labels": {"weight": 0}}), "heads.labels.weight"),
        (changed(heads={"labels": {"smoothing": -0.1}}), "heads.labels.smoothing"),
        (changed(augment={"rotate": -1}), "augment.rotate"),
        (changed(augment={"mixup": 1e300}), "augment.mixup"),
        (changed(augment={"views": 10**12}), "augment.views"),
        (changed(network={"widths": [10**6]}), "network.widths.0"),
        (changed(network={"blocks": [10**5]}), "network.blocks.0"),
        (changed(network={"kind": "mobile", "expansion": 10**5}), "network.expansion"),
        (changed() | {"network": {"kind": "layers", "layers": ["mean", "dense 1e9"]}}, "network.layers.1"),
        (changed() | {"network": {"kind": "layers", "layers": ["mean"] * 1001}}, "network.layers"),
        (changed(heads={"labels": {"weight": 1e300}}), "heads.labels.weight"),
        (changed(optimiser={"weight_decay": 1e300}), "optimiser.weight_decay"),
        (changed(optimiser={"kind": "muon", "weight_decay": 1e300}), "optimiser.weight_decay"),
        (changed(schedule={"batch": 10**12}), "schedule.batch"),
        (changed(schedule={"warmup": 1e300}), "schedule.warmup"),
        (changed(augment={"scale": 1}), "augment.scale"),
        (changed(augment={"contrast": 1}), "augment.contrast"),
        (changed(augment={"erase_area": [0.1]}), "augment.erase_area.1"),
        (changed(augment={"flip": "sideways"}), "augment.flip"),
        (changed(optimiser={"lr": 0}), "optimiser.lr"),
        (changed(optimiser={"lr": float("inf")}), "optimiser.lr"),
        (changed(optimiser={"lr": float("nan")}), "optimiser.lr"),
        (changed(optimiser={"momentum": 1}), "optimiser.momentum"),
        (changed(schedule={"epochs": 0}), "schedule.epochs"),
        (changed(schedule={"epochs": "many"}), "schedule.epochs"),
        (changed(schedule={"batch": 1}), "schedule.batch"),
        (changed(schedule={"warmup": -1}), "schedule.warmup"),
        (changed(schedule={"ema": 1}), "schedule.ema"),
        (changed(schedule={"sizes": [[0, 0]]}), "schedule.sizes.0.1"),
        (changed(schedule={"sizes": [[0, 32, 40]]}), "schedule.sizes.0"),
        (changed(schedule={"sizes": [[0.2, 32]]}), "schedule"),
        (changed(schedule={"sizes": [[0, 32], [0.6, 40], [0.3, 48]]}), "schedule"),
    ],
)
def test_wrong_values_are_faults(values: dict[str, Any], key: str) -> None:
    found = faults(values)
    assert len(found) == 1
    assert found[0].startswith(f"{key}: ")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (changed(schedule={"epochs": True}), "schedule.epochs: expected a whole number, got true"),
        (changed(schedule={"epochs": 2.5}), "schedule.epochs: expected a whole number, got 2.5"),
        (changed(schedule={"epochs": "many"}), "schedule.epochs: expected a whole number, got 'many'"),
        (changed(schedule={"epochs": 0}), "schedule.epochs: expected a value greater than 0, got 0"),
        (changed(schedule={"epochs": [3]}), "schedule.epochs: expected a whole number"),
        (
            changed(schedule={"epochs": 10**12}),
            "schedule.epochs: expected a value less than or equal to 100000, got 1000000000000",
        ),
        (
            changed(schedule={"epochs": 10**30}),
            f"schedule.epochs: expected a value less than or equal to 100000, got {10**30}",
        ),
        (
            changed(network={"widths": [2] * 17, "blocks": [1] * 16}),
            "network.widths: expected a list with at most 16 in it",
        ),
        (changed(seed=True), "seed: expected a whole number, got true"),
        (changed(resolution=False), "resolution: expected a whole number, got false"),
        (changed(augment={"rotate": True}), "augment.rotate: expected a number, got true"),
        (changed(augment={"views": True}), "augment.views: expected a whole number, got true"),
        (changed(network={"dropout": True}), "network.dropout: expected a number, got true"),
        (changed(augment={"flip": 2}), "augment.flip: expected true or false, got 2"),
        (changed(name=5), "name: expected a text in quotes, got 5"),
        (changed(colour="grey"), "colour: expected 'gray' or 'rgb', got 'grey'"),
        (changed(network={"widths": 8}), "network.widths: expected a list, such as [1, 2], got 8"),
        (
            changed(heads={"votes": True}),
            "heads.votes: expected a table, such as [heads.votes] with its keys below, got true",
        ),
        (changed(network={"widths": True}), "network.widths: expected a list, such as [1, 2], got true"),
        (changed(network={"widths": [True]}), "network.widths.0: expected a whole number, got true"),
        (changed(network={"blocks": [True]}), "network.blocks.0: expected a whole number, got true"),
        (changed(network={"blocks": ["a"]}), "network.blocks.0: expected a whole number, got 'a'"),
        (changed(network={"blocks": []}), "network.blocks: expected a list with at least 1 in it"),
        (changed(network={"attention": [2]}), "network.attention.0: expected true or false, got 2"),
        (changed(augment={"erase_area": [True, 1]}), "augment.erase_area.0: expected a number, got true"),
        (changed(schedule={"sizes": [[False, 48]]}), "schedule.sizes.0.0: expected a number, got false"),
        (
            changed() | {"network": {"kind": "layers", "layers": [True]}},
            "network.layers.0: expected a text in quotes, got true",
        ),
        (
            changed() | {"network": {"kind": "layers", "layers": []}},
            "network.layers: expected a list with at least 1 in it",
        ),
        (changed(network={"widths": [8, 8]}), "network: 2 widths for 1 stages of blocks"),
        (
            changed(optimiser={"kind": "adam", "momentum": 0.9}),
            "optimiser.momentum: there is no such key here: it is one of another kind",
        ),
        (
            changed(optimiser={"rho": 0.9}),
            "optimiser.rho: there is no such key here; did you mean optimiser.lr?",
        ),
        (
            changed(network={"expansion": 4}),
            "network.expansion: there is no such key here: it is one of another kind",
        ),
        (
            changed() | {"schedule.epochs": 3},
            "schedule.epochs: there is no such key here: epochs belongs in [schedule]",
        ),
        (
            changed(heads={"labels.weight": 3}),
            "heads.labels.weight: there is no such key here: weight belongs in [heads.labels]",
        ),
        ({"name": "x", "network": {"widths": [8], "blocks": [1]}}, "schedule: is needed"),
    ],
)
def test_faults_say_what_was_expected_and_what_came(values: dict[str, Any], told: str) -> None:
    assert faults(values) == (told,)


def test_a_list_that_is_short_is_told_beside_one_with_a_wrong_item() -> None:
    assert set(faults(changed(network={"widths": [], "blocks": ["a"]}))) == {
        "network.widths: expected a list with at least 1 in it",
        "network.blocks.0: expected a whole number, got 'a'",
    }


def test_a_switch_is_still_one() -> None:
    """`true` is no number, but stands where one of both may be, as `heads.labels = false`, and in lists."""
    values = changed(
        augment={"flip": True},
        network={"mirrored": True, "attention": [False, True], "widths": [4, 16], "blocks": [1, 1]},
    )
    recipe = recipe_from(values | {"heads": {"labels": False, "votes": {}}}, "it")
    assert isinstance(recipe.network, Residual)
    assert (recipe.augment.flip, recipe.network.attention, recipe.heads.labels) == (True, (False, True), None)


def test_all_faults_are_told_together() -> None:
    found = faults(
        changed(tone="red", size=1, network={"depth": 3}, augment={"flip": "x"}, schedule={"epochs": 0, "batch": 1})
    )
    assert sorted(fault.split(": ")[0] for fault in found) == [
        "augment.flip",
        "network.depth",
        "schedule.batch",
        "schedule.epochs",
        "size",
        "tone",
    ]


def test_a_stack_of_layers_takes_one_size() -> None:
    stack = {"kind": "layers", "layers": ["flatten"]}
    assert recipe_from(changed() | {"network": stack}, "it").network.kind == "layers"
    for values in (changed(resolution=64), changed(schedule={"sizes": [[0, 32]]})):
        (fault,) = faults(values | {"network": stack})
        assert "a stack of layers takes one size" in fault


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], [48] * 10),
        ([[0, 32]], [32] * 10),
        ([[0, 32], [0.5, 48]], [32] * 5 + [48] * 5),
        ([[0, 32], [0.35, 40], [0.65, 48]], [32] * 4 + [40] * 3 + [48] * 3),
        ([[0, 32], [1, 48]], [32] * 10),
        ([[0, 32], [0, 40]], [40] * 10),
    ],
)
def test_the_training_size_of_each_epoch(sizes: list[list[float]], expected: list[int]) -> None:
    recipe = recipe_from(changed(schedule={"sizes": sizes}), "it")
    assert [recipe.train_size(epoch) for epoch in range(10)] == expected


@pytest.mark.parametrize("share", [0.07, 0.14, 0.28, 0.29, 0.55, 0.56, 0.57, 0.58, 1 / 3])
def test_stages_begin_and_mixup_ends_at_the_epoch_that_the_share_names(share: float) -> None:
    """0.55 * 100 is a little more than 55 in binary fractions, 0.29 * 100 a little less than 29."""
    values = changed(
        schedule={"epochs": 100, "sizes": [[0, 32], [share, 48]]}, augment={"mixup": 0.2, "mixup_until": share}
    )
    recipe, first = recipe_from(values, "it"), math.ceil(round(share * 100, 6))
    assert [recipe.train_size(epoch) for epoch in range(100)] == [32] * first + [48] * (100 - first)
    assert [recipe.mixes(epoch) for epoch in range(100)] == [True] * first + [False] * (100 - first)


def test_training_images_are_as_large_as_the_network_sees_them() -> None:
    recipe = recipe_from(changed(), "it").model_copy(update={"resolution": 64})
    assert (recipe.size, recipe.train_size(0)) == (48, 64)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_recipes_that_ship(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.name
    assert recipe.train_size(recipe.schedule.epochs - 1) == (recipe.resolution or recipe.size)
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


def test_there_is_a_base_recipe() -> None:
    assert "base.toml" in {path.name for path in RECIPES}


def test_a_recipe_does_not_change(tiny: Recipe) -> None:
    with pytest.raises(ValueError, match="frozen"):
        tiny.seed = 1
    with pytest.raises(ValueError, match="frozen"):
        tiny.schedule.epochs = 1


def test_without_overrides_nothing_is_overridden(tiny_file: Path, tiny: Recipe) -> None:
    assert read_recipe(tiny_file, []) == tiny


@pytest.mark.parametrize(
    ("override", "table", "key", "value"),
    [
        ("schedule.epochs=3", "schedule", "epochs", 3),
        ("  schedule.epochs = 3 ", "schedule", "epochs", 3),
        ("optimiser.lr=1e-3", "optimiser", "lr", 1e-3),
        ("augment.flip=false", "augment", "flip", False),
        ("schedule.sizes=[[0, 20]]", "schedule", "sizes", ((0.0, 20),)),
        ("network.widths=[8, 16, 24]", "network", "widths", (8, 16, 24)),
        ("optimiser.weight_decay=0", "optimiser", "weight_decay", 0),
    ],
)
def test_an_override_changes_one_value(
    override: str, table: str, key: str, value: object, tiny_file: Path, tiny: Recipe
) -> None:
    recipe = read_recipe(tiny_file, [override])
    assert getattr(getattr(recipe, table), key) == value
    part = getattr(recipe, table).model_copy(update={key: getattr(getattr(tiny, table), key)})
    assert recipe.model_copy(update={table: part}) == tiny


def test_overrides_of_top_level_keys_and_of_keys_that_the_file_lacks(tiny_file: Path) -> None:
    recipe = read_recipe(
        tiny_file, ["name=my own", "heads.labels.smoothing=0.2", "augment.rotate=10", "seed=1", "seed=2"]
    )
    assert recipe.name == "my own"
    assert recipe.seed == 2
    assert recipe.augment.rotate == 10
    assert recipe.heads.labels is not None
    assert recipe.heads.labels.smoothing == 0.2


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ([""], ["'': expected key=value"]),
        (["epochs"], ["'epochs': expected key=value"]),
        (["name.first=x"], ["name.first: 'name' is a value, not a table"]),
        (["network.widths.0=8"], ["network.widths.0: 'widths' is a value, not a table"]),
        (["flip", "name.first=x"], ["'flip': expected key=value", "name.first: "]),
        (["epochs=3"], ["epochs: there is no such key here; did you mean schedule.epochs?"]),
        (["schedule.epochs=many", "size=1", "a.b.c=1"], ["size: ", "schedule.epochs: ", "a: there is no such key"]),
    ],
)
def test_wrong_overrides_are_told(overrides: list[str], expected: list[str], tiny_file: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(tiny_file, overrides)
    assert len(caught.value.faults) == len(expected)
    for fault in expected:
        assert any(each.startswith(fault) for each in caught.value.faults), caught.value.faults


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("mood=2", "mood: there is no such key"),
        ("schedule.epoch=2", "schedule.epoch: there is no such key here; did you mean schedule.epochs?"),
        ("lr=0.1", "lr: there is no such key here; did you mean optimiser.lr?"),
        ("network.width=3", "network.width: there is no such key here; did you mean network.widths?"),
        ("heads.labels.wieght=3", "heads.labels.wieght: there is no such key here; did you mean heads.labels.weight?"),
    ],
)
def test_a_key_that_was_changed_is_at_fault_and_not_the_file(override: str, told: str, tiny_file: Path) -> None:
    with pytest.raises(RecipeError, match="changed by") as caught:
        read_recipe(tiny_file, [override])
    assert str(caught.value) == f"{tiny_file}, changed by {override}, is not a recipe:\n  - {told}"


@pytest.mark.parametrize("content", [b"name = ", b"\xff\xfe", b"a = 1\na = 2", b"{}"])
def test_what_is_not_toml(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="is not a readable recipe"):
        read_recipe(path)


def test_an_empty_file_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "empty.toml").touch()
    with pytest.raises(RecipeError, match=r"empty\.toml is not a recipe"):
        read_recipe(tmp_path / "empty.toml")
    with pytest.raises(RecipeError, match=r"none\.toml is not a readable recipe"):
        read_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="is not a readable recipe"):
        read_recipe(tmp_path)


def test_votes_alone(tiny_file: Path) -> None:
    recipe = read_recipe(tiny_file, ["heads.labels=false", "heads.votes.weight=1"])
    assert recipe.heads.labels is None
    assert recipe_from(recipe.model_dump(mode="json"), "the same") == recipe


def test_what_is_shown_to_nobody(tiny_file: Path) -> None:
    with pytest.raises(RecipeError, match="shown: there are no teachers to show it to"):
        read_recipe(tiny_file, ["shown=clear"])
    assert read_recipe(tiny_file, ["shown=clear", "distill=.5"]).shown == "clear"


def test_a_network_without_a_head() -> None:
    with pytest.raises(ValueError, match="needs a head"):
        Heads(labels=None, votes=None)
