"""From a recipe, a run folder or words to settings of which one knows where each came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook import folders
from tunebook.book.described import COMMAND_LINE, Described
from tunebook.documents import read_yaml
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models.facts import ModelFacts, facts_at_hand
from tunebook.request.composition import compose_groups, plain
from tunebook.request.recipe_files import file_of
from tunebook.request.request import Request, read_request
from tunebook.schema import GROUPS
from tunebook.settings import Settings, settings_from
from tunebook.settings.advice import advice
from tunebook.settings.checks import check
from tunebook.settings.resolve import filled

BY_DEFAULT = "default"


@dataclass
class Composed:
    """Settings as a run would get them, gaps included, and what they were made of."""

    request: Request
    settings: Settings
    choices: Mapping[str, str]
    recipe: str | None = None
    facts: ModelFacts | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path | None:
        """The recipe's file, or the folder of a run."""
        return file_of(self.recipe) if self.recipe else None

    @property
    def source(self) -> str:
        """What the recipe or run is called in a table."""
        if self.file is None:
            return ""
        return f"run {self.file.name}" if self.file.is_dir() else f"recipe {self.recipe}"


def compose_named(name: str | None, words: Sequence[str]) -> Composed:
    """The settings of recipe, recipe file or run folder `name`, changed by `words`.

    The hub is never asked. Raises RequestError with every problem found.
    """
    recipe = [_recipe_word(name)] if name else []
    request = read_request([*recipe, *words])
    (run,) = request.runs
    settings = run.settings
    composed = Composed(request, settings, run.choices, run.choices.get("recipe"))
    composed.facts = facts_at_hand(settings.model)
    if composed.facts is None:
        known = settings.model.usual_family or settings.model.family
        what = f"taken to be {known}" if known else "defaults by its family are left open"
        composed.notes.append(f"{settings.model.path} is not on this machine; {what}")
    return composed


def _recipe_word(name: str) -> str:
    """`recipe=NAME` for what is there; a run folder may be given without a slash."""
    path = Path(name).expanduser()
    if name in folders.options("recipe"):
        return f"recipe={name}"
    if "/" in name or path.suffix in (".yaml", ".yml"):
        return f"recipe={name}"
    if (path / "settings.yaml").is_file():
        return f"recipe=./{name}"
    what = "there is no such recipe, recipe file or run folder"
    near = did_you_mean(name, folders.options("recipe"))
    raise RequestError(Problem(name, what, f"{near} See: python -m recipes.book list"))


def describe(name: str | None, words: Sequence[str] = ()) -> Described:
    """Everything known of the settings that `name` and `words` make.

    Raises RequestError with every problem that a run would be refused for.
    """
    made = compose_named(name, words)
    settings, origins = _filled(made, made.settings)
    if problems := check(settings, made.facts):
        raise RequestError(problems)
    usual, usual_origins, in_options = _usual(made)
    written = _written(made)
    return Described(
        title=_title(made, name, words),
        settings=settings,
        usual=usual,
        chosen=_chosen(made),
        source=made.source,
        file=made.file,
        written=written,
        typed=[one.key_or_group for one in made.request.values],
        in_options=in_options,
        filled=origins,
        usually_filled=usual_origins,
        advice=advice(settings, made.facts),
        facts=made.facts,
        notes=made.notes,
    )


def _filled(made: Composed, settings: Settings) -> tuple[Settings, dict[str, str]]:
    facts = made.facts
    if facts is None:
        found, origins = filled(settings, settings.model.family or settings.model.usual_family)
        return found, {**origins, "model.family": f"model {settings.model.name}"}
    return filled(settings, facts.family, facts.folder or facts.path)


def _usual(made: Composed) -> tuple[Settings, dict[str, str], dict[str, str]]:
    """The settings of the same options without the recipe's and the command's own values."""
    chosen = {group: made.choices[group] for group in GROUPS if made.choices.get(group)}
    config, _ = compose_groups([f"{group}={name}" for group, name in chosen.items()])
    data = plain(config)
    in_options = {
        key: f"{group}={chosen[group]}"
        for group, part in data.items()
        if group in chosen and isinstance(part, Mapping)
        for key in _keys_of(part, f"{group}.")
    }
    settings = settings_from({**data, "recipe": None})
    settings.model.path = settings.model.path or made.settings.model.path
    usual, origins = _filled(made, settings)
    return usual, origins, in_options


def _keys_of(part: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, value in part.items():
        if isinstance(value, Mapping) and value:
            yield from _keys_of(value, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def _written(made: Composed) -> list[str]:
    """Keys that the recipe's own file sets; none for a run, whose file holds every key."""
    if made.file is None or made.file.is_dir():
        return []
    body = read_yaml(made.file)
    return [key for key in _keys_of(body, "") if not key.startswith("defaults")]


def _chosen(made: Composed) -> dict[str, tuple[str, str]]:
    """The option of each group, and who chose it."""
    typed = {one.key_or_group for one in made.request.groups} - {"recipe"}
    by_recipe = _chosen_by_recipe(made)
    return {
        group: (str(made.choices[group]), _chooser(group, typed, by_recipe, made))
        for group in GROUPS
        if made.choices.get(group)
    }


def _chooser(group: str, typed: set[str], by_recipe: set[str], made: Composed) -> str:
    if group in typed:
        return COMMAND_LINE
    if group in by_recipe:
        return made.source
    if group == "model" and any(o.key_or_group == "model.path" for o in made.request.values):
        return COMMAND_LINE
    return BY_DEFAULT


def _chosen_by_recipe(made: Composed) -> set[str]:
    if made.recipe is None:
        return set()
    from tunebook.book.entries import choices_in

    if made.file is not None and made.file.is_dir():
        return set(folders.groups())
    return {group for group, _ in choices_in(folders.options("recipe")[made.recipe])}


def _title(made: Composed, name: str | None, words: Sequence[str]) -> str:
    return " ".join([name or "", *words]).strip() or "the defaults"
