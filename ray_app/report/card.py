"""The dataset card (README.md) of an exported dataset: what is known of the run's programs, in Markdown."""

import bisect
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from ray_app.programs import decontaminate
from ray_app.programs.benchmarks import load_benchmark
from ray_app.report import shape
from ray_app.report.diversity import diversity
from ray_app.report.teaching import teaching
from ray_app.store import Dataset, read_file, write_file

_GUARANTEES = """\
Programs were executed in a sandbox; every monologue was checked against the recorded trace, claim by claim.

A forward row guarantees: every statement that the verifier recognises is true at its place in the run, visit by visit;
the state changes that decide the result are told; the answer is the executed call and its result, or the exception that
left it. A backward row guarantees: the witness gives the stated output when run; every constraint holds for all inputs
known to give this output and is false of some other input. A repair row guarantees: the faulty solution fails the test,
the fix passes it and every other known test; the told steps are true of the faulty run, and its first wrong step is
where it first leaves the fixed run.

It does not guarantee that a backward constraint holds for inputs that were not tried (some 70 neighbours were), that
the explanation is the only or the shortest one, or that prose which states nothing checkable is sensible. Benchmarks
named in the recipe were kept out; others were not looked for.

"""
_LANGUAGE_MODEL = " `ask` programs were written by a language model; the licence given is that of the snippet it saw."


def write_cards(root: str, cards: Mapping[str, tuple[str, pa.Schema]], recipe: Mapping[str, Any]) -> None:
    """Write README.md into each of these complete datasets (name -> title and columns) that has none yet."""
    missing = [name for name in cards if read_file(_path(root, name)) is None]
    if not missing:
        return
    programs, told = shape.programs(root), sections(root)
    licenses: dict[str, int] = programs["licenses"] if programs else {}
    for name in missing:
        title, columns = cards[name]
        rows = Dataset(root, name).complete().ledger.rows_out
        write_file(_path(root, name), card(title, name, columns, rows, licenses, recipe, told).encode())


def card(
    title: str,
    name: str,
    columns: pa.Schema,
    rows: int,
    licenses: Collection[str],
    recipe: Mapping[str, Any],
    sections: Sequence[tuple[str, str]] = (),
) -> str:
    """Hugging Face front matter for the Parquet files beside the card, what a row guarantees and what not, the recipe.

    `licenses` are those of the programs; more than one becomes "other" with their names. `sections` are (heading,
    Markdown) pairs with what is known of this run's programs.
    """
    names = sorted(licenses)
    front: dict[str, Any] = {
        "license": names[0].lower() if len(names) == 1 else "other",
        "language": ["en", "code"],
        "task_categories": ["text-generation"],
        "size_categories": [_size_category(rows)],
        "tags": ["synthetic", "code", "execution-traces", "semray"],
        "configs": [
            {"config_name": name, "default": True, "data_files": [{"split": "train", "path": "*.parquet"}]},
        ],
        "dataset_info": {
            "config_name": name,
            "features": [_feature(field) for field in columns],
            "splits": [{"name": "train", "num_examples": rows}],
        },
    }
    if len(names) > 1:
        front["license_name"] = " AND ".join(names)
    header = "\n".join(f"{key}: {json.dumps(value)}" for key, value in front.items())
    return (
        f"---\n{header}\n---\n# {title}\n\n- `{name}`: {rows} rows\n\n{_GUARANTEES}"
        + "".join(f"## {heading}\n\n{text.strip()}\n\n" for heading, text in sections)
        + f"## Recipe\n\n```json\n{json.dumps(recipe, indent=2, default=str)}\n```\n"
    )


def _size_category(rows: int) -> str:
    """Hugging Face's size classes: n<1K, 1K<n<10K, ... n>1T."""
    bounds = ["1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T"]
    limits = [10**power for power in range(3, 13)]
    at = bisect.bisect_right(limits, rows)
    if at == 0:
        return "n<1K"
    return "n>1T" if at == len(bounds) else f"{bounds[at - 1]}<n<{bounds[at]}"


def _feature(field: pa.Field) -> dict[str, Any]:
    if pa.types.is_list(field.type) and pa.types.is_struct(field.type.value_type):
        return {"name": field.name, "list": [_feature(inner) for inner in field.type.value_type]}
    if pa.types.is_struct(field.type):
        return {"name": field.name, "struct": [_feature(inner) for inner in field.type]}
    return {"name": field.name, "dtype": str(field.type)}


