"""Which special tokens stand where, whatever a tokenizer adds, and words that must stay words."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recipes import compose
from tests.small_models import save_tokenizer
from tunebook.engine import generation_config, load
from tunebook.errors import RequestError
from tunebook.models.special_tokens import SpecialTokens, words_for
from tunebook.schema import DecodingSettings
from tunebook.settings import resolve
from tunebook.text import Encoder, speaking
from tunebook.text.words import Words
from tunebook.training import Collator

PAD, END, BEGIN = 0, 1, 2
LANGUAGES = ("en_XX", "fr_XX", "de_DE")


def base_at(folder: Path, *words: str) -> tuple[Any, Encoder]:
    """The base for a translation task, and its encoder."""
    resolved = resolve(compose("task=translate", "data=files", "data.train=any.jsonl",
                               "method=lora", f"model.path={folder}", *words))  # fmt: skip
    bare = load(resolved.settings.model, resolved.facts, lambda _: None)
    base = speaking(bare, resolved.settings.task)
    return base, Encoder(resolved.settings, base)


def tokens_of(base: Any, ids: Any) -> list[str]:
    return base.tokenizer.convert_ids_to_tokens(list(ids))


@pytest.mark.parametrize("family", ["t5", "t5gemma", "bart", "llama", "gpt2", "blenderbot"])
@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("begin", [True, False])
def test_a_target_ends_once_and_does_not_repeat_what_decoding_starts_with(
    family: str, end: bool, begin: bool, small_model: Callable[..., Path]
) -> None:
    base, encoder = base_at(small_model(family, end=end, begin=begin))
    (target,) = encoder.targets(["the cat"])
    assert target.count(END) == 1
    assert target[-1] == END
    (source,) = encoder.sources([{"source": "the cat"}])
    assert source
    assert (source.ids[0] == BEGIN) == begin
    if base.facts.family == "decoder-only":
        assert END not in source.ids
        assert BEGIN not in target
        return
    batch = Collator(base)([{"source": source.ids, "target": target}])
    read = batch["decoder_input_ids"][0].tolist()
    start = generation_config(base, DecodingSettings()).decoder_start_token_id
    assert read == [start, *target[:-1]]
    assert target[0] != start
    assert (source.ids[-1] == END) == end


def test_what_a_model_is_made_to_say_first_is_learned(
    small_model: Callable[..., Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(small_model("bart"), tmp_path / "bart"))
    file = folder / "generation_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"forced_bos_token_id": BEGIN}))
    base, encoder = base_at(folder)
    assert base.special.forced == BEGIN
    assert encoder.targets(["the cat"])[0][0] == BEGIN


@pytest.mark.parametrize(("family", "start"), [("m2m_100", END), ("mbart", END)])
def test_a_language_is_learned_where_it_is_forced(
    family: str, start: int, small_model: Callable[..., Path]
) -> None:
    folder = small_model(family, languages=LANGUAGES, decoder_start_token_id=start)
    base, encoder = base_at(folder, "task.language=de")
    (target,) = encoder.targets(["the cat"])
    (source,) = encoder.sources([{"source": "the cat"}])
    assert source
    assert tokens_of(base, [source.ids[0], source.ids[-1]]) == ["en_XX", "</s>"]
    assert tokens_of(base, [target[0], target[-1]]) == ["de_DE", "</s>"]
    assert base.special.forced == target[0]
    assert base.special.start == start
    batch = Collator(base)([{"source": source.ids, "target": target}])
    assert batch["decoder_input_ids"][0].tolist() == [start, *target[:-1]]


def test_mbart_of_25_languages_starts_with_the_language(small_model: Callable[..., Path]) -> None:
    base, encoder = base_at(small_model("mbart", languages=LANGUAGES, decoder_start_token_id=6))
    (source,), (target,) = encoder.sources([{"source": "the cat"}]), encoder.targets(["the cat"])
    assert source
    assert tokens_of(base, source.ids[-2:]) == ["</s>", "en_XX"]
    assert base.special.forced is None
    assert tokens_of(base, [base.special.start, target[-1]]) == ["fr_XX", "</s>"]
    assert list(words_for(base.special, base.tokenizer)) == [
        "around the source: nothing in front, </s> en_XX behind",
        "around the target: nothing in front, </s> behind",
        "decoding starts with fr_XX",
    ]


def nllb(folder: Path, small_model: Callable[..., Path], **options: Any) -> Path:
    """NLLB's own tokenizer class, around a small model."""
    from transformers import NllbTokenizer

    words = ["<s>", "<pad>", "</s>", "<unk>", "▁", "a", "t", "h", "e", "c", "▁the"]
    names = ["eng_Latn", "fra_Latn", "zho_Hans"]
    vocabulary = {word: i for i, word in enumerate([*words, *names, "<mask>"])}
    tokenizer = NllbTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=names, **options)
    model = small_model("m2m_100", decoder_start_token_id=2, eos_token_id=2, pad_token_id=1,
                        bos_token_id=0)  # fmt: skip
    for file in model.iterdir():
        if "tokenizer" not in file.name:
            (folder / file.name).write_bytes(file.read_bytes())
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("legacy", [False, True])
def test_nllb_by_its_own_tokenizer(
    legacy: bool, tmp_path: Path, small_model: Callable[..., Path]
) -> None:
    folder = nllb(tmp_path, small_model, legacy_behaviour=legacy)
    base, encoder = base_at(folder, "task.language=zh")
    (source,), (target,) = encoder.sources([{"source": "the cat"}]), encoder.targets(["the"])
    assert source
    ends = source.ids[-2:] if legacy else [source.ids[-1], source.ids[0]]
    assert tokens_of(base, ends) == ["</s>", "eng_Latn"]
    assert tokens_of(base, [target[0], target[-1]]) == ["zho_Hans", "</s>"]
    assert tokens_of(base, [base.special.start, base.special.forced]) == ["</s>", "zho_Hans"]
    with pytest.raises(RequestError) as caught:
        base_at(folder, "task.language=de")
    (problem,) = caught.value.problems
    assert problem.where == "task.language"
    assert "has no token for the language de" in problem.what
    assert "eng_Latn, fra_Latn, zho_Hans" in problem.remedy


