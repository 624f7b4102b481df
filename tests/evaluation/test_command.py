import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ray_app.cli import app


def grade(data: Path, samples: Path, out: Path, benchmark: str, *more: str) -> Result:
    arguments = ["--benchmark", benchmark, "--samples", str(samples), "--data", str(data), "--out", str(out), *more]
    return CliRunner().invoke(app, ["grade", *arguments])


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_grade_writes_verdicts_and_prints_both_pass_rates(data: Path, tmp_path: Path) -> None:
    samples = write(
        tmp_path / "g.json", {"sample_0": ["4 or [(4, 1), (4, 1), (4, 1), (4, 1), (2, 3), (2, 3)]", "f(1)"]}
    )
    official = tmp_path / "official"
    result = grade(data, samples, tmp_path / "v.jsonl", "cruxeval_output", "--partial", "--official", str(official))
    assert result.exit_code == 0, result.output
    assert json.loads((official / "generations.json").read_text()) == json.loads(samples.read_text())
    assert json.loads((official / "scored.json").read_text())["raw_scored_generations"] == {"sample_0": [True, False]}
    report = json.loads(result.stdout)
    assert (report["official_pass@1"], report["strict_pass@1"]) == (0.5, 0.0)
    assert report["data"]["version"] == "cruxeval-190faf16"
    assert report["environment"]["python"]
    rows = [json.loads(line) for line in (tmp_path / "v.jsonl").read_text().splitlines()]
    assert [(row["id"], row["sample"], row["official"], row["strict"]) for row in rows] == [
        ("sample_0", 0, True, False),
        ("sample_0", 1, False, False),
    ]


def test_grade_of_an_incomplete_file_says_so_and_exits_1(data: Path, tmp_path: Path) -> None:
    samples = write(tmp_path / "g.json", {"sample_0": ["1"], "sample_9999": ["1"]})
    result = grade(data, samples, tmp_path / "v.jsonl", "cruxeval_output")
    assert result.exit_code == 1
    assert "799 problems of cruxeval_output have no sample" in result.stderr
    assert "1 ids are not in cruxeval_output and were skipped: sample_9999" in result.stderr
    assert json.loads(result.stdout)["missing"] == 799


def test_grade_missing_folder_file_and_benchmark_are_one_line_errors(data: Path, tmp_path: Path) -> None:
    samples = write(tmp_path / "g.json", {"sample_0": ["1"]})
    (tmp_path / "empty").mkdir()
    for folder, name, message in (
        (tmp_path / "nowhere", "cruxeval_output", "does not exist"),
        (tmp_path / "empty", "cruxeval_output", "no file for benchmark cruxeval_output"),
        (data, "humanevil", "no benchmark 'humanevil'"),
    ):
        result = grade(folder, samples, tmp_path / "v.jsonl", name)
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "v.jsonl").exists()


def test_grade_another_version_is_refused_unless_wanted(data: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copy(data / "cruxeval" / "cruxeval.jsonl", tmp_path / "data")
    changed = tmp_path / "data" / "cruxeval.jsonl"
    changed.chmod(0o644)
    changed.write_text("".join(changed.read_text().splitlines(keepends=True)[:3]))
    samples = write(tmp_path / "g.json", {f"sample_{i}": ["1"] for i in range(3)})
    result = grade(tmp_path / "data", samples, tmp_path / "v.jsonl", "cruxeval_output")
    assert result.exit_code == 1
    assert "not a known version of cruxeval_output" in result.stderr
    result = grade(tmp_path / "data", samples, tmp_path / "v.jsonl", "cruxeval_output", "--any-version")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["data"]["version"] == "unpinned"


def test_grade_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cruxeval.jsonl").write_text('{"id": "sample_0", "code": ""}\n')
    samples = write(tmp_path / "g.json", {"sample_0": ["1"]})
    result = grade(tmp_path, samples, tmp_path / "v.jsonl", "cruxeval_output", "--any-version")
    assert result.exit_code == 1
    assert "no input, output" in result.stderr


def verdicts(path: Path, rows: list[tuple[str, bool]]) -> str:
    lines = [{"id": key, "sample": 0, "official": right, "strict": right, "status": "x"} for key, right in rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def test_compare_pairs_two_runs_and_names_what_each_won(tmp_path: Path) -> None:
    left = verdicts(tmp_path / "a.jsonl", [("x", True), ("y", True), ("z", False), ("only-left", True)])
    right = verdicts(tmp_path / "b.jsonl", [("x", True), ("y", False), ("z", False)])
    result = CliRunner().invoke(app, ["compare", left, right])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["strict"]
    assert (found["problems"], found["only_left"], found["only_right"], found["ties"]) == (3, ["y"], [], 2)
    assert found["left_minus_right"]["mean"] == pytest.approx(1 / 3)
    assert found["right_pass@1"]["mean"] == pytest.approx(1 / 3)


def test_compare_of_what_are_no_verdicts_is_a_one_line_error(tmp_path: Path) -> None:
    good = verdicts(tmp_path / "a.jsonl", [("x", True)])
    other = verdicts(tmp_path / "b.jsonl", [("y", True)])
    samples = tmp_path / "samples.jsonl"
    samples.write_text('{"task_id": "x", "solution": "y"}\n')
    for right, message in ((str(samples), "line 1: not a verdict row"), (other, "no graded problem in common")):
        result = CliRunner().invoke(app, ["compare", good, right])
        assert result.exit_code == 1
        assert message in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["output", "input"])
def test_grade_codellama_generations_agree_with_all_official_verdicts(data: Path, tmp_path: Path, mode: str) -> None:
    official = data / "cruxeval" / "official_samples"
    stem = f"codellama-7b_temp0.2_{mode}"
    result = grade(data, official / f"{stem}_generations.json", tmp_path / "v.jsonl", f"cruxeval_{mode}")
    assert result.exit_code == 0, result.output
    scored = json.loads((official / f"{stem}_scored.json").read_text())
    found: dict[str, list[bool]] = {}
    for line in (tmp_path / "v.jsonl").read_text().splitlines():
        row = json.loads(line)
        found.setdefault(row["id"], []).append(row["official"])
    assert found == scored["raw_scored_generations"]
    report = json.loads(result.stdout)
    assert report["official_pass@1"] * 100 == pytest.approx(scored["pass_at_1"])
    assert report["official"]["pass@5"]["mean"] * 100 == pytest.approx(scored["pass_at_5"])