def _path(root: str, name: str) -> str:
    return f"{Dataset(root, name).path}/README.md"


def sections(root: str) -> list[tuple[str, str]]:
    """(heading, Markdown) on sources and licences, on decontamination, and on difficulty and diversity."""
    found = [("Sources and licences", _sources(root)), ("Decontamination", _decontamination(root))]
    found += [("Explanations by a language model", text) for text in [_teaching(root)] if text]
    return [*found, ("Difficulty and diversity", _diversity(root))]


def _teaching(root: str) -> str:
    """How a teacher's false and unchecked statements were handled; "" where no teacher explained anything."""
    found = teaching(root)
    if found is None:
        return ""
    kept, edits = found["directions"], found["edits"]
    how = found["settings"]
    facts = "was shown the recorded facts of the run" if how.get("grounding") == "told" else "saw what a reader sees"
    fate = "kept as they were" if how.get("unchecked") == "keep" else "cut"
    return (
        f"{_listed(found['authors']) or 'No'} rows were written by a language model, which {facts}. Every statement "
        "that the verifier recognises was held against the recorded run. False statements were sent back once, then "
        f"put right from the record ({edits.get('corrected', 0)}) or cut ({edits.get('cut', 0)}); the rows of the "
        f"dataset `explained` hold each such edit. Statements that could not be checked were {fate}: "
        f"{found['verdicts'].get('unchecked', 0)} are left beside {found['verdicts'].get('true', 0)} that were found "
        "true, and sentences in which the verifier recognises nothing are not counted in either. Texts with a wrong "
        "answer, or that no longer explained it, were refused.\n\n"
        + _table(
            ("direction", "kept as written", "kept after edits", "refused"),
            [(each["direction"], each["untouched"], each["edited"], each["refused"]) for each in kept],
        )
    )


def _sources(root: str) -> str:
    programs = shape.programs(root)
    if programs is None:
        return "No programs."
    licenses = _table(("licence of the program", "programs"), programs["licenses"].items())
    return (
        f"{programs['count']} programs: {_listed(programs['sources'])}. `mine`: functions and methods of real code; "
        f"`grow`: a typed generator.{_LANGUAGE_MODEL if 'ask' in programs['sources'] else ''}\n\n{licenses}"
    )


def _decontamination(root: str) -> str:
    dataset = Dataset(root, "programs")
    plan, ledger = dataset.plan(), dataset.complete().ledger
    paths = plan.config.get("benchmarks", []) if plan else []
    if not paths:
        return "No benchmark files were given, so nothing was looked for: programs may solve benchmark problems."
    benchmarks = [load_benchmark(path) for path in paths]
    duplicates = sum(count for reason, count in ledger.rejects.items() if reason == "near-duplicate")
    found = decontaminate.report(benchmarks, ledger.rows_in - duplicates, dataset.rejects())
    return (
        f"Every one of {found.checked} programs was compared with the problems of these files by runs of words, by "
        f"normalised code and by behaviour (does it pass a problem's tests?); {found.refused} were refused"
        f"{': ' + _listed(dict(found.by_reason)) if found.refused else ''}"
        f"{' (' + _listed(dict(found.by_benchmark)) + ')' if found.refused else ''}. Paraphrased descriptions of other "
        "programs for the same idea, and programs that take other kinds of arguments, would not be found.\n\n"
        + _table(("file", "problems", "sha256"), [(name, count, sha256) for name, sha256, count in found.files])
    )


def _diversity(root: str) -> str:
    found = diversity(root)
    if found is None:
        return "No executed programs."
    rows = [
        (
            each["source"],
            each["programs"],
            each["pairs"],
            each["trace_lengths"]["median"] if each["trace_lengths"] else "",
            each["lines"]["median"],
            max(each["branch_depth"], key=int),
            f"{each['method_coverage']:.0%}",
            f"{each['line_coverage']:.1%}",
            f"{each['branch_coverage']:.1%}",
            each["ast_entropy_bits"],
        )
        for each in found["sources"]
    ]
    names = ("source", "programs", "calls", "median trace events", "median lines", "deepest nesting")
    names += ("built-in methods used", "lines reached", "branch outcomes reached", "entropy of syntax nodes, bits")
    return f"Over {found['read']} of {found['programs']} executed programs.\n\n{_table(names, rows)}"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _table(names: tuple[str, ...], rows: Any) -> str:
    lines = [names, tuple("---" for _ in names), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
