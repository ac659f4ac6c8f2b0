"""Training the method's parameters with the Hugging Face Trainer."""

from tunebook.training.batches import Batches
from tunebook.training.loss import TokenLoss, mean_loss
from tunebook.training.train import Trained, check, train

__all__ = ["Batches", "TokenLoss", "Trained", "check", "mean_loss", "train"]
