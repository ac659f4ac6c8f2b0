"""Which special tokens stand where: decided here, for training, decoding and prediction alike.

A tokenizer is asked once what it puts around a source and a target. What follows is ours: a target
ends with the end token, it does not repeat what decoding starts with, a language code stands where
it is decoded, and in text itself only those of the template are special.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError
from tunebook.languages import alike, primary
from tunebook.schema import TaskSettings

if TYPE_CHECKING:
    from tunebook.models.base import Base

Ids = tuple[int, ...]
PROBES = ("a", "the", "1", "。")
CODE = r"([A-Za-z]{2,3}(?:_[A-Za-z]{2,4})?)"
IN_TOKEN = re.compile(rf"__{CODE}__|>>{CODE}<<|([a-z]{{2,3}}_[A-Z][A-Za-z]{{1,3}})")
SPEAK_LANGUAGES = ("mbart", "m2m_100", "nllb-moe", "plbart")
BEHIND_END = ("mbart", "plbart")
"""Models whose decoding starts with the language where their tokenizers write it behind the end
(Liu et al. 2020, arXiv 2001.08210); all others write it in front of a target."""


@dataclass(frozen=True)
class SpecialTokens:
    """Ids around the text of a source and of a target.

    `start` is what an encoder-decoder's decoding begins with, `forced` what it is made to say
    first; both are None for a decoder-only model.
    """

    before_source: Ids = ()
    behind_source: Ids = ()
    before_target: Ids = ()
    behind_target: Ids = ()
    start: int | None = None
    forced: int | None = None


def speaking(base: Base, task: TaskSettings) -> Base:
    """`base` with the special tokens for a task; the model is the same one.

    Raises RequestError where the tokenizer has no code for a language of the task.
    """
    return dataclasses.replace(base, special=special_tokens(base, task))


def special_tokens(base: Base, task: TaskSettings) -> SpecialTokens:
    """What stands where for the model of `base`. Raises RequestError as `speaking`."""
    end = base.tokenizer.eos_token_id
    if base.facts.family == "decoder-only":
        return SpecialTokens(before_source=_around(base.tokenizer)[0], behind_target=(end,))
    languages = _languages(base, task)
    source, target = _around(base.tokenizer), _around(base.tokenizer, target=True)
    start, forced = _own_start(base)
    if languages is not None:
        return _with_languages(base, languages, source, start)
    before, behind = target
    if forced is not None and forced not in before:
        before = (forced, *before)
    if before[:1] == (start,) and start != forced:
        before = before[1:]
    behind = behind if end in behind else (*behind, end)
    in_front = _named_in_source(base, task)
    return SpecialTokens((*in_front, *source[0]), source[1], before, behind, start, forced)


def _with_languages(
    base: Base, languages: tuple[int, int], source: tuple[Ids, Ids], start: int | None
) -> SpecialTokens:
    (own, wanted), end = languages, base.tokenizer.eos_token_id
    starts_with_language = base.facts.model_type in BEHIND_END and start != end
    if not _sets_language(base.tokenizer):
        source = ((), (end, own)) if starts_with_language else ((own,), (end,))
    elif base.facts.model_type in BEHIND_END:
        starts_with_language = own in source[1]
    if starts_with_language:
        return SpecialTokens(*source, (), (end,), start=wanted)
    return SpecialTokens(*source, (wanted,), (end,), start=start, forced=wanted)


def _around(tokenizer: Any, *, target: bool = False) -> tuple[Ids, Ids]:
    """What the tokenizer itself puts in front of a text and behind it."""
    key = "text_target" if target else "text"
    for probe in PROBES:
        text = tokenizer(**{key: probe}, add_special_tokens=False)["input_ids"]
        whole = tokenizer(**{key: probe})["input_ids"]
        for first in range(len(whole) - len(text) + 1):
            if text and whole[first : first + len(text)] == text:
                return tuple(whole[:first]), tuple(whole[first + len(text) :])
    return (), ()


def _own_start(base: Base) -> tuple[int | None, int | None]:
    """What the model's own settings start decoding with and force as its first word."""
    own, config = base.model.generation_config, base.model.config
    starts = (
        own.decoder_start_token_id,
        getattr(config, "decoder_start_token_id", None),
        own.bos_token_id,
        getattr(config, "bos_token_id", None),
    )
    return next((start for start in starts if isinstance(start, int)), None), (
        own.forced_bos_token_id
    )


