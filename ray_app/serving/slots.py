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
        rows = slice(plan.first, plan.first + key_states.shape[0])
        index = torch.arange(rows.start, rows.stop, device=key_states.device)[:, None]
        self.keys[index, :, plan.columns_written] = key_states.transpose(1, 2)
        self.values[index, :, plan.columns_written] = value_states.transpose(1, 2)
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
    """What the next forward pass writes: `columns_written` (B, T) of the rows from `first` on; it sees up to `seen`."""

    def __init__(self) -> None:
        self.rows = 0
        self.columns = 0
        self.first = 0
        self.seen = 0
        self.columns_written = torch.empty(0, dtype=torch.long)


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

    def plan_prompts(self, first: int, starts: Sequence[int], length: int, device: torch.device) -> torch.Tensor:
        """Announce `length` tokens for each row from `first` on, from its start; the mask (B, 1, length, columns)."""
        plan = self._plan
        plan.first, plan.seen = first, max(starts) + length
        plan.columns_written = torch.tensor(starts, device=device)[:, None] + torch.arange(length, device=device)
        columns = torch.arange(plan.seen, device=device)
        return (columns <= plan.columns_written[:, :, None])[:, None]

    def plan_step(self, starts: Sequence[int], device: torch.device) -> torch.Tensor:
        """Announce one token for each of the first rows; returns the mask (B, 1, 1, columns)."""
        return self.plan_prompts(0, starts, 1, device)


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
