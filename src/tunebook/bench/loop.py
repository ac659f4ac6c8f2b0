"""The rival: a few lines of plain transformers and PEFT, by someone who knows where time goes.

No Trainer. A decoder-only model's prompt is computed once a batch and its keys and values are
expanded to the rows, logits are made at labelled columns alone (`logits_to_keep`), and texts are
generated behind the prompt's keys and values, as PEFT's prefix, from rows sorted by length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from peft import PrefixTuningConfig, get_peft_model, initialize_kv_prefix_from_past_key_values
from transformers import DynamicCache, get_linear_schedule_with_warmup

from tunebook.engine import IGNORED, padded


def loss_of(model: Any, batch: dict[str, Any], *, shares_prompt: bool) -> torch.Tensor:
    """Mean cross-entropy over the labels of a batch, whose columns are padded on the right.

    shares_prompt: `model` is PEFT's prompt tuning over a decoder-only model.
    """
    if model.config.is_encoder_decoder:
        return model(**batch).loss
    ids, mask, labels = batch["input_ids"], batch["attention_mask"], batch["labels"]
    columns = (labels != IGNORED).any(dim=0).nonzero()[:, 0] - 1
    inputs = {"input_ids": ids, "attention_mask": mask, "logits_to_keep": columns}
    if shares_prompt:
        inputs |= _behind_prompt(model, mask)
        model = model.get_base_model()
    logits = model(**inputs).logits
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), labels[:, columns + 1].flatten(), ignore_index=IGNORED
    )


def _behind_prompt(model: Any, mask: torch.Tensor) -> dict[str, Any]:
    cache = prompt_cache(model)
    for layer in cache.layers:
        layer.keys = layer.keys.expand(len(mask), -1, -1, -1)
        layer.values = layer.values.expand(len(mask), -1, -1, -1)
    seen = mask.new_ones(len(mask), cache.get_seq_length())
    return {"past_key_values": cache, "attention_mask": torch.cat([seen, mask], dim=1)}


def prompt_cache(model: Any) -> Any:
    """Keys and values of the prompt of `model`, one row, with their gradient."""
    base, prompt = model.get_base_model(), model.prompt_encoder.default.embedding.weight
    vectors = prompt[None].to(base.dtype)
    return base.base_model(
        inputs_embeds=vectors, past_key_values=DynamicCache(), use_cache=True
    ).past_key_values


def steps(
    model: Any,
    batches: Sequence[dict[str, Any]],
    rate: float,
    loss_of: Callable[[dict[str, Any]], torch.Tensor],
) -> Iterator[torch.Tensor]:
    """Train a step on each of `batches` and yield its loss: AdamW, linear decay to nothing."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    schedule = get_linear_schedule_with_warmup(optimizer, 0, len(batches))
    for batch in batches:
        loss = loss_of(batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        yield loss.detach()


def batch_of(rows: Sequence[dict[str, list[int]]], device: str) -> dict[str, torch.Tensor]:
    """Rows of input_ids, attention_mask and labels as one batch, padded on the right."""
    fill = {"input_ids": 0, "attention_mask": 0, "labels": IGNORED}
    return {key: padded([row[key] for row in rows], fill[key]).to(device) for key in fill}


@torch.no_grad()
def as_prefix(model: Any) -> Any:
    """PEFT's prompt tuning over a decoder-only model as PEFT's prefix tuning: the same answers."""
    pairs = [(layer.keys, layer.values) for layer in prompt_cache(model.eval()).layers]
    virtual = model.active_peft_config.num_virtual_tokens
    config = PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=virtual)
    prefixed = get_peft_model(model.get_base_model(), config)
    initialize_kv_prefix_from_past_key_values(prefixed, past_key_values=pairs)
    return prefixed
