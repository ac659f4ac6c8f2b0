"""Examples as token ids: rendered, cut where they are too long, and kept in flat arrays."""

from tunebook.text.encoding import Encoder, Room
from tunebook.text.rows import EncodedRows, encode_rows

__all__ = ["EncodedRows", "Encoder", "Room", "encode_rows"]
