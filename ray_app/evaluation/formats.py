"""Files in the official forms: EvalPlus samples and results, CRUXEval generations and scores; our verdict rows."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ray_app.errors import InputError
from ray_app.evaluation import prompts
from ray_app.evaluation.differential import statuses
from ray_app.evaluation.items import Benchmark
from ray_app.evaluation.metrics import by_problem, official_list, summarise
from ray_app.evaluation.sources import unpacked
from ray_app.evaluation.verdicts import Verdict
from ray_app.records import Score
from ray_app.store import write_file


@dataclass(frozen=True, slots=True)
class Samples:
    """Generations read from a file, as ungraded rows; ids of the file unknown to the benchmark, and ids it lacks."""

    rows: tuple[Score, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]


def read_samples(path: Path, benchmark: Benchmark, model: str = "") -> Samples:
    """EvalPlus samples.jsonl[.gz] (`task_id` with `solution` or `completion`) or LiveCodeBench's array
    ([{"question_id", "code_list"}]) for code; {id: [answer, ...]} as CRUXEval's generations.json for the rest, and for
    contests as APPS writes it.

    InputError, with the line or id, for a row without an id or answer, an id twice in one object, an id without any
    generation, a file without any, or one in which no id belongs to the benchmark.
    """
    text = unpacked(path).decode("utf-8", "replace")
    if not text.strip():
        raise InputError(f"{path} is empty: no samples to grade")
    code = any(item.task == "code" for item in benchmark.items)
    if code and text.lstrip().startswith("["):
        answers = _read_code_lists(path, text)
    elif code and benchmark.items[0].tests and "task_id" not in text.lstrip().partition("\n")[0]:
        answers = _read_generations(path, text)
    else:
        answers = _read_jsonl(path, text, benchmark) if code else _read_generations(path, text)
    items = {item.id for item in benchmark.items}
    unknown = tuple(key for key in answers if key not in items)
    if len(unknown) == len(answers):
        raise InputError(
            f"{path}: no id belongs to {benchmark.name}"
            f" (the file has {unknown[0]!r}, the benchmark {benchmark.items[0].id!r}); choose the matching --benchmark"
        )
    rows = tuple(
        Score(benchmark.name, key, number, model, "", "", answer, None, None, "ungraded")
        for key, given in answers.items()
        if key in items
        for number, answer in enumerate(given)
    )
    missing = tuple(item.id for item in benchmark.items if item.id not in answers)
    return Samples(rows, unknown, missing)


def _read_jsonl(path: Path, text: str, benchmark: Benchmark) -> dict[str, list[str]]:
    prompts = {item.id: item.code for item in benchmark.items}
    answers: dict[str, list[str]] = defaultdict(list)
    numbered: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        row = _json(where, line)
        if not isinstance(row, dict) or not isinstance(row.get("task_id"), str | int):
            raise InputError(f"{where}: no task_id; a row is {{'task_id': ..., 'solution' or 'completion': ...}}")
        key = _known_id(row["task_id"], prompts)
        if "sample" in row and (first := numbered.setdefault((key, str(row["sample"])), number)) != number:
            raise InputError(f"{where}: sample {row['sample']} of {key} is already in line {first}; give each once")
        answers[key].append(_answer(where, row, prompts.get(key, "")))
    return answers


def _read_code_lists(path: Path, text: str) -> dict[str, list[str]]:
    """LiveCodeBench's form; problems of a file come in any order, each once."""
    rows = _json(str(path), text)
    answers: dict[str, list[str]] = {}
    for number, row in enumerate(rows, 1):
        where = f"{path}, element {number}"
        if not isinstance(row, dict) or "question_id" not in row or not isinstance(row.get("code_list"), list):
            raise InputError(f"{where}: expected {{'question_id': ..., 'code_list': [program, ...]}}")
        key = str(row["question_id"])
        if key in answers or not row["code_list"]:
            raise InputError(f"{where}: {key} {'is there twice' if key in answers else 'has an empty code_list'}")
        answers[key] = [str(program) for program in row["code_list"]]
    return answers


def _known_id(given: str | int, prompts: Mapping[str, str]) -> str:
    """The id; MBPP's own numbers are written as EvalPlus writes them."""
    key = str(given)
    return f"Mbpp/{key}" if key not in prompts and f"Mbpp/{key}" in prompts else key


def _answer(where: str, row: dict[str, Any], prompt: str) -> str:
    for field, prefix in (("solution", ""), ("completion", prompt)):
        if field in row:
            if not isinstance(row[field], str):
                raise InputError(
                    f"{where}: {field} of {row['task_id']} is not text; repeat the task_id for more samples"
                )
            return prefix + row[field] if row[field].strip() else ""
    raise InputError(f"{where}: {row['task_id']} has neither solution nor completion")


