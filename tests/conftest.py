"""Tiny random models, small files for each task, settings whose runs land in a temporary folder.

Nothing heavy is imported before a test asks for a model.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from recipes import compose
from tunebook.settings import Settings

for name, value in (("OMP_NUM_THREADS", "1"), ("TOKENIZERS_PARALLELISM", "false")):
    os.environ.setdefault(name, value)  # before torch comes: tests share few cores with one another

SAMPLE = {("prompt", "tiny_llama"), ("prefix", "tiny_t5"), ("lora", "tiny_llama")}
"""What `make test` runs of a test for every method on every embedded base; the rest is slow."""
EMBEDDED = ("tiny_t5", "tiny_llama")

VOCABULARY = 400
CONTEXT = 256
PAD, END = "<pad>", "</s>"
ROWS = {"train": 48, "validation": 12, "test": 12}
WORDS = ("Anna", "Bruno", "Clara", "David"), ("sells", "carries", "paints", "mends"), (
    "apples", "boats", "chairs", "lamps", "clocks", "ropes")  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Mark as slow what SAMPLE lacks, and what is none of the cases that a test calls its sample.

    @pytest.mark.sample("a", "b"): of this test, `make test` runs the cases of these ids.
    """
    chosen: dict[str, list[bool]] = {}
    for item in items:
        case = getattr(item, "callspec", None)
        values = case.params if case else {}
        method, base = values.get("method"), values.get("family")
        is_left_out = bool(method) and base in EMBEDDED and (method, base) not in SAMPLE
        if sample := item.get_closest_marker("sample"):
            is_left_out = case is None or case.id not in sample.args
            chosen.setdefault(item.nodeid.partition("[")[0], []).append(not is_left_out)
        if is_left_out:
            item.add_marker(pytest.mark.slow)
    lost = [name for name, cases in chosen.items() if not any(cases)]
    if lost and not any("::" in word for word in config.args):
        raise pytest.UsageError(f"no case of {', '.join(lost)} is in its sample")


PROCESSOR_MINUTES = {"not slow and not fuzz": 10, "not fuzz": 40}
"""What `make test` and `make test-all` took where they were last measured."""


def _is_whole(config: pytest.Config) -> bool:
    """Whether this process has asked others for all tests that make test or test-all runs."""
    asked = config.args_source is pytest.Config.ArgsSource.TESTPATHS and config.getoption("tx", [])
    chosen = config.getoption("markexpr") if not config.getoption("keyword") else ""
    return bool(asked) and chosen in PROCESSOR_MINUTES


def _last_time(config: pytest.Config) -> str:
    """Where pytest keeps the seconds of the last run of these tests by as many processes."""
    return f"tunebook/{config.getoption('markexpr')}/{len(config.getoption('tx'))} processes"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Say how long it will take, and begin to measure it."""
    config = session.config
    if not _is_whole(config):
        return
    processes = len(config.getoption("tx"))
    seconds = config.cache.get(_last_time(config), None) if config.cache else None
    minutes = PROCESSOR_MINUTES[config.getoption("markexpr")] / processes
    told = f"{seconds / 60:.0f} min, as the last time" if seconds else f"{minutes:.0f} min or more"
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line(f"this takes about {told}, on {processes} of the processor's cores")
    config.stash[_BEGAN] = time.monotonic()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep how long it took, where it came to its end."""
    config = session.config
    if _BEGAN in config.stash and config.cache and exitstatus in (0, 1):
        config.cache.set(_last_time(config), round(time.monotonic() - config.stash[_BEGAN]))


_BEGAN: pytest.StashKey[float] = pytest.StashKey()


def _save_tokenizer(folder: Path, *, ends: bool) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    lines = [text for row in range(100) for text in _sentences(row)]
    tokenizer.train_from_iterator(lines, trainer)
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {END}", special_tokens=[(END, 1)]
        )
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=PAD, eos_token=END
                            ).save_pretrained(folder)  # fmt: skip


def _save_t5(folder: Path) -> None:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=VOCABULARY, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4,
        dropout_rate=0.0, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    _save_tokenizer(folder, ends=True)


def _save_llama(folder: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=CONTEXT,
        pad_token_id=0, bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    _save_tokenizer(folder, ends=False)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of a random tiny T5 (no limit of context) and Llama (256 positions).

    Both have two layers of width 32 and a byte-level vocabulary of 400. Leave them as they are.
    """
    import torch

    folders = {name: tmp_path_factory.mktemp("models") / name for name in ("t5", "llama")}
    torch.manual_seed(0)
    _save_t5(folders["t5"])
    _save_llama(folders["llama"])
    return folders


@pytest.fixture(scope="session")
def t5_folder(tiny_models: dict[str, Path]) -> Path:
    """A random tiny T5."""
    return tiny_models["t5"]


@pytest.fixture(scope="session")
def llama_folder(tiny_models: dict[str, Path]) -> Path:
    """A random tiny Llama."""
    return tiny_models["llama"]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`tests.small_models.save` for a family and options, once each; leave the folders alone."""
    from tests.small_models import save

    made: dict[str, Path] = {}

    def folder_of(family: str, **options: Any) -> Path:
        key = f"{family} {sorted(options.items())}"
        if key not in made:
            made[key] = save(tmp_path_factory.mktemp("small") / family, family, **options)
        return made[key]

    return folder_of


def _sentences(number: int) -> tuple[str, str, str]:
    """(who, what, sentence), different for each number below 96."""
    names, verbs, things = WORDS
    who, verb = names[number % 4], verbs[number // 4 % 4]
    what = things[number // 16 % 6]
    return who, what, f"{who} {verb} {what} at the market of the village."


def _row(task: str, number: int) -> dict[str, Any]:
    who, what, sentence = _sentences(number)
    rows: dict[str, dict[str, Any]] = {
        "translate": {"source": sentence, "target": f"{who} vend {what}."},
        "summarize": {"document": f"{sentence} It rains.", "summary": f"{who}: {what}."},
        "qa": {"context": sentence, "question": "Who is it?", "answers": [who]},
        "dialogue": {"history": ["Hello!", f"Where is {who}?", sentence], "response": "I see."},
    }
    return rows[task]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """One JSON object a line."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def task_files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """For a task: the words that choose it with small files of its own, no row of them twice."""
    folder = tmp_path_factory.mktemp("files")

    def words(task: str) -> list[str]:
        first, chosen = 0, [f"task={task}", "data=files"]
        for split, count in ROWS.items():
            rows = [_row(task, number) for number in range(first, first + count)]
            file = write_rows(folder / f"{task}.{split}.jsonl", rows)
            chosen.append(f"data.{split}={file}")
            first += count
        return chosen

    return words


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """`recipes.compose` with outputs below `tmp_path`."""

    def composed(*words: str) -> Settings:
        return compose(f"outputs={tmp_path / 'outputs'}", *words)

    return composed


@pytest.fixture(autouse=True)
def _libraries_are_searched_once() -> None:
    """Looking for garbage among torch and transformers takes half a second, twice a run."""
    global _modules_searched
    if len(sys.modules) >= _modules_searched + 100:
        gc.collect()
        gc.freeze()  # what lives now is passed over from now on
        _modules_searched = len(sys.modules)


_modules_searched = 0


@pytest.fixture(autouse=True)
def _own_recipes() -> Iterator[None]:
    """Recipe files and run folders named in one test are not options of the next."""
    from tunebook import folders
    from tunebook.request import recipe_files as outside

    yield
    folders._added.clear()
    outside._adopted.clear()
    outside._folder.cache_clear()