def test_madlad_names_the_language_in_front_of_a_source(small_model: Callable[..., Path]) -> None:
    base, encoder = base_at(small_model("t5", special=("<2en>", "<2fr>")))
    (source,) = encoder.sources([{"source": "the cat"}])
    assert source
    assert tokens_of(base, source.ids[:1]) == ["<2fr>"]
    own = 'template.text="<2fr>{{ source }}"'
    (again,) = base_at(small_model("t5", special=("<2en>", "<2fr>")), own)[1].sources(
        [{"source": "the cat"}])  # fmt: skip
    assert again
    assert again.ids == source.ids


@pytest.mark.parametrize(("template", "expected"), [
    ("<s>[INST] {{ source }}", ["<s>"]),
    ("{{ '<s>' ~ source }}", ["<s>"]),
    ("{{ source }}", ["<s>"]),
    ("<s>{{ source }}<x>{{ source }}", ["<s>", "<x>"]),
    ("{% if '<s>' in source %}<x>{% endif %}{{ source }}", ["<s>", "<x>"]),
    ("{{ source|replace('<s>', '') }}", ["<s>"]),
    ("{{ source|upper }}<x>", ["<s>", "<x>"]),
])  # fmt: skip
def test_special_tokens_of_the_template_alone_are_special(
    template: str, expected: list[str], small_model: Callable[..., Path]
) -> None:
    folder = small_model("llama", begin=True, special=("<x>",))
    base, encoder = base_at(folder, f'template.text="{template}"')
    (source,) = encoder.sources([{"source": "the <s> and </s><x>"}])
    assert source
    special = [token for token in tokens_of(base, source.ids) if token in ("<s>", "</s>", "<x>")]
    assert special == expected
    assert source.text.startswith(template[:3] if template[0] == "<" else "")
    assert not any(ord(letter) >= 0xF0000 for letter in source.text)


def test_a_target_of_special_words_is_answered_whole(small_model: Callable[..., Path]) -> None:
    from tunebook.engine import text_of

    base, encoder = base_at(small_model("llama", special=("<x>",)))
    text = "the tag </s> ends it, <unk> <x><pad> <s>"
    (target,) = encoder.targets([text])
    assert target.count(END) == 1
    assert text_of(base.tokenizer, target) == text
    assert encoder.words.taken == 0


