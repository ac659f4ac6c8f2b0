"""Metrics are found by looking at the folder, cheaply."""

import subprocess
import sys

import pytest

from tunebook.metrics import available, higher_is_better, keys
from tunebook.metrics.scoring import metric_class

SHIPPED = {
    "bleu": ("bleu",),
    "chrf": ("chrf",),
    "distinct": ("distinct1", "distinct2"),
    "rouge": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "squad": ("exact_match", "f1"),
    "token_f1": ("token_f1",),
}


def test_metrics_and_their_keys_are_found() -> None:
    assert {name: keys(name) for name in available()}.items() >= SHIPPED.items()


def test_only_loss_and_perplexity_are_better_lower() -> None:
    assert [key for key in ("loss", "perplexity", "rougeL", "bleu") if higher_is_better(key)] == [
        "rougeL",
        "bleu",
    ]
    with pytest.raises(ValueError, match=r"'rougel'\. Did you mean rougeL"):
        higher_is_better("rougel")


def test_import_and_catalogue_need_neither_evaluate_nor_torch() -> None:
    code = (
        "import sys, tunebook.metrics as m; m.available(); m.higher_is_better('rougeL');"
        "print({'evaluate', 'torch', 'numpy', 'scipy', 'sacrebleu'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", available())
def test_each_metric_gives_exactly_the_keys_that_it_declares(name: str) -> None:
    found = metric_class(name)().measure(["a b"], [["a c"]])
    assert tuple(found) == keys(name)
    assert [result.key for result in found.values()] == list(found)
