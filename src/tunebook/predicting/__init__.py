"""New text through finished runs.

from tunebook.predicting import MixedPredictor, Predictor

predictor = Predictor.open("outputs/summarize/tiny_t5/prompt/default-0123456789")
predictor.predict([{"document": "Mia walked to the mill and bought flour."}])

predictor = MixedPredictor.open([first_run, second_run])
predictor.answer_all([{"source": "She sings."}])          # every row by every run
predictor.answer_each(rows, labels)                        # each row by its own run

One frozen base serves many soft prompts: a batch may hold rows of different tasks, prompts and
prompt lengths, and each row gets exactly what it would get alone. PEFT ignores `adapter_names` for
prompt methods without a word. Importing this loads no torch; opening runs does.
"""

from tunebook.predicting.files import predict_file
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.labels import read_runs
from tunebook.predicting.mixed_predictor import MixedPredictor
from tunebook.predicting.predictor import Prediction, Predictor

__all__ = ["FinishedRun", "MixedPredictor", "Prediction", "Predictor", "predict_file", "read_runs"]
