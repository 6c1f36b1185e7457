"""`mien models`: the models that come with mien, the card of any, and the layers of a recipe's network."""

from __future__ import annotations

import re
from typing import Annotated

import typer
from rich.table import Table

from mien.cli.options import columns, needs_extra, recipes, shown, terminal
from mien.cli.options import models as names
from mien.errors import MienError
from mien.wording import percentage

FOLDED = re.compile(r"<details>\s*<summary>(.*?)</summary>.*?</details>", re.DOTALL)


def models(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|DIR", help="Show the card of this model.", show_default=False, autocompletion=names
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--describe",
            metavar="RECIPE",
            help="Show the layers that a recipe, by name or file, trains.",
            autocompletion=recipes,
        ),
    ] = None,
) -> None:
    """List the models that come with mien, or show the card of one, or the layers of a recipe's network."""
    from rich.markdown import Markdown

    from mien import artifact as artifacts

    console = terminal()
    if recipe is not None and model is not None:
        raise MienError(f"a model or a recipe, not both: {model}, --describe {recipe}")
    if recipe is not None:
        console.print(_layers(recipe))
        return
    if model is not None:
        artifact = artifacts.read(artifacts.find(model))
        if console.is_terminal:
            place = shown(str(artifact.folder / "README.md"))
            console.print(Markdown(FOLDED.sub(lambda found: f"{found[1]}: see `{place}`.", artifact.card)))
        else:
            print(artifact.card.rstrip())
        return
    table = columns(("model", "label set", "right on validation"), ("ECE", "MB"))
    for name in artifacts.names():
        artifact = artifacts.read(artifacts.find(name))
        for number, head in enumerate(artifact.manifest.heads):
            scores = artifact.manifest.scores[head.labels]
            low, high = map(percentage, scores["accuracy_interval"])
            right = f"{percentage(scores['accuracy'])} ({low} to {high}) of {scores['n']}"
            first = (name, f"{len(artifact.onnx) / 1e6:.1f}") if number == 0 else ("", "")
            table.add_row(first[0], head.labels, right, f"{scores['ece']:.3f}", first[1])
    console.print(table)


def _layers(recipe: str) -> Table:
    with needs_extra("train"):
        from mien.training.networks.describe import describe
        from mien.training.recipes.names import find
        from mien.training.recipes.recipe import read_recipe

    read = read_recipe(find(recipe))
    rows = describe(read)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_footer=True, footer_style="bold")
    table.add_column("layer", footer=f"{read.name}, in all")
    table.add_column("gives", justify="right")
    table.add_column("parameters", justify="right", footer=f"{sum(row.parameters for row in rows):,}")
    for row in rows:
        table.add_row(row.layer, " x ".join(map(str, row.shape)), f"{row.parameters:,}")
    return table