def _sets_language(tokenizer: Any) -> bool:
    return hasattr(tokenizer, "src_lang") and hasattr(tokenizer, "tgt_lang")


def _languages(base: Base, task: TaskSettings) -> tuple[int, int] | None:
    """The codes of the task's languages, source and target; None for a model without such."""
    tokenizer, codes = base.tokenizer, language_codes(base.tokenizer)
    speaks = _sets_language(tokenizer) or base.facts.model_type in SPEAK_LANGUAGES
    if not codes or not speaks:
        return None
    source = getattr(task, "source_language", None)
    own = _code(base, codes, source or task.language, "source_language" if source else "language")
    wanted = _code(base, codes, task.language, "language")
    if _sets_language(tokenizer):
        tokenizer.src_lang, tokenizer.tgt_lang = own, wanted
    first, second = tokenizer.convert_tokens_to_ids([codes[own], codes[wanted]])
    return first, second


def language_codes(tokenizer: Any) -> dict[str, str]:
    """The tokens that name a language, by the code inside: {"fr": "__fr__", "de_DE": "de_DE"}."""
    listed = {
        *getattr(tokenizer, "lang_code_to_token", {}).values(),
        *getattr(tokenizer, "supported_language_codes", ()),
    }
    found = {}
    for token in [*special_words(tokenizer), *sorted(listed)]:
        if match := IN_TOKEN.fullmatch(token):
            found[next(filter(None, match.groups()))] = token
    return found


def special_words(tokenizer: Any) -> dict[str, int]:
    """The special tokens of a tokenizer and their ids."""
    added = {t.content: i for i, t in tokenizer.added_tokens_decoder.items() if t.special}
    named = [token for token in tokenizer.all_special_tokens if token not in added]
    coded = getattr(tokenizer, "lang_code_to_token", {}).values()
    more = [*named, *coded, *getattr(tokenizer, "supported_language_codes", ())]
    return added | {token: tokenizer.convert_tokens_to_ids(token) for token in more}


def _code(base: Base, codes: dict[str, str], language: str, key: str) -> str:
    """The code for a language: as it is written, else another code of the same language."""
    written = {code.lower(): code for code in codes}
    if exact := written.get(language.replace("-", "_").lower()):
        return exact
    for other in alike(language):
        for code in codes:
            if primary(code) == other:
                return code
    what = f"the tokenizer of {base.facts.path} has no token for the language {language}"
    known = ", ".join(sorted(codes)[:MOST_LISTED]) + (", …" if len(codes) > MOST_LISTED else "")
    raise RequestError(Problem(f"task.{key}", what, f"It knows {known}."))


MOST_LISTED = 60


def _named_in_source(base: Base, task: TaskSettings) -> Ids:
    """The token in front of a source that asks for a language: >>fra<< of Marian's models for
    several (Tiedemann and Thottingal 2020), <2fr> of MADLAD-400 (arXiv 2309.04662)."""
    if base.facts.model_type == "marian" and (codes := language_codes(base.tokenizer)):
        return _ids_of(base.tokenizer, codes[_code(base, codes, task.language, "language")])
    if base.facts.model_type == "t5" and _ids_of(base.tokenizer, "<2en>"):
        for code in (task.language, *alike(task.language)):
            if found := _ids_of(base.tokenizer, f"<2{code}>"):
                return found
        what = f"the tokenizer of {base.facts.path} has no token for the language {task.language}"
        raise RequestError(Problem("task.language", what, "Choose another model."))
    return ()


def _ids_of(tokenizer: Any, token: str) -> Ids:
    found = tokenizer.convert_tokens_to_ids(token)
    return () if found in (None, tokenizer.unk_token_id) else (found,)


def words_for(special: SpecialTokens, tokenizer: Any) -> Iterator[str]:
    """What stands where, for people, a line each."""

    def shown(ids: Ids) -> str:
        return " ".join(map(str, tokenizer.convert_ids_to_tokens(list(ids)))) or "nothing"

    for name in ("source", "target"):
        before, behind = (getattr(special, f"{where}_{name}") for where in ("before", "behind"))
        yield f"around the {name}: {shown(before)} in front, {shown(behind)} behind"
    if special.start is not None:
        forced = "" if special.forced is None else f", then {shown((special.forced,))} is forced"
        yield f"decoding starts with {shown((special.start,))}{forced}"
