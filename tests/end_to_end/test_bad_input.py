"""Requests that are wrong: each gets a clear message and exit code 2, and leaves nothing behind."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

import pytest
from filelock import FileLock

from recipes import compose
from recipes.run import one_run
from tunebook import data
from tunebook.command.command import answer
from tunebook.models.facts import content_of
from tunebook.runs import path_of
from tunebook.runs.fingerprint import fingerprint
from tunebook.settings import resolve
from tunebook.tasks import task_of

LONGEST_LINE = 500
KEPT = ".before"  # answers of the untouched model, whole and of use to the next run
MODEL = "model.path=$t5"
FILES = f"{MODEL} | task=summarize | data=files"

# What is typed (words are parted by ` | `), and what the message must hold.
CASES: dict[str, tuple[str, list[str]]] = {
    # keys
    "unknown key": ("banana=1", ["banana: no such key", "Choose from", "template"]),
    "unknown key, misspelt": ("sed=1", ["sed: no such key", "Did you mean seed?"]),
    "unknown nested key": (
        "training.learning_rat=1",
        ["training.learning_rat: no such key", "Did you mean training.learning_rate?"],
    ),
    "key without its group": ("learning_rate=1", ["Did you mean training.learning_rate?"]),
    "key without its group, misspelt": ("lerning_rate=1", ["Did you mean training.learning_rate?"]),
    "key without its group nor value": ("learning_rate=", ["learning_rate: no such key",
                                                           "training.learning_rate"]),
    "key in two groups": ("batch_size=1", ["decoding.batch_size or training.batch_size"]),
    "key of another group": ("training.num_beams=2", ["Did you mean decoding.num_beams?"]),
    "key of another method": (
        "method=lora | method.num_virtual_tokens=5",
        ["num_virtual_tokens belongs to method=p_tuning, prefix or prompt; you chose lora"],
    ),
    "key of another method, alone": (
        "method=lora | num_virtual_tokens=5",
        ["num_virtual_tokens belongs to method=p_tuning, prefix or prompt; you chose lora"],
    ),
    "key of another task": (
        "task=summarize | task.no_answer=none",
        ["no_answer belongs to task=qa; you chose summarize"],
    ),
    "no language": ("task.language=chinese", ["task.language: 'chinese' is not a language code"]),
    "key of hub data": (
        "data.path=foo | data.revision=main",
        ["data.path: belongs to a data set of the hub; you chose data=village", "data.revision"],
    ),
    "key below a value": ("seed.x=1", ["seed: expects a whole number"]),
    "value where keys are": ("data.limit=5", ["data.limit", "Set data.limit.train"]),
    "value where any keys are": ("data.fields=document", ["data.fields", "Set data.fields.KEY"]),
    # options
    "unknown task": ("task=sumarize", ["there is no such task", "Did you mean summarize?"]),
    "unknown data": ("data=vilage", ["there is no such data", "Did you mean village?"]),
    "unknown model": ("model=tiny_t6", ["there is no such model", "Did you mean tiny_t5?"]),
    "unknown method": ("method=promt", ["there is no such method", "Did you mean prompt?"]),
    "unknown template": ("template=bear", ["there is no such template", "Did you mean bare?"]),
    "unknown training": ("training=defalt", ["there is no such training", "mean default?"]),
    "unknown decoding": ("decoding=beem", ["there is no such decoding", "Did you mean beam?"]),
    "unknown recipe": ("recipe=nothing_like_it", ["there is no such recipe"]),
    "nothing chosen": ("method=null", ["method=null: chooses no method", "lora"]),
    "unknown launcher": ("hydra/launcher=rocket", ["hydra/launcher=rocket", "basic"]),
    # words
    "value without a key": ("=3", ["'=3': is not KEY=VALUE", "seed=1"]),
    "group without a value": ("method", ["'method': is not KEY=VALUE", "Write method=NAME"]),
    "key without a value": ("seed", ["'seed': is not KEY=VALUE", "Write seed=VALUE"]),
    "value cut at a space": ("task.instruction=Say | it", ["'it': is not KEY=VALUE", "quotes"]),
    "plus sign": ("+seed=1", ["+seed=1", "Write seed=1 without the plus sign"]),
    "minus sign": ("~training", ["~training: nothing can be deleted"]),
    "package": ("method@other=lora", ["Write method=NAME"]),
    "several values": ("seed=1,2", ["seed=1,2: gives several values", "Add -m"]),
    "comma in a text": (
        "task.instruction=Short, please",
        ["gives several values", "'task.instruction=\"Short, please\"'"],
    ),
    "equals sign in a text": (
        "data.train=a=b.jsonl",
        ["data.train: cannot read the value 'a=b.jsonl'", "Quote it: 'data.train=\"a=b.jsonl\"'"],
    ),
    "quotes in a text": (
        'task.instruction=Say "it" (now',
        ["cannot read the value", 'Quote it: \'task.instruction="Say \\"it\\" (now"\''],
    ),
    "unknown interpolation": ("task.instruction=${nosuch}", ["task.instruction", "nosuch"]),
    # types
    "text for a whole number": ("seed=abc", ["seed: expects a whole number, got 'abc'"]),
    "fraction for a whole number": ("seed=1.5", ["seed: expects a whole number, got 1.5"]),
    "text for a number": ("training.learning_rate=fast", ["expects a number, got 'fast'"]),
    "nothing for a number": ("training.learning_rate=", ["expects a number, got nothing"]),
    "infinity for a number": ("training.learning_rate=inf", ["expects a number, got inf"]),
    "text for true or false": ("again=yes", ["again: expects true or false, got 'yes'"]),
    "number for a list": ("training.report_to=3", ["training.report_to: expects a list, got 3"]),
    "keys for a text": ("task.instruction={a:1}", ["task.instruction: expects text"]),
    "null for what is needed": ("seed=null", ["seed: expects a whole number, got nothing (null)"]),
    # ranges and choices
    "below the range": ("seed=-1", ["seed: must be at least 0, got -1"]),
    "zero": ("training.batch_size=0", ["training.batch_size: must be at least 1, got 0"]),
    "not above zero": ("training.learning_rate=0", ["training.learning_rate: must be above 0"]),
    "above the range": ("data.max_skipped_share=2", ["must be at most 1, got 2"]),
    "not a choice": ("model.dtype=int8", ["'int8' is not allowed", "bfloat16"]),
    "not a choice of the method": ("method.init=vocabluary", ["Did you mean vocabulary?"]),
    "not a choice in a list": ("training.report_to=[wanbd]", ["Did you mean wandb?"]),
    "name that leaves the folder": (f"{MODEL} | model.name=../x", ["model.name", "folder's name"]),
    # options of the installed libraries
    "unknown option of PEFT": (
        f"{MODEL} | method=lora | method.peft.layers_to_transfrom=[0]",
        ["method.peft.layers_to_transfrom", "LoraConfig", "Did you mean layers_to_transform?"],
    ),
    "unknown option of TrainingArguments": (
        f"{MODEL} | training.arguments.adam_bta1=0.8",
        ["training.arguments.adam_bta1", "Did you mean adam_beta1?"],
    ),
    "nothing like an option of TrainingArguments": (
        f"{MODEL} | training.arguments.zzz=1",
        ["no such option", "documentation of transformers.TrainingArguments"],
    ),
    "option of PEFT that has a key": (
        f"{MODEL} | method=lora | method.peft.r=4",
        ["method.peft.r", "Use method.r instead"],
    ),
    "option of TrainingArguments that has a key": (
        f"{MODEL} | training.arguments.learning_rate=1",
        ["training.arguments.learning_rate", "Use training.learning_rate instead"],
    ),
    "wrong type for PEFT": (
        f"{MODEL} | method=lora | method.peft.bias=[1]",
        ["method.peft.bias: LoraConfig takes str, got [1]"],
    ),
    "wrong type for TrainingArguments": (
        f"{MODEL} | training.arguments.save_total_limit=few",
        ["training.arguments.save_total_limit: TrainingArguments takes int, got 'few'"],
    ),
    "value that PEFT refuses": (
        "$small | method=lora | method.peft.init_lora_weights=banana",
        ["method: PEFT refuses these options", "banana"],
    ),
    "layers that the model has not": (
        "$small | method=lora | method.target_modules=[banana]",
        ["method: PEFT refuses these options", "banana"],
    ),
    "value that TrainingArguments refuses": (
        "$small | training.arguments.logging_strategy=often",
        ["training: TrainingArguments refuses these options", "often"],
    ),
    "unknown optimizer": (f"{MODEL} | training.optim=adafacto", ["training.optim", "adafactor?"]),
    "unknown schedule": (
        f"{MODEL} | training.lr_scheduler_type=linaer",
        ["training.lr_scheduler_type", "Did you mean linear?"],
    ),
    "tracker that is not installed": (
        f"{MODEL} | training.report_to=[mlflow]",
        ["training.report_to: mlflow is not installed", "pip install"],
    ),
    # templates
    "broken template": (f'{MODEL} | template.text="{{{{ bare"', ["template.text: is no Jinja2"]),
    "unknown filter": (f'{MODEL} | template.text="{{{{ bare|nosuch }}}}"', ["No filter named"]),
    "unknown field": (
        f'{MODEL} | task=summarize | template.text="{{{{ documnt }}}}"',
        ["'documnt' is no field that summarize gives to the model", "Did you mean document?"],
    ),
    "template without the field": (
        f"{MODEL} | task=summarize | template.text=hello",
        ["template.text: does not show the field 'document'", "{{ bare }}"],
    ),
    "template that breaks out": (
        f'{MODEL} | template.text="{{{{ bare.__class__ }}}}"',
        ["template.text", "__class__", "unsafe"],
    ),
    "unknown headline metric": (
        f"{MODEL} | task=summarize | task.headline=bleu",
        ["task.headline: 'bleu' is no metric of summarize", "rougeL"],
    ),
    # recipes
    "recipe and method": ("recipe=$recipe | method=lora", ["fixes its method", "Copy $recipe"]),
    "recipe that is not there": ("recipe=$folder/no.yaml", ["there is no such file"]),
    "recipe that is a folder": ("recipe=$folder", ["holds no settings.yaml", "no run folder"]),
    "broken recipe": ("recipe=$broken_recipe", ["$broken_recipe:2: is no valid YAML"]),
    "empty recipe": ("recipe=$empty_recipe", ["$empty_recipe: holds no recipe", "conf/recipe"]),
    "unknown key in a recipe": ("recipe=$typo_recipe", ["expekt: no such key", "mean expect?"]),
    "unknown option in a recipe": (
        "recipe=$promt_recipe",
        ["$promt_recipe", "there is no method named promt", "Did you mean prompt?"],
    ),
    "unknown group in a recipe": ("recipe=$metod_recipe", ["there is no group metod", "method?"]),
    "unknown family of a default": (
        "recipe=$family_recipe",
        ["method.by_family.decoder_only", "Did you mean method.by_family.decoder-only?"],
    ),
    "unknown key of a default": (
        "recipe=$default_recipe",
        ["method.by_family.decoder-only.training.learning_rat", "mean training.learning_rate?"],
    ),
    # data
    "task that the data does not serve": (
        f"{MODEL} | task=summarize | data=squad",
        ["squad serves qa; you chose summarize", "Set task=qa"],
    ),
    "no file": (FILES, ["data.train: is missing", "Set data.train=FILE"]),
    "missing file": (
        f"{FILES} | data.train=$folder/goood.jsonl",
        ["there is no file or folder $folder/goood.jsonl", "Did you mean good.jsonl?"],
    ),
    "file without its data option": (
        f"{MODEL} | data.train=$folder/good.jsonl",
        ["data.train: belongs to data=files; you chose data=village"],
    ),
    "unknown format": (f"{FILES} | data.train=$recipe", [".jsonl, ", ".csv"]),
    "missing column": (
        f"{FILES} | data.train=$folder/articles.jsonl",
        ["no column document; it has article, summary", "data.fields.document="],
    ),
    "unknown field to map": (
        f"{FILES} | data.train=$folder/good.jsonl | data.fields.documnt=article",
        ["data.fields.documnt: summarize has no such field", "Did you mean document?"],
    ),
    "broken line": (
        f"{FILES} | data.train=$folder/broken.jsonl",
        ["$folder/broken.jsonl:3: is no valid JSON", "Repair or remove that line"],
    ),
    "empty rows": (
        f"{FILES} | data.train=$folder/holes.jsonl",
        ["data.train: 5 of 20 rows are unusable: summary is empty (5)", "data.max_skipped_share"],
    ),
    "empty split": (
        f"{FILES} | data.train=$folder/good.jsonl | data.test=$folder/hole.jsonl",
        ["data.test: is an empty split"],
    ),
    "empty file": (
        f"{FILES} | data.train=$folder/empty.jsonl",
        ["data.train: $folder/empty.jsonl is empty"],
    ),
    "same file twice": (
        f"{FILES} | data.train=$folder/good.jsonl | data.test=$folder/good.jsonl",
        ["data.test: $folder/good.jsonl is given as data.train too"],
    ),
    "too few rows to hold out": (
        f"{FILES} | data.train=$folder/two.jsonl",
        ["data.train: has 2 usable rows, too few to hold out validation and test"],
    ),
    # models
    "missing model": ("model.path=$folder/nosuch", ["there is no folder $folder/nosuch"]),
    "misspelt model": ("model.path=$t5/../t55", ["model.path", "Did you mean t5?"]),
    "no model path": ("model=custom", ["model.path: is not set", "model.path=FOLDER_OR_NAME"]),
    "folder that is no model": ("model.path=$folder", ["it has no config.json"]),
    "file for a model": ("model.path=$recipe", ["$recipe is a file", "Give the folder"]),
    "weights of another format": (
        "model.path=$pickled",
        ["only as pytorch_model.bin", "safetensors only", "save_pretrained"],
    ),
    "encoder without a decoder": ("model.path=$bert", ["BertForMaskedLM", "decoder-only one"]),
    "unknown embedded model": ("model.path=tunebook:tiny_t7", ["no model 'tiny_t7'"]),
    "family that the model is not": (
        f"{MODEL} | model.family=decoder-only",
        ["model.family: is decoder-only, but", "is encoder-decoder by its config.json"],
    ),
    "prompt longer than the context": (
        "model.path=$llama | method.num_virtual_tokens=250",
        ["method.num_virtual_tokens=250", "context of 256 tokens"],
    ),
    "answer longer than the context": (
        "model.path=$llama | method=lora | decoding.max_new_tokens=1000",
        ["decoding.max_new_tokens: decoding.max_new_tokens=1000", "context of 256 tokens"],
    ),
    "question longer than the context": (
        "model.path=$llama | task=qa | data=files | data.train=$folder/questions.jsonl",
        ["data.train: 16 of 16 rows do not fit", "although cut"],
    ),
    "quantization without a card": (
        f"{MODEL} | method=lora | model.quantization=4bit | model.device=cpu",
        ["model.quantization: 4bit needs a CUDA card; this run is on cpu"],
    ),
    "attention without a card": (
        f"{MODEL} | model.attention=flash_attention_2 | model.device=cpu",
        ["model.attention: flash_attention_2 needs a CUDA card", "Use sdpa"],
    ),
    "quantization with full": (
        f"{MODEL} | method=full | model.quantization=8bit",
        ["model.quantization: quantized weights cannot be trained", "method=lora"],
    ),
    "checkpointing with prefix": (
        f"{MODEL} | method=prefix | model.gradient_checkpointing=true",
        ["model.gradient_checkpointing: prefix tuning needs the cache", "method=prompt"],
    ),
    # flags and sweeps
    "pickled run": ("--experimental-rerun=x", ["--experimental-rerun", "Use recipe=RUN_FOLDER"]),
    "other configuration": ("--config-name=x", ["is fixed", "./conf", "recipe=PATH"]),
    "unknown flag": ("--nosuch", ["--nosuch: no such flag", "See --help"]),
    "unknown value of a flag": ("--cfg | banana", ["--cfg", "'job'"]),
    "flag that needs another": ("--resolve", ["only go with --cfg"]),
    "wrong option in a sweep": ("-m | method=prompt,lorra", ["method=lorra", "Did you mean lora?"]),
    "wrong value in a sweep": ("-m | seed=0,x", ["seed: expects a whole number, got 'x'"]),
    "sweep over nothing": ("-m | method=glob(zz*)", ["method=glob(zz*): chooses no method"]),
    "sweep over an empty range": ("-m | seed=range(3,0)", ["seed=range(3,0): gives no value"]),
    "sweep over an interval": ("-m | seed=interval(0,3)", ["is an interval", "seed=range(1,3)"]),
    "sweep whose last run is wrong": (
        f"-m | {MODEL} | method=prompt,prefix | model.gradient_checkpointing=true",
        ["prefix tuning needs the cache"],
    ),
    # together
    "five at once": (
        "banana=1 | seed=x | decoding.num_beams=0 | method=lora | method.init=text | task=tranlate",
        ["5 problems", "banana", "seed: ", "num_beams: ", "init belongs to", "mean translate?"],
    ),
    "model and settings at once": (
        "model.path=$folder/nosuch | training.optim=adafacto | task.headline=x | template.text=hi",
        ["4 problems", "there is no folder", "adafactor?", "task.headline", "does not show"],
    ),
}  # fmt: skip

ROWS = [{"document": f"Text number {i}.", "summary": f"Number {i}."} for i in range(20)]
RECIPES = {
    "recipe": "defaults:\n  - override /method: prompt\n  - _self_\nseed: 3\n",
    "broken_recipe": "# Mine\nseed: }3\n",
    "empty_recipe": "",
    "typo_recipe": "expekt: better\n",
    "promt_recipe": "defaults:\n  - override /method: promt\n  - _self_\n",
    "metod_recipe": "defaults:\n  - override /metod: prompt\n  - _self_\n",
    "family_recipe": "method: {by_family: {decoder_only: {}}}\n",
    "default_recipe": "method: {by_family: {decoder-only: {training.learning_rat: 1.0}}}\n",
}


def write_jsonl(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def write_files(folder: Path) -> None:
    write_jsonl(folder / "good.jsonl", ROWS)
    write_jsonl(folder / "two.jsonl", ROWS[:2])
    articles = [{"article": row["document"], "summary": row["summary"]} for row in ROWS]
    write_jsonl(folder / "articles.jsonl", articles)
    holes = [row | {"summary": None} if i % 4 == 0 else row for i, row in enumerate(ROWS)]
    write_jsonl(folder / "holes.jsonl", holes)
    write_jsonl(folder / "hole.jsonl", holes[:1])
    (folder / "empty.jsonl").write_text("")
    lines = (folder / "good.jsonl").read_text().splitlines()
    (folder / "broken.jsonl").write_text("\n".join([*lines[:2], '{"document": "cut', *lines[2:]]))
    question = "Why? " * 300
    asked = [{"context": f"So {i}.", "question": question, "answers": ["So."]} for i in range(20)]
    write_jsonl(folder / "questions.jsonl", asked)


def write_unsuitable_models(folder: Path, t5: Path) -> None:
    (folder / "bert").mkdir()
    config = {"model_type": "bert", "architectures": ["BertForMaskedLM"]}
    (folder / "bert" / "config.json").write_text(json.dumps(config))
    shutil.copytree(t5, folder / "pickled", ignore=shutil.ignore_patterns("*.safetensors"))
    (folder / "pickled" / "pytorch_model.bin").write_bytes(b"not opened")


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, tiny_models: dict[str, Path]
) -> dict[str, str]:
    """Every path that a case may name."""
    folder = tmp_path_factory.mktemp("places")
    write_files(folder)
    write_unsuitable_models(folder, tiny_models["t5"])
    for name, text in RECIPES.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    small = "data.train={0} | data=files | task=summarize | model.path={1} | debug=true"
    return {
        "folder": str(folder),
        "t5": str(tiny_models["t5"]),
        "llama": str(tiny_models["llama"]),
        "bert": str(folder / "bert"),
        "pickled": str(folder / "pickled"),
        "small": small.format(folder / "good.jsonl", tiny_models["t5"]),
        **{name: str(folder / f"{name}.yaml") for name in RECIPES},
    }


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A current folder and caches of its own; no tracker is installed."""
    import datasets

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "mlflow", None)


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """The message for a request that must be refused, all that can be asserted of any asserted."""

    def message(words: list[str]) -> str:
        outputs = tmp_path / "outputs"
        code = answer([*words, f"outputs={outputs}"], one_run, "recipes.run")
        shown, told = capsys.readouterr()
        assert code == 2, shown + told
        assert "Traceback" not in shown + told
        assert len(told.splitlines()) <= 6, told
        assert max(map(len, told.splitlines())) <= LONGEST_LINE, told
        assert not [
            path for path in outputs.rglob("*") if path.is_file() and KEPT not in path.parts
        ]
        return told

    return message


