"""New text through a finished run.

from tunebook.predicting import Predictor

predictor = Predictor.open("outputs/summarize/tiny_t5/prompt/default-0123456789")
predictor.predict([{"document": "Mia walked to the mill and bought flour."}])

Importing this loads no torch; `Predictor.open` does.
"""

from tunebook.predicting.files import predict_file
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.predictor import Prediction, Predictor

__all__ = ["FinishedRun", "Prediction", "Predictor", "predict_file"]
