"""A trained model for each method and family, made once: a few steps at a high learning rate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recipes import compose
from tunebook import folders
from tunebook.methods import options_of
from tunebook.pipeline import steps
from tunebook.pipeline.steps import EncodedSplits, Plan
from tunebook.settings import Settings
from tunebook.settings.written import files_of, read_option


def options_in(group: str) -> dict[str, dict[str, Any]]:
    """What the files of each option say, those that they build on included."""
    found = {}
    for name in folders.options(group):
        files = [read_option(file, group) for file in reversed(files_of(group, name))]
        found[name] = {key: value for file in files for key, value in file.items()}
    return found


METHOD = options_in("method")
METHODS = [name for name, one in METHOD.items() if options_of(one["kind"]).trains]
WITH_VIRTUAL_TOKENS = [name for name, one in METHOD.items() if "num_virtual_tokens" in one]
EMBEDDED = "tunebook:"
FAMILIES = [
    name for name, one in options_in("model").items() if str(one.get("path")).startswith(EMBEDDED)
]
RATES = {"prompt": 0.3, "p_tuning": 0.02, "prefix": 0.05, "lora": 0.02, "full": 0.003}
"""Where it is not the highest that is usual."""
STEPS = 12


DATA = ("task=summarize", "data=village", "data.limit.train=96", "data.limit.validation=16",
        "data.limit.test=8")  # fmt: skip


def words_for(method: str, model: str, data: Sequence[str] = DATA) -> list[str]:
    """A short training on an embedded base that really moves the method's parameters."""
    more = ["method.num_virtual_tokens=5"] if method in WITH_VIRTUAL_TOKENS else []
    rate = RATES.get(method) or METHOD[method]["usual_learning_rate"][1]
    return [
        *data, f"method={method}", f"model={model}", f"training.max_steps={STEPS}",
        "training.eval_steps=4", "training.optim=adamw_torch", "training.batch_size=8",
        f"training.learning_rate={rate}", "decoding.max_new_tokens=8", *more,
    ]  # fmt: skip


@dataclass
class TrainedModel:
    """What the tests look at, of one method on one family."""

    method: str
    family: str
    settings: Settings
    plan: Plan
    base: Any
    model: Any
    splits: EncodedSplits
    folder: Path
    counted: tuple[int, int]
    start: dict[str, Any]

    @property
    def is_decoder_only(self) -> bool:
        """Whether the base continues a text, instead of answering one that it has encoded."""
        return self.base.facts.family == "decoder-only"


def train_one(settings: Settings, method: str, family: str, folder: Path) -> TrainedModel:
    """The steps of a run up to the trained model, and its saved adapter."""
    from tunebook import report
    from tunebook.pipeline import saving
    from tunebook.training import train
    from tunebook.training.state import trainable

    plan = steps.plan(settings, lambda _: None)
    examples = steps.load_data(plan)
    base = steps.untried_base(plan)
    splits = steps.encode(plan, examples, base)
    model = steps.attach(plan, base)
    counted = report.count_parameters(model)
    start = trainable(model)
    folder.mkdir(parents=True)
    train(
        model,
        base,
        splits.train,
        splits.validation,
        plan.settings,
        folder,
        lambda _: None,
        quiet=True,
    )
    saving.save_adapter(folder, model, base)
    model.eval()
    return TrainedModel(
        method, family, plan.settings, plan, base, model, splits, folder, counted, start
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], TrainedModel]:
    """The trained model of a method and family; each is made when it is first asked for."""
    made: dict[tuple[str, str], TrainedModel] = {}

    def get(method: str, family: str) -> TrainedModel:
        if (method, family) not in made:
            folder = tmp_path_factory.mktemp("trained") / f"{method}-{family}"
            settings = compose(*words_for(method, family))
            made[method, family] = train_one(settings, method, family, folder)
        return made[method, family]

    return get
