"""Metrics: offline subclasses of `evaluate.Metric`, one file each.

    from tunebook.metrics import score
    score(["rouge"], predictions, references, intervals=["rougeL"]).values["rougeL"]

To add a metric, add a file with a `HIGHER_IS_BETTER` table and one subclass of
`tunebook.metrics.metric.Metric`. All values are on a scale from 0 to 100.
Importing this package imports neither evaluate nor numpy.
"""

from tunebook.metrics.catalogue import available, higher_is_better, keys
from tunebook.metrics.scoring import Scores, score

__all__ = ["Scores", "available", "higher_is_better", "keys", "score"]
