"""Rows of different runs in one batch.

One frozen base serves many soft prompts: a batch may hold rows of different tasks, prompts and
prompt lengths, and each row gets exactly what it would get alone. PEFT ignores `adapter_names` for
prompt methods without a word.

from tunebook.predicting.mixed import MixedPredictor

predictor = MixedPredictor.open([first_run, second_run])
predictor.answer_all([{"source": "She sings."}])          # every row by every run
predictor.answer_each(rows, labels)                        # each row by its own run

Importing this loads no torch; opening runs does.
"""

from tunebook.predicting.mixed.files import predict_mixed_file
from tunebook.predicting.mixed.labels import read_runs
from tunebook.predicting.mixed.predictor import MixedPredictor

__all__ = ["MixedPredictor", "predict_mixed_file", "read_runs"]
