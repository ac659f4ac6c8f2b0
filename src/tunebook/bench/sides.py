"""The adapter as this project builds it, and as PEFT's documentation does."""

from __future__ import annotations

from typing import Any

from tunebook import methods
from tunebook.bench.material import start_alike
from tunebook.bench.settings import Request
from tunebook.engine.labelled import select_where_wanted
from tunebook.engine.matmul import ONEDNN, choose_matmul, use_onednn
from tunebook.models.base import Base
from tunebook.schema import (
    DataSettings,
    DecodingSettings,
    MethodSettings,
    ModelSettings,
    Settings,
    TaskSettings,
    TemplateSettings,
    TrainingSettings,
)

RATES = {"prompt": 3e-2, "prefix": 5e-3, "lora": 2e-4}


def our_model(request: Request, base: Base) -> Any:
    """`base.model` with the method of this project."""
    if request.model is None:
        select_where_wanted(base.model)
    if our_matmul(request, base) == ONEDNN:
        use_onednn(base.model)
    model = methods.attach(base, settings_for(request), lambda _: None)
    start_alike(model)
    return model


def our_matmul(request: Request, base: Base) -> str:
    """What multiplies the matrices of this project's side."""
    return choose_matmul(request.bench.matmul, base.device, base.dtype)[0]


def stock_model(request: Request, base: Base) -> Any:
    """`base.model` with the same method, by get_peft_model alone."""
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model

    seq2seq = base.facts.family == "encoder-decoder"
    task = "SEQ_2_SEQ_LM" if seq2seq else "CAUSAL_LM"
    virtual = request.bench.virtual
    config: Any
    if request.method == "lora":
        config = LoraConfig(task_type=task, r=8, lora_alpha=16, target_modules="all-linear")
    elif request.method == "prefix":
        config = PrefixTuningConfig(task_type=task, num_virtual_tokens=virtual)
    else:
        config = PromptTuningConfig(task_type=task, num_virtual_tokens=virtual)
    model = get_peft_model(base.model, config)
    start_alike(model)
    return model


def settings_for(request: Request) -> Settings:
    """Settings of this project that train as asked for: no validation but one at the end."""
    bench = request.bench
    steps = bench.warmup + bench.steps
    return Settings(
        task=TaskSettings(name="bench", kind="summarize", headline="rouge1"),
        data=DataSettings(name="bench", source="files"),
        model=ModelSettings(name=request.name),
        method=_method(request),
        template=TemplateSettings(name="bench", text=""),
        training=TrainingSettings(
            learning_rate=RATES[request.method], optim="adamw_torch", lr_scheduler_type="linear",
            weight_decay=0.0, batch_size=bench.batch, max_steps=steps, eval_steps=steps,
            logging_steps=steps, keep_best=False,
            arguments={"eval_strategy": "no", "save_strategy": "no", "eval_on_start": False,
                       "train_sampling_strategy": "sequential"},
        ),
        decoding=DecodingSettings(
            max_new_tokens=bench.new_tokens, batch_size=bench.decoding_batch
        ),
    )  # fmt: skip


def _method(request: Request) -> MethodSettings:
    options: Any = methods.options_of(request.method)
    if request.method == "lora":
        return options(name="lora", kind="lora")
    virtual = request.bench.virtual
    return options(
        name=request.method, kind=request.method, num_virtual_tokens=virtual, init="random"
    )
