"""Mistakes that a beginner makes: each is caught before an hour is spent, and told how to mend."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recipes.book import main as book
from recipes.run import one_run
from tunebook.command.command import answer

Capture = pytest.CaptureFixture[str]
TRANSLATE = ["task=translate", "method=lora"]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, t5_folder: Path, llama_folder: Path
           ) -> None:  # fmt: skip
    """A folder with rows, a T5 and a Llama."""
    monkeypatch.chdir(tmp_path)
    Path("t5").symlink_to(t5_folder)
    Path("llama").symlink_to(llama_folder)
    write("train", [pair(i) for i in range(60)])
    write("validation", [pair(i) for i in range(60, 80)])
    write("test", [pair(i) for i in range(100, 160)])
    write(
        "chinese", [{"source": pair(i)["source"], "target": f"第{i}盏蓝色的灯"} for i in range(60)]
    )
    write("articles", [{"article": f"A long story {i}.", "summary": f"Story {i}."}
                       for i in range(60)])  # fmt: skip


def pair(i: int) -> dict[str, str]:
    return {"source": f"Anna sells {i} blue lamps.", "target": f"Anna vend {i} lampes bleues."}


def write(name: str, rows: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    Path(f"{name}.jsonl").write_text(text, encoding="utf-8")


FILES = ["data=files", "data.train=train.jsonl", "data.validation=validation.jsonl",
         "data.test=test.jsonl"]  # fmt: skip

DOCTOR: list[tuple[str, list[str], str, str]] = [
    ("the learning rate of LoRA for a prompt",
     ["method=prompt", "training.learning_rate=2e-4"],
     "0.0002 is far outside what prompt needs", "take the default of prompt"),
    ("the learning rate of a prompt for LoRA",
     ["method=lora", "training.learning_rate=0.3"],
     "0.3 is far outside what lora needs", "take the default of lora"),
    ("prompt tuning on a T5 that is not LM-adapted",
     ["model=t5_small", "method=prompt"],
     "does not seem to be LM-adapted", "Choose model=t5_small_lm_adapt or method=lora."),
    ("a prompt that takes most of the context",
     ["method=prompt", "method.num_virtual_tokens=150", "model.path=llama"],
     "leave less than half for text", "20 are often enough"),
    ("test data given as train",
     [*TRANSLATE, "data=files", "data.train=train.jsonl", "data.test=train.jsonl"],
     "train.jsonl is given as data.train too", "give other rows"),
    ("a column that does not exist",
     ["task=summarize", "method=lora", "data=files", "data.train=articles.jsonl"],
     "has no column document; it has article, summary", "Set data.fields.document="),
    ("a file's name misspelt",
     [*TRANSLATE, "data=files", "data.train=tran.jsonl"],
     "there is no file or folder tran.jsonl", "Did you mean train.jsonl?"),
    ("layers of another architecture",
     [*TRANSLATE, "model.path=t5", "method.target_modules=[q_proj,v_proj]"],
     "the model has no layer q_proj, v_proj", "Choose from:"),
    ("half precision on a T5",
     [*TRANSLATE, "model.path=t5", "model.dtype=float16"],
     "T5 overflows in float16", "Use bfloat16"),
    ("a warm-up longer than the training",
     [*TRANSLATE, "training.max_steps=100", "training.warmup_steps=500"],
     "never reaches its value", "Set at most 10."),
    ("quantization without a card",
     [*TRANSLATE, "model.quantization=4bit"],
     "needs an NVIDIA card", "Set it to none."),
    ("a start text that plays no part",
     ["method=prompt", "method.init=random", "method.init_text=Translate"],
     "plays no part with method.init=random", "Set method.init=text."),
    ("a chat model",
     [*TRANSLATE, "model.path=Qwen/Qwen2.5-0.5B-Instruct"],
     "expects a chat template", "Give the base model"),
    ("a model that cannot write the language",
     ["task=summarize", "method=lora", "model=t5_small", "task.language=zh"],
     "has no characters of the language zh", "Choose model=mt5_small"),
    ("weight decay on a soft prompt",
     ["method=prompt", "training.weight_decay=0.1"],
     "pulls the learned vectors towards zero", "soft prompts use none"),
    ("a translation into the language it comes from",
     [*TRANSLATE, "task.language=en"],
     "is en, as the source's is", "Set the language of the translations."),
]  # fmt: skip


@pytest.mark.parametrize(("words", "what", "remedy"), [case[1:] for case in DOCTOR],
                         ids=[case[0] for case in DOCTOR])  # fmt: skip
def test_the_doctor_says(words: list[str], what: str, remedy: str, capsys: Capture) -> None:
    book(["doctor", *words])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if what in line]
    assert line.split()[0] in ("caution", "wrong")
    assert remedy in line


REFUSED: list[tuple[str, list[str], str, str]] = [
    ("an encoder-decoder's family for a decoder-only model",
     [*TRANSLATE, "model.path=llama", "model.family=encoder-decoder"],
     "is decoder-only by its config.json", "Leave model.family out"),
    ("a sequence-to-sequence option for a decoder-only model",
     [*TRANSLATE, "model.path=llama", "method.peft.task_type=SEQ_2_SEQ_LM"],
     "is set by Tunebook", "Use model.family instead."),
    ("a prompt longer than the context",
     ["method=prompt", "model.path=llama", "method.num_virtual_tokens=300"],
     "leave no room for text", "Lower it"),
    ("a key misspelt", [*TRANSLATE, "training.learning_rat=0.1"],
     "no such key", "Did you mean training.learning_rate?"),
    ("an option of another method", [*TRANSLATE, "method.num_virtual_tokens=5"],
     "num_virtual_tokens belongs to method=", "Remove it"),
    ("several values for one run", [*TRANSLATE, "seed=0,1"], "gives several values", "Add -m"),
    ("a word for a number", [*TRANSLATE, "training.learning_rate=high"],
     "expects a number", "training.learning_rate"),
    ("data of another task", ["task=qa", "data=dialogsum"],
     "dialogsum serves summarize", "Set task=summarize"),
    ("another method for a recipe", ["recipe=qa_lora", "method=prompt"],
     "recipe=qa_lora fixes its method", "Copy"),
    ("an adapter for a model", [*TRANSLATE, "model.path=adapter"],
     "is a PEFT adapter, not a model", "Its base model is t5: give that."),
]  # fmt: skip


@pytest.mark.parametrize(("words", "what", "remedy"), [case[1:] for case in REFUSED],
                         ids=[case[0] for case in REFUSED])  # fmt: skip
def test_the_settings_refuse(words: list[str], what: str, remedy: str, capsys: Capture) -> None:
    Path("adapter").mkdir()
    Path("adapter/adapter_config.json").write_text('{"base_model_name_or_path": "t5"}')
    assert answer(words, one_run, "recipes.run") == 2
    said = capsys.readouterr().err
    assert what in said
    assert remedy in said
    assert not Path("outputs").exists()


DRY: list[tuple[str, list[str], str, str]] = [
    ("rows of test among those of train", [*FILES, "data.train=both.jsonl"],
     "60 of 120 rows of train have the same source", "scores may be too good"),
    ("Chinese answers scored as French",
     [*FILES, "data.train=chinese.jsonl", "data.test=chinese2.jsonl"],
     "the answers are Chinese or Japanese", "Set task.language=zh"),
    ("answers longer than what may be written", [*FILES, "decoding.max_new_tokens=3"],
     "test answers are longer than the 3 tokens", "Set decoding.max_new_tokens="),
    ("inputs that are cut", [*FILES, "template.max_source_tokens=8"],
     "100% of the test inputs are cut", "Raise template.max_source_tokens"),
    ("the input for the answer", [*FILES, "data.test=copied.jsonl"],
     "the answer is the input", "Set data.fields.target"),
    ("too few tests to tell anything", [*FILES, "data.limit.test=5"],
     "5 test examples tell methods apart only where they differ greatly", "Give more test data"),
]  # fmt: skip


@pytest.mark.sample("rows of test among those of train", "answers longer than what may be written")
@pytest.mark.parametrize(("words", "what", "remedy"), [case[1:] for case in DRY],
                         ids=[case[0] for case in DRY])  # fmt: skip
def test_the_dry_run_says(words: list[str], what: str, remedy: str, capsys: Capture) -> None:
    Path("both.jsonl").write_text(
        Path("train.jsonl").read_text(encoding="utf-8")
        + Path("test.jsonl").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    more = [{"source": f"Bruno mends {i} boats.", "target": f"布鲁诺修{i}条船"} for i in range(60)]
    write("chinese2", more)
    write("copied", [{"source": row["source"], "target": row["source"]} for row in more])
    words = [*TRANSLATE, "model.path=t5", "training.max_steps=3", *words, "dry_run=true"]
    assert answer(words, one_run, "recipes.run") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if what in line]
    assert line.startswith("warning: ")
    assert remedy in line
    assert not Path("outputs").exists()


def test_a_recipe_copied_onto_itself(capsys: Capture) -> None:
    shutil.copytree(Path(__file__).parents[2] / "conf", "conf")
    before = Path("conf/recipe/qa_lora.yaml").read_bytes()
    assert book(["copy", "qa_lora", "qa_lora"]) == 2
    assert "Give the copy another name." in capsys.readouterr().err
    assert Path("conf/recipe/qa_lora.yaml").read_bytes() == before


def test_there_are_more_than_twenty() -> None:
    assert len({case[0] for case in (*DOCTOR, *REFUSED, *DRY)}) + 1 >= 20


def test_what_is_well_is_not_complained_about(capsys: Capture) -> None:
    assert book(["doctor", *TRANSLATE, "model.path=t5", *FILES]) == 0
    lines = capsys.readouterr().out.partition("settings")[2].splitlines()
    assert not [line for line in lines if line.startswith(("caution", "wrong"))]
