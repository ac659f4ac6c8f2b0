"""The pretraining loop: build the base, learn from the mixture, write the folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch.nn import functional

from tunebook.pretraining import vocabulary
from tunebook.pretraining.batches import IGNORED, Batch, batches, rounded
from tunebook.pretraining.folder import write
from tunebook.pretraining.settings import PretrainingSettings

LOG_EVERY = 50
SAVE_EVERY_SECONDS = 300.0


@dataclass
class Clock:
    """How far a run has come, by steps or by time."""

    settings: PretrainingSettings
    started: float = field(default_factory=time.process_time)
    step: int = 0
    tokens: int = 0

    def seconds(self) -> float:
        """Time of work a thread, whatever else the machine was doing."""
        return (time.process_time() - self.started) / self.settings.threads

    def progress(self) -> float:
        """From 0 to 1; by steps alone if they are given."""
        if self.settings.steps:
            return min(1.0, self.step / self.settings.steps)
        return min(1.0, self.seconds() / (60 * self.settings.minutes))


def pretrain(
    settings: PretrainingSettings, output: Path, say: Callable[[str], None] = print
) -> None:
    """Make a base and write it to `output`: weights, tokenizer, settings, log and card."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    tokenizer = vocabulary.train(settings.vocabulary, settings.encoder_decoder)
    model = build(settings, tokenizer)
    count = sum(parameter.numel() for parameter in model.parameters())
    say(f"{settings.model}: {count:,} parameters, {tokenizer.get_vocab_size()} tokens")
    clock = Clock(settings)
    log: list[dict[str, float]] = []
    saved = 0.0
    for entry in learn(model, tokenizer, settings, clock):
        log.append(entry)
        say(json.dumps(entry))
        if clock.seconds() - saved > SAVE_EVERY_SECONDS:
            saved = clock.seconds()
            write(output, model, tokenizer, settings, log)
    write(output, model, tokenizer, settings, log)
    say(f"written to {output}")


def build(settings: PretrainingSettings, tokenizer: Tokenizer) -> Any:
    """A freshly initialised T5 or Llama of the settings' shape."""
    model = _t5(settings) if settings.encoder_decoder else _llama(settings)
    model.set_attn_implementation("eager")  # faster than sdpa at this width on a CPU
    return model


def _t5(settings: PretrainingSettings) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    config = T5Config(
        vocab_size=settings.vocabulary,
        d_model=settings.width,
        d_ff=settings.inner,
        d_kv=settings.width // settings.heads,
        num_heads=settings.heads,
        num_layers=settings.layers,
        num_decoder_layers=settings.decoder_layers,
        dropout_rate=0.0,
        pad_token_id=0,
        eos_token_id=1,
    )
    config.decoder_start_token_id = 0
    return T5ForConditionalGeneration(config)


def _llama(settings: PretrainingSettings) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=settings.vocabulary,
        hidden_size=settings.width,
        intermediate_size=settings.inner,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=2,
    )
    model = LlamaForCausalLM(config)
    if settings.spread != config.initializer_range:
        _spread_embeddings(model, settings)
    return model


def _spread_embeddings(model: Any, settings: PretrainingSettings) -> None:
    """Wider embeddings, and an output scaled down to match, as T5 has them."""
    torch.nn.init.normal_(model.model.embed_tokens.weight, std=settings.spread)
    gain = min(1.0, settings.width**-0.5 / settings.spread)
    torch.nn.init.constant_(model.model.norm.weight, gain)


def learn(
    model: Any, tokenizer: Tokenizer, settings: PretrainingSettings, clock: Clock
) -> Iterator[dict[str, float]]:
    """Train until the clock has run out; yields what is logged."""
    optimizers = _optimizers(model, settings)
    stream = batches(tokenizer, settings, clock.progress, "train")
    losses: list[float] = []
    model.train()
    while clock.progress() < 1:
        losses.append(_step(model, next(stream), optimizers, clock))
        clock.step += 1
        if clock.step % LOG_EVERY == 0 or clock.progress() >= 1:
            yield _entry(clock, losses[-LOG_EVERY:])


def _entry(clock: Clock, losses: list[float]) -> dict[str, float]:
    return {
        "step": clock.step,
        "loss": round(sum(losses) / len(losses), 4),
        "learning_rate_share": round(_schedule(clock), 4),
        "tokens": clock.tokens,
        "seconds": round(clock.seconds(), 1),
    }


