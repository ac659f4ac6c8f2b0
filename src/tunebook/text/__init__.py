"""Examples as token ids: rendered, cut where too long, kept in flat arrays or made when drawn."""

from tunebook.models.special_tokens import speaking
from tunebook.text.encoding import Encoder, Room
from tunebook.text.rows import EncodedRows, Rows, encode_rows, rows_to_train_on

__all__ = ["EncodedRows", "Encoder", "Room", "Rows", "encode_rows", "rows_to_train_on", "speaking"]
