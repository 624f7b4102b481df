"""The key-value cache of a batch whose rows come and go: one row per sequence, written in place.

Every row starts at column 0 and has its own length, so that a sequence can join or leave without moving the others
(padding to the left, the usual way, would shift all of them). Shapes: a layer's keys are (rows, heads, columns, dim).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import Cache, CacheLayerMixin

_COLUMNS = 256  # columns are added in multiples of this


class _SlotLayer(CacheLayerMixin):
    """One layer. Which rows and columns the next update writes is set by `SlotCache` before the model runs."""

    def __init__(self, plan: "_Plan") -> None:
        super().__init__()
        self._plan = plan

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Allocate for the planned size, with the heads and dimensions of the first states seen."""
        rows, columns = self._plan.rows, self._plan.columns
        self.dtype, self.device = key_states.dtype, key_states.device
        self.keys = _zeros(key_states, rows, columns)
        self.values = _zeros(value_states, rows, columns)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new states where the plan says and return all columns that the rows may look at."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        assert self.keys is not None
        assert self.values is not None
        plan = self._plan
        if plan.starts is None:  # a piece of one prompt: (1, heads, piece, dim)
            rows, piece = slice(plan.first, plan.first + 1), slice(plan.seen - key_states.shape[2], plan.seen)
            self.keys[rows, :, piece] = key_states
            self.values[rows, :, piece] = value_states
        else:  # one token per row: (B, heads, 1, dim)
            rows = slice(0, key_states.shape[0])
            index = torch.arange(key_states.shape[0], device=key_states.device)
            self.keys[index, :, plan.starts] = key_states[:, :, 0]
            self.values[index, :, plan.starts] = value_states[:, :, 0]
        return self.keys[rows, :, : plan.seen], self.values[rows, :, : plan.seen]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Columns that the mask covers, and their offset."""
        return self._plan.seen, 0

    def get_seq_length(self) -> int:
        """The columns already filled, as far as a single number can say it."""
        return self._plan.seen

    def get_max_length(self) -> int:
        """No fixed maximum: the cache grows."""
        return -1

    def resize(self, rows: int, columns: int) -> None:
        """Move to tensors of another size; what fits both stays."""
        for name in ("keys", "values"):
            old: torch.Tensor | None = getattr(self, name)
            if old is not None:
                new = _zeros(old, rows, columns)
                kept = old[:rows, :, :columns]
                new[: kept.shape[0], :, : kept.shape[2]] = kept
                setattr(self, name, new)

    def copy(self, source: int, target: int, columns: int) -> None:
        """Copy the beginning of one row over another."""
        if self.keys is not None and self.values is not None:
            self.keys[target, :, :columns] = self.keys[source, :, :columns]
            self.values[target, :, :columns] = self.values[source, :, :columns]


class _Plan:
    """What the next forward pass writes: row `first` up to column `seen`, or one column per row at `starts`."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.first = 0
        self.seen = 0
        self.starts: torch.Tensor | None = None


class SlotCache:
    """Rows of keys and values. `model_cache` is what goes to the model as `past_key_values`.

    `max_cells` bounds rows times columns, `max_rows` the rows.
    """

    def __init__(self, layers: int, max_rows: int, max_cells: int) -> None:
        self._plan = _Plan()
        self._layers = [_SlotLayer(self._plan) for _ in range(layers)]
        self._max_rows, self._max_cells = max_rows, max_cells
        self.model_cache = Cache(layers=list(self._layers))

    def fits(self, rows: int, columns: int) -> bool:
        """Whether `rows` sequences of up to `columns` tokens stay within the bounds; one row always does."""
        return rows == 1 or (rows <= self._max_rows and rows * _round(columns) <= self._max_cells)

    def reserve(self, rows: int, columns: int) -> tuple[int, int]:
        """Make room for `rows` sequences of up to `columns` tokens, which must fit; returns the new bounds.

        Rows and columns beyond the new bounds are lost: there may be fewer of one to make room for the other.
        """
        plan, columns = self._plan, _round(columns)
        if rows > plan.rows or columns > plan.columns:
            plan.columns = max(columns, plan.columns) if self.fits(rows, max(columns, plan.columns)) else columns
            plan.rows = max(rows, min(self._max_rows, self._max_cells // plan.columns))
            for layer in self._layers:
                layer.resize(plan.rows, plan.columns)
        return plan.rows, plan.columns

    def copy(self, source: int, target: int, columns: int) -> None:
        """Copy the first `columns` columns of one row over another."""
        if source != target and columns:
            for layer in self._layers:
                layer.copy(source, target, columns)

    def plan_prompt(self, row: int, start: int, length: int, device: torch.device) -> torch.Tensor:
        """Announce `length` tokens of one row from column `start` on; returns the mask (1, 1, length, columns)."""
        self._plan.first, self._plan.seen, self._plan.starts = row, start + length, None
        positions = torch.arange(start, start + length, device=device)
        columns = torch.arange(start + length, device=device)
        return (columns[None, :] <= positions[:, None])[None, None]

    def plan_step(self, starts: Sequence[int], device: torch.device) -> torch.Tensor:
        """Announce one token for each of the first rows; returns the mask (B, 1, 1, columns)."""
        self._plan.starts = torch.tensor(starts, device=device)
        self._plan.seen = max(starts) + 1
        columns = torch.arange(self._plan.seen, device=device)
        return (columns[None, :] <= self._plan.starts[:, None])[:, None, None]


def _zeros(like: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Zeros with the heads and dimension of `like`. Masked columns must be finite: attention multiplies them by 0.

    On a CPU the memory comes from calloc, so that pages no sequence has written cost nothing.
    """
    shape = (rows, like.shape[1], columns, like.shape[3])
    if like.device.type == "cpu" and like.dtype == torch.float32:
        return torch.from_numpy(np.zeros(shape, dtype=np.float32))
    return like.new_zeros(shape)


def _round(columns: int) -> int:
    return -(-columns // _COLUMNS) * _COLUMNS