def _optimizers(model: Any, settings: PretrainingSettings) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices (Jordan et al. 2024), AdamW for embeddings, biases and gains."""
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        inner = parameter.ndim == 2 and "embed" not in name and "shared" not in name
        (matrices if inner and "bias" not in name else others).append(parameter)
    rates = settings.matrix_learning_rate, settings.embedding_learning_rate
    muon = torch.optim.Muon(matrices, rates[0], weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(others, rates[1], betas=(0.9, 0.98), weight_decay=0.0)
    for group in (*muon.param_groups, *adam.param_groups):
        group["peak"] = group["lr"]
    return [muon, adam]


def _schedule(clock: Clock) -> float:
    """Linear warm-up, then straight down to nothing."""
    done, warmup = clock.progress(), clock.settings.warmup
    return done / warmup + 0.01 if done < warmup else max(0.0, (1 - done) / (1 - warmup))


def _step(model: Any, batch: Batch, optimizers: list[torch.optim.Optimizer], clock: Clock) -> float:
    share = _schedule(clock)
    for group in (group for optimizer in optimizers for group in optimizer.param_groups):
        group["lr"] = group["peak"] * share
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(clock.settings.bfloat16)):
        loss = batch_loss(model, batch, clock.settings)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    clock.tokens += batch.tokens
    return loss.item()


def batch_loss(model: Any, batch: Batch, settings: PretrainingSettings) -> torch.Tensor:
    """Weighted mean cross-entropy, with a random prompt in front of some batches."""
    embedded = model.get_input_embeddings()(batch.ids)
    prompt = random_prompt(model.get_input_embeddings().weight, len(batch.ids), settings)
    length = prompt.shape[1]
    mask = torch.cat([torch.ones(len(batch.ids), length, dtype=torch.long), batch.mask], dim=1)
    inputs = torch.cat([prompt, embedded], dim=1)
    if settings.encoder_decoder:
        hidden = _decoded(model, inputs, mask, batch.labels)
        return _weighted(model.lm_head, hidden, batch.labels, batch.weights)
    hidden = model.model(inputs_embeds=inputs, attention_mask=mask).last_hidden_state
    return _weighted(model.lm_head, hidden[:, length:-1], batch.labels[:, 1:], batch.weights[:, 1:])


def _decoded(
    model: Any, inputs: torch.Tensor, mask: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """The decoder's last hidden states, scaled as T5 scales them before its tied output layer."""
    source = model.encoder(inputs_embeds=inputs, attention_mask=mask).last_hidden_state
    previous = labels[:, :-1].clamp(min=0)
    start = torch.zeros(len(labels), 1, dtype=torch.long)
    hidden = model.decoder(
        input_ids=torch.cat([start, previous], dim=1),
        encoder_hidden_states=source,
        encoder_attention_mask=mask,
    ).last_hidden_state
    return hidden * model.config.d_model**-0.5


def _weighted(
    output_layer: Any, hidden: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Padding never reaches the output layer, the dearest of all."""
    kept = (labels.flatten() != IGNORED).nonzero().squeeze(1)
    spare = rounded(len(kept), 256) - len(kept)
    rows = functional.pad(kept, (0, spare), value=int(kept[0]))
    shares = functional.pad(weights.flatten()[kept], (0, spare))
    logits = output_layer(hidden.flatten(0, 1)[rows])
    losses = functional.cross_entropy(logits.float(), labels.flatten()[rows], reduction="none")
    return (losses * shares).sum() / shares.sum()


def random_prompt(
    embeddings: torch.Tensor, rows: int, settings: PretrainingSettings
) -> torch.Tensor:
    """Meaningless vectors to stand in front: [rows, 0 to longest_prompt, width].

    They are random tokens' embeddings, blurred, and carry no gradient; short ones are frequent.
    """
    if torch.rand(()) >= settings.prompted:
        return embeddings.new_zeros(rows, 0, embeddings.shape[1])
    length = 1 + int(float(torch.rand(())) ** 2 * settings.longest_prompt)
    length = rounded(length) if length > 8 else length
    with torch.no_grad():
        tokens = embeddings[torch.randint(len(embeddings), (rows, length))]
        noise = torch.randn_like(tokens) * embeddings.std() * torch.rand(())
        return tokens * torch.rand(()) * 1.5 + noise
