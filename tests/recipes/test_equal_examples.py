"""Methods are compared on the embedded models after the same number of training examples."""

from __future__ import annotations

import pytest

from recipes import compose
from tunebook import folders
from tunebook.settings import resolve
from tunebook.settings.resolve import steps_of

EXAMPLES = 6400
VILLAGE_RECIPES = [
    name
    for name, file in folders.options("recipe").items()
    if "override /data: village" in file.read_text(encoding="utf-8")
]


def examples_seen(*words: str) -> int | None:
    settings = resolve(compose(*words)).settings
    if not settings.method.trains:
        return None
    training = settings.training
    assert training.batch_size is not None
    a_step = training.batch_size * training.gradient_accumulation_steps
    return steps_of(settings, examples=4000) * a_step


@pytest.mark.parametrize("model", ["tiny_t5", "tiny_llama"])
@pytest.mark.parametrize("method", folders.options("method"))
def test_every_method_sees_as_many_examples(model: str, method: str) -> None:
    assert examples_seen(f"model={model}", f"method={method}") in (EXAMPLES, None)


@pytest.mark.parametrize("recipe", VILLAGE_RECIPES)
def test_so_does_every_recipe_for_the_village(recipe: str) -> None:
    assert examples_seen(f"recipe={recipe}") == EXAMPLES
