"""What is allowed, can be seen in the data, and is seldom meant. Each with what to do instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tunebook.counting import counted
from tunebook.pipeline.dry_run.splits import target_lengths
from tunebook.schema import Settings
from tunebook.tasks import task_of
from tunebook.text import EncodedRows
from tunebook.text.encoding import Room

if TYPE_CHECKING:
    from tunebook.data import Examples
    from tunebook.models.base import Base
    from tunebook.pipeline.steps import EncodedSplits

LOOKED_AT = 200  # rows
OFTEN_CUT, OFTEN_UNKNOWN, SELDOM = 0.2, 0.02, 0.01  # shares
FEW_TESTS = 50
WITHOUT_SPACES = ("CJK", "HIRAGANA", "KATAKANA")
CHARACTER_LANGUAGES = ("zh", "ja")


def cautions(
    examples: Examples, splits: EncodedSplits, base: Base, settings: Settings
) -> list[str]:
    """A line for each."""
    return [
        *_answers_cut(splits.test, settings),
        *_sources_cut(splits.test, base, settings),
        *_unknown_tokens(splits.test, base),
        *_language(examples, settings),
        *_same_text(examples, settings),
        *_few_tests(splits.test),
    ]


def _answers_cut(test: EncodedRows, settings: Settings) -> Iterator[str]:
    most, lengths = settings.decoding.max_new_tokens, target_lengths(test)
    longer = sum(length > most for length in lengths)
    if longer > SELDOM * len(lengths):
        yield (f"{longer} of {len(lengths)} test answers are longer than the {most} tokens that "
               f"may be generated. Set decoding.max_new_tokens={max(lengths)}")  # fmt: skip


def _sources_cut(test: EncodedRows, base: Base, settings: Settings) -> Iterator[str]:
    if test.cut <= OFTEN_CUT * len(test):
        return
    most, asked = Room.of(settings, base.facts).most, settings.template.max_source_tokens
    remedy = "Choose a model with a longer context"
    if most == asked:
        remedy = f"Raise template.max_source_tokens={asked}"
    yield f"{test.cut / len(test):.0%} of the test inputs are cut. {remedy}, or split the texts"


def _unknown_tokens(test: EncodedRows, base: Base) -> Iterator[str]:
    unknown = base.tokenizer.unk_token_id
    if unknown is None or unknown in (base.tokenizer.eos_token_id, base.tokenizer.pad_token_id):
        return
    for name, ids in (("inputs", test.sources), ("answers", test.targets)):
        tokens = [one for i in range(min(len(test), LOOKED_AT)) for one in ids[i]]
        share = tokens.count(unknown) / max(len(tokens), 1)
        if share > OFTEN_UNKNOWN:
            yield (f"the model's vocabulary lacks {share:.0%} of the tokens of the {name}. Choose "
                   "a model that knows the language, such as mt5_small or qwen3_0_6b")  # fmt: skip


def _language(examples: Examples, settings: Settings) -> Iterator[str]:
    task = task_of(settings.task)
    texts = [task.target(row) for row in _first(examples.test)]
    share, language = _share_without_spaces(texts), settings.task.language
    if share > 0.5 and language not in CHARACTER_LANGUAGES:
        yield (f"the answers are Chinese or Japanese, but task.language={language}: scores would "
               "take a sentence for one word. Set task.language=zh or ja")  # fmt: skip
    elif share < SELDOM and language in CHARACTER_LANGUAGES:
        yield (f"task.language={language}, but the answers hold no such characters. "
               "Set task.language to the language of the answers")  # fmt: skip


def _share_without_spaces(texts: Sequence[str]) -> float:
    letters = [char for text in texts for char in text if char.isalpha()]
    names = (unicodedata.name(char, "") for char in letters)
    return sum(name.startswith(WITHOUT_SPACES) for name in names) / max(len(letters), 1)


def _same_text(examples: Examples, settings: Settings) -> Iterator[str]:
    task, rows = task_of(settings.task), _first(examples.test)
    same = sum(task.target(row) in task.texts(row).values() for row in rows)
    if same > 0.5 * len(rows):
        yield (f"in {same} of {len(rows)} test rows the answer is the input. "
               f"Set data.fields.{task.answer} to the column of the answers")  # fmt: skip


def _few_tests(test: EncodedRows) -> Iterator[str]:
    if len(test) < FEW_TESTS:
        examples = counted(len(test), "test example")
        yield (f"{examples} tell methods apart only where they differ greatly. "
               "Give more test data")  # fmt: skip


def _first(split: Any) -> list[dict[str, Any]]:
    return [split[i] for i in range(min(len(split), LOOKED_AT))]
