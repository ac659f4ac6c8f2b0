"""Text as token ids, in which no word of a user becomes a special token."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from tunebook.models.special_tokens import special_words

# No text holds these characters by chance: they are drawn anew in each process.
SECRET = "".join(chr(0xF0000 + secrets.randbelow(0xFFFD)) for _ in range(4))
MOST_NAMES = 0xFFFD


class Words:
    """A tokenizer that is told which special tokens are meant.

    `names` has a secret name for each special token. Text in which a special token is meant holds
    its name; where the text holds the token's own words, they are words. Texts that hold none are
    encoded by the tokenizer as it is.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        special = {word: id_ for word, id_ in special_words(tokenizer).items() if len(word) > 1}
        named = list(special)[:MOST_NAMES]
        self.names = {word: SECRET + chr(0x100000 + i) for i, word in enumerate(named)}
        self._words = {name: word for word, name in self.names.items()}
        self._name = re.compile(f"{SECRET}(?s:.)")
        self._ids = {self.names[word]: special[word] for word in named}
        self._special = set(self._ids.values()) - {tokenizer.unk_token_id}
        self.taken = 0
        """texts so far in which words could not be kept from being special tokens"""

    def shown(self, text: str) -> str:
        """`text` with the words of the special tokens that are meant."""
        return self._name.sub(lambda name: self._words.get(name[0], ""), text)

    def ids(self, texts: Sequence[str], *, target: bool = False) -> list[list[int]]:
        """The ids of each text, without any in front or behind."""
        if not texts:
            return []
        encoded = self._encode([self.shown(text) for text in texts], target=target)
        return [
            self._apart(text, target=target) if self._holds_more(text, ids) else list(ids)
            for text, ids in zip(texts, encoded, strict=True)
        ]

    def _encode(self, texts: list[str], *, target: bool, **options: Any) -> list[list[int]]:
        key = "text_target" if target else "text"
        given = {key: texts, "add_special_tokens": False, "verbose": False, **options}
        return self._tokenizer(**given)["input_ids"]

    def _holds_more(self, text: str, ids: Sequence[int]) -> bool:
        """Whether there are more special tokens than are meant."""
        unknown = self._tokenizer.unk_token
        if unknown and len(unknown) > 1 and unknown in text:
            return True
        found = sum(id_ in self._special for id_ in ids)
        meant = sum(self._ids.get(name) in self._special for name in self._name.findall(text))
        return found > meant

    def _apart(self, text: str, *, target: bool) -> list[int]:
        if self._renamed is not None:
            ids = self._renamed.encode(text, add_special_tokens=False).ids
        else:
            ids = self._in_parts(text, target=target)
        meant = len(self._name.findall(text))
        self.taken += sum(id_ in self._special for id_ in ids) > meant
        return ids

    @cached_property
    def _renamed(self) -> Any:
        """The same tokenizer, whose special tokens bear their secret names; None where it is not
        written in tokenizers' own format."""
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        if backend is None or not hasattr(backend, "to_str"):
            return None
        from tokenizers import Tokenizer

        written = json.loads(backend.to_str())
        for token in written["added_tokens"]:
            if token["content"] in self.names:
                token |= {"content": self.names[token["content"]], "normalized": False}
        _rename_in(written["model"], self.names)
        written["truncation"] = written["padding"] = None
        return Tokenizer.from_str(json.dumps(written))

    def _in_parts(self, text: str, *, target: bool) -> list[int]:
        """Special tokens by their ids, and what stands between them as text alone."""
        ids: list[int] = []
        last = 0
        for name in [*self._name.finditer(text), None]:
            part = text[last : name.start() if name else len(text)]
            if part:
                ids += self._encode([part], target=target, split_special_tokens=True)[0]
            if name:
                ids += [self._ids[name[0]]] if name[0] in self._ids else []
                last = name.end()
        return ids


def _rename_in(model: dict[str, Any], names: Mapping[str, str]) -> None:
    """Let no word of the vocabulary be a special token; the ids stay."""
    vocabulary = model["vocab"]
    if isinstance(vocabulary, list):
        model["vocab"] = [[names.get(word, word), score] for word, score in vocabulary]
        return
    keeps = model["type"] == "BPE"  # Its words are made by merges, which name them.
    for word, name in names.items():
        if word in vocabulary:
            vocabulary[name] = vocabulary[word] if keeps else vocabulary.pop(word)
    if not keeps and model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