@pytest.mark.parametrize("name", CASES)
def test_a_bad_request_is_refused_clearly(
    name: str, places: dict[str, str], refused: Callable[[list[str]], str]
) -> None:
    typed, expected = CASES[name]
    words = Template(typed).safe_substitute(places).split(" | ")
    told = refused(words)
    for fragment in expected:
        assert Template(fragment).safe_substitute(places) in told, told


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 45


def test_outputs_that_cannot_be_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    for place in (file, file / "below"):
        assert answer([f"outputs={place}"], one_run, "recipes.run") == 2
        shown, told = capsys.readouterr()
        assert shown == ""
        assert f"outputs: {file} is a file, not a folder" in told
    assert file.read_text() == "x"


def test_a_folder_in_use_is_left_alone(
    places: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*places["small"].split(" | "), f"outputs={tmp_path / 'outputs'}"]
    resolved = resolve(compose(*words)).settings
    examples = data.load(resolved.data, task_of(resolved.task), lambda line: None)
    name = fingerprint(resolved, examples.fingerprint, content_of(resolved.model))
    folder = path_of(resolved, name)
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"):
        assert answer(words, one_run, "recipes.run") == 2
    told = capsys.readouterr().err
    assert f"{folder}: another process is running this very run" in told
    assert "seed=1" in told
    assert [path.name for path in folder.iterdir() if path.name != ".lock"] == []


def test_a_card_that_is_not_there(
    places: dict[str, str], refused: Callable[[list[str]], str]
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA card")
    told = refused([f"model.path={places['t5']}", "model.device=cuda"])
    assert "model.device: this machine has no cuda device that torch can use" in told
    assert "Here: cpu" in told


@pytest.mark.parametrize("text", ["a=b", "a, b", "say: (it", 'so "called"', "{{ bare }} = ${x}"])
def test_a_quoted_value_arrives_as_it_stands(text: str) -> None:
    quoted = text.replace('"', '\\"').replace("${", "\\${")
    assert compose(f'task.instruction="{quoted}"').task.instruction == text


def test_spaces_need_no_second_quotes() -> None:
    assert compose("task.instruction=Say it").task.instruction == "Say it"


def test_the_shell_sees_the_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recipes.run", "sed=1"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "tunebook: 1 problem; nothing was run.\n" \
                          "  - sed: no such key. Did you mean seed?\n"  # fmt: skip
    assert not list(tmp_path.iterdir())
