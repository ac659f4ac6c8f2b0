"""What a model is, from its files alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tunebook.errors import RequestError
from tunebook.models import weights
from tunebook.models.facts import content_of, facts_of
from tunebook.schema import ModelSettings

STORIES = Path(__file__).parents[3] / "shared" / "models" / "stories260K" / "hf"

# family, architecture, context, decoder layers, heads, key-value heads, sliding window
FACTS = {
    "t5": ("encoder-decoder", "T5ForConditionalGeneration", None, 3, 4, 4, None),
    "mt5": ("encoder-decoder", "MT5ForConditionalGeneration", None, 3, 4, 4, None),
    "bart": ("encoder-decoder", "BartForConditionalGeneration", 96, 2, 4, 4, None),
    "gpt2": ("decoder-only", "GPT2LMHeadModel", 64, 2, 4, 4, None),
    "bloom": ("decoder-only", "BloomForCausalLM", None, 2, 4, 4, None),
    "llama": ("decoder-only", "LlamaForCausalLM", 128, 2, 4, 2, None),
    "qwen3": ("decoder-only", "Qwen3ForCausalLM", 128, 2, 4, 2, None),
    "mistral": ("decoder-only", "MistralForCausalLM", 128, 2, 4, 2, 16),
    "gemma": ("decoder-only", "GemmaForCausalLM", 128, 2, 4, 1, None),
    "gemma2": ("decoder-only", "Gemma2ForCausalLM", 128, 2, 4, 2, 16),
}


def settings(path, **changes):
    return ModelSettings(name="it", path=None if path is None else str(path), **changes)


@pytest.mark.parametrize("name", FACTS)
def test_facts_of_an_architecture(name, built):
    facts = facts_of(settings(built(name)))
    shown = (facts.family, facts.architecture, facts.context, facts.layers, facts.heads,
             facts.kv_heads, facts.sliding_window)  # fmt: skip
    assert shown == FACTS[name]
    assert (facts.hidden, facts.vocabulary, facts.model_type) == (32, 320, name)
    assert facts.folder == built(name)
    assert facts.commit is None


@pytest.mark.parametrize("name", ["gpt2", "t5", "qwen3"])
def test_parameters_are_those_of_the_loaded_model(name, built):
    import transformers

    model = getattr(transformers, FACTS[name][1]).from_pretrained(built(name))
    stored = facts_of(settings(built(name))).parameters
    assert stored == sum(p.numel() for p in model.parameters())


def test_facts_take_neither_torch_nor_transformers(built):
    code = (
        "import sys; from tunebook.schema import ModelSettings as S;"
        "from tunebook.models.facts import facts_of, content_of;"
        f"s = S(name='it', path={str(built('gpt2'))!r}); content_of(s, facts_of(s));"
        "import tunebook.models.base, tunebook.models.device;"
        "print([m for m in ('torch', 'transformers', 'huggingface_hub') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def _change(folder, **values):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | values))


@pytest.mark.parametrize(
    ("name", "change", "family"),
    [
        ("bart", {"architectures": ["BartModel"]}, "encoder-decoder"),  # as facebook/bart-base
        ("llama", {"architectures": None}, "decoder-only"),
        ("t5", {"architectures": None}, "encoder-decoder"),
        ("bert", {"architectures": ["BertLMHeadModel"], "is_decoder": True}, "decoder-only"),
        ("llama", {"auto_map": {"AutoModelForCausalLM": "mine.Mine"}}, "decoder-only"),
    ],
)
def test_family_where_the_config_is_unusual(name, change, family, copied):
    folder = copied(name)
    _change(folder, **change)
    assert facts_of(settings(folder)).family == family


def test_a_composed_config_is_read_in_its_text_part(copied):
    folder = copied("gemma2")
    config = json.loads((folder / "config.json").read_text())
    outer = {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]}
    (folder / "config.json").write_text(json.dumps(outer | {"text_config": config}))
    facts = facts_of(settings(folder))
    assert (facts.family, facts.context, facts.hidden) == ("decoder-only", 128, 32)


def test_sliding_window_that_is_switched_off(copied):
    folder = copied("mistral")
    _change(folder, use_sliding_window=False)
    assert facts_of(settings(folder)).sliding_window is None


def _text(name, text):
    return lambda folder: (folder / name).write_text(text)


def _drop(*patterns):
    return lambda folder: [f.unlink() for p in patterns for f in folder.glob(p)]


def _only_bin(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def _lost_shard(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _adapter(folder):
    (folder / "config.json").unlink()
    base = {"base_model_name_or_path": "org/the-base"}
    (folder / "adapter_config.json").write_text(json.dumps(base))


def _run_folder(folder):
    (folder / "config.json").unlink()
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "b"}')


def _pipe(name):
    return lambda folder: [(folder / name).unlink(), os.mkfifo(folder / name)]


def _link(name):
    return lambda folder: [(folder / name).unlink(), (folder / name).symlink_to("nowhere")]


def _header(text):
    content = len(text).to_bytes(8, "little") + text + b"\0" * 8
    return lambda folder: (folder / "model.safetensors").write_bytes(content)


def _index(names):
    text = json.dumps({"weight_map": names})
    write = _text("model.safetensors.index.json", text)
    return lambda folder: [_drop("*.safetensors")(folder), write(folder)]


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
BROKEN = {
    "no config": (_drop("config.json"), "has no config.json"),
    "broken config": (
        _text("config.json", '{"model_type": '),
        "config.json is no valid JSON: Expecting value",
    ),
    "config not keys": (_text("config.json", "[1]"), "config.json holds a list, not an object"),
    "deep config": (_text("config.json", '{"a":' * 9999 + "1" + "}" * 9999), "is nested more than"),
    "huge number": (_text("config.json", '{"a": ' + "9" * 9999 + "}"), "a number of 9,999 digits"),
    "half a character": (_text("config.json", '{"a": "\\ud800"}'), "holds half a character"),
    "millions of layers": (lambda f: _change(f, n_layer=10**7), "speaks of 10,000,000 n_layer"),
    "layers in a part": (
        lambda f: _change(f, encoder={"num_layers": 10**7}), "speaks of 10,000,000 num_layers"),
    "more layers than tensors": (
        lambda f: _change(f, n_layer=9000), "9,000 layers, the weights have 28 tensors"),
    "no layers": (lambda f: _change(f, n_layer=0), "says n_layer=0, of which no model"),
    "not a number": (lambda f: _change(f, scale=float("nan")), "says scale=nan, of which no model"),
    "weights of its own": (
        lambda f: _change(f, transformers_weights="other.safetensors"), "names weights of its own"),
    "config is a pipe": (_pipe("config.json"), "has no config.json"),
    "weights are a pipe": (_pipe("model.safetensors"), "model.safetensors is no file"),
    "weights lead nowhere": (_link("model.safetensors"), "holds no weights"),
    "deep header": (_header(b'{"a":' * 9999), "no safetensors file, or is cut off: invalid JSON"),
    "header of text": (_header(b'"a"'), "no safetensors file, or is cut off: invalid JSON"),
    "negative place": (
        _header(b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 4]}}'), "integer `-4`"),
    "huge shape": (
        _header(b'{"a": {"dtype": "F32", "shape": [%s], "data_offsets": [0, 4]}}' % (b"9" * 99)),
        "no safetensors file"),
    "place behind the end": (
        _header(b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}'),
        "is cut off: incomplete metadata"),
    "length of the header": (
        lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}"), "header too large"),
    "index of numbers": (_index({"a": 3}), "is no index of safetensors files"),
    "index that leads away": (_index({"a": "../x.safetensors"}), "is no index of safetensors"),
    "deep index": (
        lambda f: [_drop("*.safetensors")(f),
                   _text("model.safetensors.index.json", "[" * 9999)(f)], "is nested more than"),
    "broken generation config": (
        _text("generation_config.json", "{"), "generation_config.json is no valid JSON"),
    "generation config of text": (_text("generation_config.json", '"a"'), "holds a text, not an"),
    "broken tokenizer config": (
        _text("tokenizer_config.json", "[]"), "tokenizer_config.json holds a list"),
    "adapter beside the model": (
        _text("adapter_config.json", "{}"), "holds an adapter beside its model (adapter_config."),
    "no model_type": (_text("config.json", "{}"), "without model_type"),
    "unknown type": (_text("config.json", '{"model_type": "mine"}'), "not built into transformers"),
    "remote code": (
        _text("config.json", '{"model_type": "mine", "auto_map": {}}'),
        "needs code from its own repository",
    ),
    "classifier": (
        lambda f: _change(f, architectures=["GPT2ForSequenceClassification"]),
        "is a GPT2ForSequenceClassification, which neither",
    ),
    "vision": (_text("config.json", '{"model_type": "vit"}'), "is a vit, which neither"),
    "encoder": (
        lambda f: _change(f, architectures=["BertModel"], model_type="bert"),
        "is a BertModel, which neither",
    ),
    "speech": (
        lambda f: _change(f, architectures=["WhisperForConditionalGeneration"],
                          model_type="whisper"),
        "is a speech model",
    ),
    "only bin": (_only_bin, "only as pytorch_model.bin; Tunebook reads safetensors only"),
    "no weights": (_drop("*.safetensors"), "holds no weights"),
    "lost shard": (_lost_shard, "model-00001-of-00002.safetensors is missing"),
    "broken index": (
        lambda f: [_drop("*.safetensors")(f), _text("model.safetensors.index.json", "[]")(f)],
        "is no index of safetensors files",
    ),
    "cut weights": (_cut, "is cut off: "),
    "no header": (_text("model.safetensors", "hello, these are no weights"), "no safetensors file"),
    "empty weights": (_text("model.safetensors", ""), "no safetensors file"),
    "LFS pointer": (_text("model.safetensors", LFS), "Git LFS pointer"),
    "no tokenizer": (_drop("tokenizer*"), "has no tokenizer"),
    "adapter": (_adapter, "is a PEFT adapter, not a model. Its base model is org/the-base"),
    "run folder": (_run_folder, "is a PEFT adapter, not a model. Its base model is b"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_folder_that_is_no_model(case, copied):
    break_it, message = BROKEN[case]
    folder = copied("gpt2")
    break_it(folder)
    with pytest.raises(RequestError) as raised:
        facts_of(settings(folder))
    assert [problem.where for problem in raised.value.problems] == ["model.path"]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_masked_language_model_is_refused(built):
    with pytest.raises(RequestError, match="is a BertForMaskedLM, which neither"):
        facts_of(settings(built("bert")))


def test_every_problem_of_a_folder_is_told_at_once(copied):
    folder = copied("gpt2")
    _drop("tokenizer*", "*.safetensors")(folder)
    with pytest.raises(RequestError) as raised:
        facts_of(settings(folder, family="encoder-decoder"))
    wheres = [problem.where for problem in raised.value.problems]
    assert wheres == ["model.family", "model.path", "model.path"]
    assert "is encoder-decoder, but" in str(raised.value)


PATHS = {
    None: "is not set. Give a local folder or a hub name: model.path=",
    "tunebook:tiny_x5": "Tunebook has no model 'tiny_x5'",
    "./no/such": "there is no folder ./no/such",
    "a/b/c": "there is no folder a/b/c",
    "two words": "there is no folder two words",
    "x" * 300: "",
    __file__: "is a file. Give the folder of the model",
}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_leads_nowhere(path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(RequestError) as raised:
        facts_of(settings(path))
    assert PATHS[path] in str(raised.value)
    assert raised.value.problems[0].where == "model.path"


def test_a_mistyped_folder_gets_a_guess(built):
    with pytest.raises(RequestError, match=f"Did you mean {built('gpt2').name}?"):
        facts_of(settings(str(built("gpt2")) + "x"))


def test_embedded_names_are_guessed(monkeypatch, tmp_path, built):
    monkeypatch.setattr("tunebook.models.facts.EMBEDDED", built("gpt2").parent)
    name = built("gpt2").name
    assert facts_of(settings(f"tunebook:{name}")).family == "decoder-only"
    with pytest.raises(RequestError, match=f"Did you mean {name}?"):
        facts_of(settings(f"tunebook:{name}x"))


def test_content_is_that_of_the_files_wherever_they_lie(built, copied):
    original, copy = content_of(settings(built("gpt2"))), copied("gpt2")
    (copy / "README.md").write_text("not content")
    assert content_of(settings(copy)) == original
    assert len(original) == 64


@pytest.mark.parametrize("name", [
    "chat_template.jinja", "source.spm", "bpe.codes", "vocab-src.json",
    "additional_chat_templates/tool_use.jinja",
])  # fmt: skip
def test_content_is_all_that_may_be_read(name, built, copied):
    copy = copied("gpt2")
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_text("{}")
    assert content_of(settings(copy)) != content_of(settings(built("gpt2")))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_content_changes_with_each_file(name, built, copied):
    copy = copied("gpt2")
    data = bytearray((copy / name).read_bytes())
    data[-2:] = b" }" if name.endswith("json") else b"\x01\x02"
    (copy / name).write_bytes(data)
    assert content_of(settings(copy)) != content_of(settings(built("gpt2")))


def test_large_weights_are_sampled_from_start_to_end(tmp_path):
    file = tmp_path / "big"
    with file.open("wb") as stream:
        stream.truncate(200 * weights.BLOCK + 17)
        stream.seek(-1, 2)
        stream.write(b"!")
    blocks = list(weights._sampled(file))
    assert len(blocks) == 64
    assert blocks[-1][-1:] == b"!"


def test_weights_up_to_64_blocks_are_read_whole(tmp_path):
    file = tmp_path / "small"
    data = bytes(i % 251 for i in range(3 * weights.BLOCK // 2))
    file.write_bytes(data)
    first, last = weights._sampled(file)
    assert first == data[: weights.BLOCK]
    assert last == data[-weights.BLOCK :]


def test_n_positions_of_t5_is_no_limit(built):
    config = json.loads((built("t5") / "config.json").read_text())
    assert config["n_positions"] == 512
    assert facts_of(settings(built("t5"))).context is None


@pytest.mark.skipif(not STORIES.exists(), reason="no ../shared here")
def test_a_real_pretrained_model():
    facts = facts_of(settings(STORIES))
    assert (facts.family, facts.context, facts.vocabulary) == ("decoder-only", 512, 512)
    assert (facts.layers, facts.heads, facts.kv_heads) == (5, 8, 4)
    assert facts.parameters == 260_032
