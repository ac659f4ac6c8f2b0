"""Recipes and options as lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from tunebook.book import tables
from tunebook.book.entries import RECIPE, SWEEP, Entry, entries, groups, kept

HERE = "offline"
TITLES = {
    RECIPE: "Recipes, run with recipe=NAME",
    SWEEP: "Several runs that belong together, run with sweep=NAME",
}


def show(named: Sequence[str], filters: Mapping[str, Sequence[str]]) -> None:
    """Print the groups that are named, else all; with filters, the recipes that pass them.

    Raises RequestError for a filter that names no option.
    """
    wanted = named or ([RECIPE] if filters else groups())
    for group in wanted:
        found = entries(group)
        if group == RECIPE:
            _show_recipes(kept(found, filters))
        else:
            _show_options(group, found)
    if not named and not filters:
        tables.show(f"\n{HERE}: needs no network. More on each: python -m recipes.book show NAME")


def _show_recipes(found: Sequence[Entry]) -> None:
    if not found:
        tables.show("No recipe is like that: python -m recipes.book list")
        return
    heads = ("NAME", "TASK", "METHOD", "MODEL", "DATA", "", "")
    tables.show(_title(RECIPE), tables.table(heads, map(_recipe_row, found)))


def _recipe_row(one: Entry) -> list[tables.Cell]:
    if one.problem:
        return [one.name, "", "", "", "", "", Text(one.problem, style="red")]
    taken = [one.chosen.get(group, "") for group in ("task", "method", "model", "data")]
    return [Text(one.name, style="bold"), *taken, HERE if one.offline else "", Text(_line(one))]


def _line(one: Entry) -> str:
    return f"{one.line} (copied from {one.parent})" if one.parent else one.line


def _show_options(group: str, found: Sequence[Entry]) -> None:
    rows: list[list[tables.Cell]] = [
        [Text(one.name, style="bold"), HERE if one.offline else "", Text(one.problem or one.line)]
        for one in found
    ]
    if not any(row[1] for row in rows):
        rows = [[row[0], row[2]] for row in rows]
    tables.show(_title(group), tables.table([""] * len(rows[0]), rows))


def _title(group: str) -> Text:
    title = TITLES.get(group, f"{group}, chosen with {group}=NAME")
    return Text(f"\n{title}", style="bold underline")