def _read_generations(path: Path, text: str) -> dict[str, list[str]]:
    given = _json(str(path), text)
    if not isinstance(given, dict):
        raise InputError(f"{path}: expected an object {{id: [generation, ...]}}, found {type(given).__name__}")
    for key, answers in given.items():
        if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
            raise InputError(f"{path}: {key} must be a list of texts")
        if not answers:
            raise InputError(f"{path}: {key} has no generations; leave the id out, or give at least one")
    if not given:
        raise InputError(f"{path} holds no generations")
    return given


def _json(where: str, text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        if repeated:
            raise InputError(f"{where}: duplicate id {', '.join(repeated[:3])}; give each id once")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=unique)
    except ValueError as error:
        raise InputError(f"{where}: not JSON ({error})") from error


def write_verdicts(path: Path, rows: Iterable[Score]) -> None:
    """One JSON line per graded row: id, sample, official, strict, status, reason. Written at once, or not at all."""
    lines = (
        {
            "id": r.item_id,
            "sample": r.sample,
            "official": r.official,
            "strict": r.strict,
            "status": r.status,
            "reason": r.reason,
        }
        for r in rows
    )
    write_file(str(path), "".join(json.dumps(line) + "\n" for line in lines).encode())


def read_verdicts(path: Path) -> list[Score]:
    """The rows that `write_verdicts` wrote, without the texts; InputError, with the line, for anything else."""
    rows: list[Score] = []
    for number, line in enumerate(unpacked(path).decode("utf-8", "replace").splitlines(), 1):
        where = f"{path}, line {number}"
        row = _json(where, line)
        if not isinstance(row, dict) or not {"id", "sample", "official", "strict", "status"} <= row.keys():
            raise InputError(f"{where}: not a verdict row; give a file that `semray grade` wrote")
        rows.append(Score("", row["id"], row["sample"], "", "", "", "", row["official"], row["strict"], row["status"]))
    if not rows:
        raise InputError(f"{path} holds no verdicts")
    return rows


def official_files(benchmark: Benchmark, rows: Sequence[Score]) -> dict[str, str]:
    """Answers and verdicts in the official forms, by file name; none for tasks that have no official form.

    Programs: samples.jsonl as `evalplus.evaluate` reads it, and what it writes; of contests, what LiveCodeBench reads
    as custom output. Predictions: CRUXEval's
    generations.json, and the scored file.
    """
    tasks = {item.task for item in benchmark.items}
    if any(item.tests for item in benchmark.items):
        return {"code_lists.json": code_lists(benchmark, rows)}
    if tasks == {"code"}:
        return {
            "samples.jsonl": evalplus_samples(benchmark, rows),
            "samples_eval_results.json": evalplus_results(benchmark, rows),
        }
    if tasks <= {"output", "input"}:
        return {"generations.json": json.dumps(_generations(benchmark, rows)), "scored.json": scored(benchmark, rows)}
    return {}


def code_lists(benchmark: Benchmark, rows: Iterable[Score]) -> str:
    """LiveCodeBench's form for programs that its own grader shall judge (`custom_evaluator`)."""
    return json.dumps(
        [{"question_id": key, "code_list": given} for key, given in _generations(benchmark, rows).items()]
    )


def evalplus_samples(benchmark: Benchmark, rows: Iterable[Score]) -> str:
    """samples.jsonl with whole programs."""
    return "".join(
        json.dumps({"task_id": key, "solution": answer}) + "\n"
        for key, given in _generations(benchmark, rows).items()
        for answer in given
    )


def evalplus_results(benchmark: Benchmark, rows: Iterable[Score]) -> str:
    """*_eval_results.json, with the data set's hash; failed inputs and samples without a verdict are not listed."""
    items = {item.id: item for item in benchmark.items}
    graded: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.official is None:
            continue
        base, plus = statuses(Verdict(row.official, row.strict, row.status))
        graded[row.item_id].append(
            {
                "task_id": row.item_id,
                "solution": prompts.answer_of(items[row.item_id], row),
                "base_status": base,
                "plus_status": plus,
                "base_fail_tests": [],
                "plus_fail_tests": [],
            }
        )
    date = datetime.now().strftime("%Y-%m-%d %H:%M")
    return json.dumps({"date": date, "hash": benchmark.md5, "eval": graded})


def scored(benchmark: Benchmark, rows: Sequence[Score]) -> str:
    """CRUXEval's scored file: generations, verdicts (less those that the official scorer drops), pass@1, pass@5."""
    official = summarise(rows, (1, 5)).official
    found = {
        "raw_generations": _generations(benchmark, rows),
        "raw_scored_generations": {key: official_list(group) for key, group in by_problem(rows).items()},
        **{f"pass_at_{k}": 100 * estimate.mean for k, estimate in official.items()},
    }
    return json.dumps(found)


def _generations(benchmark: Benchmark, rows: Iterable[Score]) -> dict[str, list[str]]:
    """The answers of each item, as the official graders read them."""
    items = {item.id: item for item in benchmark.items}
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        found[row.item_id].append(prompts.answer_of(items[row.item_id], row))
    return dict(found)
