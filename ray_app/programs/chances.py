"""How likely each template of the grammar is to be drawn: the less its built-ins were used so far, the likelier."""

import itertools
import random
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Mapping

from ray_app.programs.grammar import Template

_STRING_WEIGHT = 2.0
_REFRESH_EVERY = 8


class Chances:
    """Draws templates and counts what became of them. `weights` multiply how often a built-in is used.

    The likelihoods follow the counts with a delay of a few programs, so that they need not be summed up for each.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._weights = weights
        self._used: Counter[str] = Counter()
        self._cumulated: dict[int, list[float]] = {}
        self._programs = 0

    def count(self, features: Iterable[str]) -> None:
        """Takes note of the built-ins of a program that was accepted."""
        self._used.update(features)
        self._programs += 1
        if self._programs % _REFRESH_EVERY == 0:
            self._cumulated.clear()

    def draw(self, templates: tuple[Template, ...], rng: random.Random) -> Template:
        """One of these templates, which must outlive this object: they are known by their identity."""
        sums = self._cumulated.get(id(templates))
        if sums is None:
            sums = self._cumulated[id(templates)] = list(itertools.accumulate(map(self._weight, templates)))
        return templates[bisect(sums, rng.random() * sums[-1], hi=len(sums) - 1)]

    def _weight(self, template: Template) -> float:
        """High for built-ins that earlier programs used little; the rarest one of a template decides."""
        weight = _STRING_WEIGHT if template.features[0].startswith("str.") else 1.0
        for feature in template.features:
            weight *= self._weights.get(feature, 1.0)
        return weight / (1 + min(self._used[feature] for feature in template.features)) ** 0.5
