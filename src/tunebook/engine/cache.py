"""Caches that rows can leave and join: keys and values in room reserved for tokens to come.

transformers' DynamicLayer copies all keys and values for every token, and cannot give up a row
without copying the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, DynamicLayer

Pair = tuple[torch.Tensor, torch.Tensor]
"""Keys and values: (rows, heads, length, width of a head)."""


class RoomyLayer(DynamicLayer):
    """Writes new keys and values behind the old ones, up to `room` positions in all.

    What counts are the positions from `start` to `filled`.
    """

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.start, self.filled = room, 0, 0

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Reserve the room, filled with zeros: what is masked must be a number all the same."""
        self.dtype, self.device = key_states.dtype, key_states.device
        self._stores = [
            one.new_zeros(*one.shape[:2], self.room, one.shape[3])
            for one in (key_states, value_states)
        ]
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> Pair:
        """All keys and values, these included; as many rows as there still are."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        rows, behind = len(key_states), self.filled
        self.filled = end = behind + key_states.shape[2]
        for store, new in zip(self._stores, (key_states, value_states), strict=True):
            store[:rows, :, behind:end] = new
        self.keys, self.values = (store[:rows, :, self.start : end] for store in self._stores)
        return self.keys, self.values

    def get_seq_length(self) -> int:
        """Positions that count."""
        return self.filled - self.start

    def take_in(self, other: RoomyLayer, behind: int) -> None:
        """Rows of `other` behind the first `behind` rows, their last positions on one line."""
        start = self.filled - other.filled
        for store, new in zip(self._stores, other._stores, strict=True):
            rows = slice(behind, behind + len(new))
            store[rows, :, start : self.filled] = new[:, :, : other.filled]

    def move(self, to: list[int], rows: list[int]) -> None:
        """Copy `rows` over the rows `to`."""
        for store in self._stores:
            store[to, :, self.start : self.filled] = store[rows, :, self.start : self.filled]

    def make_room(self) -> None:
        """Move what counts to the front of the room."""
        for store in self._stores:
            store[:, :, : self.get_seq_length()] = store[:, :, self.start : self.filled].clone()
        self.start, self.filled = 0, self.get_seq_length()


def roomy(layers: int, room: int, start: Sequence[Pair] = ()) -> DynamicCache:
    """A cache with `room` positions a row, of which `start` fills the first ones."""
    made = [RoomyLayer(room) for _ in range(layers)]
    for layer, (keys, values) in zip(made, start, strict=False):
        layer.update(keys, values)
    cache = DynamicCache()
    cache.layers = list(made)
    return cache


def move_rows(cache: DynamicCache, to: list[int], rows: list[int], left: int) -> None:
    """Copy `rows` over the rows `to`, in place; after that only the first `left` rows count."""
    layers: list[Any] = cache.layers
    for layer in layers:
        if isinstance(layer, RoomyLayer):
            layer.move(to, rows)
        elif layer.is_initialized:
            for tensor in (layer.keys, layer.values):
                tensor[to] = tensor[rows]
            layer.keys, layer.values = layer.keys[:left], layer.values[:left]