def unigram(folder: Path) -> Any:
    """A tokenizer whose model itself has the special tokens among its words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *((c, -3.0) for c in "▁<>/sabunkpd")]
    made = Tokenizer(models.Unigram(words, unk_id=2))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>",
                                   unk_token="<unk>")  # fmt: skip


def word_level(folder: Path) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "</s>", "<pad>", "a", "b", "<", ">", "/", "s"]
    made = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>",
                                   unk_token="<unk>")  # fmt: skip


def byte_level(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(save_tokenizer(folder, special=("<x>",)))


def sentence_piece(folder: Path) -> Any:
    """A slow tokenizer: M2M100's, around a model trained by sentencepiece."""
    import sentencepiece
    from transformers import M2M100Tokenizer

    (folder / "text").write_text("a bus stop and a sand bank </s> <s> <pad>\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"), model_prefix=str(folder / "sp"), vocab_size=30,
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "sp.model"))
    words = ["<s>", "<pad>", "</s>", "<unk>"]
    words += [pieces.id_to_piece(i) for i in range(3, pieces.vocab_size())]
    (folder / "vocab.json").write_text(json.dumps({w: i for i, w in enumerate(words)}))
    return M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "sp.model"))


@pytest.mark.parametrize("made", [unigram, word_level, byte_level, sentence_piece])
def test_words_stay_words_with_every_kind_of_tokenizer(
    made: Callable[[Path], Any], tmp_path: Path
) -> None:
    tokenizer = made(tmp_path)
    words, plain = Words(tokenizer), ["a b", "", "s a", "a  bus"]
    as_ever = tokenizer(plain, add_special_tokens=False)["input_ids"]
    assert words.ids(plain) == as_ever
    end, unknown = tokenizer.eos_token_id, tokenizer.unk_token_id
    for text in ("a </s> b", "</s>", "<pad></s>a", "x </s>", "__fr__ a </s>"):
        (ids,) = words.ids([text])
        assert not (set(tokenizer.all_special_ids) - {unknown}) & set(ids)
    (ids,) = words.ids([f"a </s>{words.names['</s>']} b"])
    assert ids.count(end) == 1
    assert words.taken == (made is sentence_piece)  # This small one has no pieces for __fr__.
    assert words.shown(words.names["</s>"] + "a") == "</s>a"
    assert tokenizer(plain, add_special_tokens=False)["input_ids"] == as_ever


def test_a_forced_language_is_no_part_of_an_answer(tmp_path: Path) -> None:
    from tunebook.engine import text_of

    tokenizer = sentence_piece(tmp_path)
    code = tokenizer.convert_tokens_to_ids("__fr__")
    special = SpecialTokens((code,), (2,), (code,), (2,), 2, code)
    ids = [2, code, *tokenizer("a bus", add_special_tokens=False)["input_ids"], 2]
    assert text_of(tokenizer, ids, special) == "a bus"


@pytest.mark.parametrize("name", ["tiny_llama", "tiny_t5"])
def test_the_embedded_models_read_what_they_always_read(name: str) -> None:
    """Ids as the tokenizer's own call gives them, less the end of a decoder-only source."""
    words = [f"model={name}", "data=village", "method=lora"]
    resolved = resolve(compose("task=translate", *words))
    bare = load(resolved.settings.model, resolved.facts, lambda _: None)
    base = speaking(bare, resolved.settings.task)
    encoder, tokenizer = Encoder(resolved.settings, base), base.tokenizer
    texts = [
        "Anna sold three boats.",
        "  Élan,\n\nvital ",
        "",
        "1742 ",
        "日本 🙂 \u00a0x",
        "a" * 300,
    ]
    sources, targets = encoder.sources([{"source": t} for t in texts]), encoder.targets(texts)
    separator = "\n" if name == "tiny_llama" else ""
    for text, source, target in zip(texts, sources, targets, strict=True):
        whole = tokenizer(text + separator)["input_ids"]
        end = tokenizer.eos_token_id
        if name == "tiny_t5":
            assert (source.ids, target) == (whole, tokenizer(text_target=text)["input_ids"])  # type: ignore[union-attr]
        else:
            plain = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert target == [*plain, end]
            assert source.ids == (whole[:-1] if whole[-1] == end else whole)  # type: ignore[union-attr]


def test_what_stands_where_is_told() -> None:
    tokenizer = SimpleNamespace(convert_ids_to_tokens=lambda ids: [f"<{i}>" for i in ids])
    special = SpecialTokens((1, 2), (), (3,), (4,), 5, 6)
    assert list(words_for(special, tokenizer)) == [
        "around the source: <1> <2> in front, nothing behind",
        "around the target: <3> in front, <4> behind",
        "decoding starts with <5>, then <6> is forced",
    ]
