"""What a teacher's explanations came to: kept as they were, edited, refused; and what was found in the kept ones."""

from collections import Counter
from typing import Any

from ray_app.report.stages import reasons
from ray_app.store import Dataset


def teaching(root: str) -> dict[str, Any] | None:
    """Counts over the explanations of a run; None where no teacher was asked for any.

    `verdicts` are those of the statements in kept explanations. `settings`: how the teacher was asked.
    """
    dataset = Dataset(root, "explained")
    plan, manifest = dataset.plan(), dataset.manifest()
    if plan is None or manifest is None:
        return None
    kept, untouched, edited = Counter[str](), Counter[str](), Counter[str]()
    authors, kinds, verdicts = Counter[str](), Counter[str](), Counter[str]()
    for table in dataset.columns("direction", "author", "edits.list.element.kind", "claims.list.element.verdict"):
        for entry in table.to_pylist():
            kept[entry["direction"]] += 1
            authors[entry["author"]] += 1
            (edited if entry["edits"] else untouched)[entry["direction"]] += 1
            kinds.update(edit["kind"] for edit in entry["edits"])
            verdicts.update(claim["verdict"] for claim in entry["claims"])
    refused = _by_direction(manifest.ledger.rejects)
    return {
        "authors": dict(authors.most_common()),
        "directions": [
            {
                "direction": direction,
                "kept": kept[direction],
                "untouched": untouched[direction],
                "edited": edited[direction],
                "refused": sum(refused.get(direction, {}).values()),
                "reasons": reasons(refused.get(direction, {})),
            }
            for direction in sorted({*kept, *refused}, reverse=True)
        ],
        "edits": dict(kinds.most_common()),
        "verdicts": dict(verdicts.most_common()),
        "settings": {name: plan.config.get("explain", {}).get(name, "") for name in ("grounding", "unchecked")},
    }


def _by_direction(rejects: Any) -> dict[str, dict[str, int]]:
    """Refusals by direction and reason: a reason begins with its direction."""
    found: dict[str, dict[str, int]] = {}
    for text, count in rejects.items():
        direction, _, reason = text.partition(": ")
        found.setdefault(direction, {})[reason] = count
    return found
