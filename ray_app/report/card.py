"""The dataset card (README.md) of an exported dataset: what is known of the run's programs, in Markdown."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from ray_app import mixture
from ray_app.programs import decontaminate
from ray_app.programs.benchmarks import load_benchmark
from ray_app.report import shape
from ray_app.report.diversity import diversity
from ray_app.store import Dataset, read_file, write_file

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
        part = mixture.Part(name, "*.parquet", columns, Dataset(root, name).complete().ledger.rows_out)
        write_file(_path(root, name), mixture.dataset_card(title, [part], licenses, recipe, told).encode())


def _path(root: str, name: str) -> str:
    return f"{Dataset(root, name).path}/README.md"


def sections(root: str) -> list[tuple[str, str]]:
    """(heading, Markdown) on sources and licences, on decontamination, and on difficulty and diversity."""
    found = [("Sources and licences", _sources(root)), ("Decontamination", _decontamination(root))]
    return [*found, ("Difficulty and diversity", _diversity(root))]


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
