"""Training the method's parameters with the Hugging Face Trainer."""

from tunebook.training.collator import Collator
from tunebook.training.loss import TokenLoss, TokenLosses, mean_loss, token_losses
from tunebook.training.train import Trained, check, train

__all__ = [
    "Collator",
    "TokenLoss",
    "TokenLosses",
    "Trained",
    "check",
    "mean_loss",
    "token_losses",
    "train",
]
