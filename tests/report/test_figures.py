import json

import pytest

from ray_app.errors import StoreError
from ray_app.records import Program
from ray_app.report import stages
from ray_app.report.diversity import diversity
from ray_app.report.figures import figures
from ray_app.store import Dataset, Ledger, Plan, write_file
from tests.report.run import programs, write, write_run


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return str(write_run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def found(root):
    return figures(root)


def stage(found, name):
    return next(row for row in found["stages"] if row["name"] == name)


def test_figures_are_plain_json(found):
    assert json.loads(json.dumps(found)) == found


def test_figures_ledger_equals_the_manifests(root, found):
    for name in stages.STAGES:
        manifest = Dataset(root, name).manifest()
        row = stage(found, name)
        if manifest is None:
            assert row["status"] == "missing"
            continue
        assert (row["rows_in"], row["rows_out"]) == (manifest.ledger.rows_in, manifest.ledger.rows_out)
        assert {r["reason"]: r["count"] for r in row["rejects"]} == dict(manifest.ledger.rejects)
        assert row["cpu_s"] == manifest.ledger.cpu_s
    assert found["totals"]["cpu_s"] == pytest.approx(3 * 1.5 + 0.5 + 20 + 2)
    assert found["totals"]["tokens_out"] == 600
    assert found["totals"]["usd"] == pytest.approx(0.75)


def test_figures_funnel_follows_programs_from_candidates_to_monologues(found):
    counts = {step["key"]: step["count"] for step in found["funnel"]}
    assert counts == {"considered": 49, "found": 40, "selected": 36, "executed": 36, "fit": 33, "verified": 30}
    kept = [step["kept"] for step in found["funnel"]]
    assert kept == [None, 40 / 49, 36 / 40, 1.0, 33 / 36, 30 / 33]
    assert found["funnel"][2]["lost"] == [{"reason": "duplicate", "count": 4}]
    assert found["funnel"][1]["parts"] == {"mined": 14, "grown": 13, "asked": 13}


def test_figures_executions_count_calls_values_and_traces(found):
    executions = found["executions"]
    assert executions["statuses"] == {"ok": 33, "exception": 33}
    assert executions["values"] == {"parsed": 33, "counts": {"int": 33}}
    assert (executions["trace_events"]["n"], executions["trace_events"]["median"]) == (33, 10)
    assert list(executions["environments"].values()) == [33]


def test_figures_programs_count_sources_difficulty_and_constructs(found):
    counted = found["programs"]
    assert counted["count"] == 36 == sum(counted["sources"].values()) == sum(r["count"] for r in counted["difficulty"])
    assert counted["constructs"]["counts"]["for loop"] == counted["constructs"]["parsed"] == 36
    assert "while loop" not in counted["constructs"]["counts"]


def test_figures_claims_count_the_false_ones(found):
    claims = found["monologues"]["claims"]
    assert (claims["count"], claims["hold"]) == (90, 89)
    assert {row["kind"]: (row["count"], row["hold"]) for row in claims["kinds"]} == {
        "value": (60, 59),
        "return": (30, 30),
    }


def test_figures_samples_measure_responses_and_splits(found):
    (task,) = found["samples"]["tasks"]
    assert (task["task"], task["count"], task["train"], task["held_out"]) == ("forward", 30, 24, 6)
    assert found["samples"]["unit"] == "characters"
    assert task["response"]["min"] == len("reply 0" * 9)


def test_figures_training_leaves_out_a_torn_line_and_splits_tasks(found):
    (run,) = found["training"]
    assert (run["name"], run["steps"], run["tokens"], run["tokens_per_s"]) == ("demo", 24, 24 * 900, 310.5)
    assert list(run["curves"]) == ["all", "forward"]
    assert [step for step, _ in run["curves"]["all"]["eval"]] == [12, 24]
    assert run["curves"]["forward"]["train"][0] == [1, pytest.approx(2.55)]


def test_figures_settings_are_those_of_the_plans(found):
    assert found["settings"]["training"]["max_steps"] == 24
    assert stage(found, "training")["kept_share"] is None


def test_figures_partial_run_says_what_is_missing(tmp_path):
    write(tmp_path, Program, "mined", programs(3))
    found = figures(str(tmp_path))
    names = {entry["name"] for entry in found["missing"]}
    assert names == set(stages.STAGES) - {"mined"}
    assert found["scores"] is None
    assert found["executions"] is None
    assert [step["key"] for step in found["funnel"]] == ["considered", "found"]


def test_figures_unfinished_stage_counts_its_finished_shards(tmp_path):
    dataset = Dataset(str(tmp_path), "programs")
    dataset.begin(Plan({}, {}, {}))
    dataset.write_shard(0, Program, programs(2), [], Ledger(rows_in=5, rows_out=2))
    row = stage(figures(str(tmp_path)), "programs")
    assert (row["status"], row["shards"], row["rows_in"], row["rows_out"]) == ("unfinished", 1, 5, 2)


def test_figures_empty_root_names_it(tmp_path):
    with pytest.raises(StoreError, match=r"holds no run.*give the --root"):
        figures(str(tmp_path))


def test_figures_corrupt_recipe_names_the_file(tmp_path):
    write_file(f"{tmp_path}/recipe.json", b"{")
    with pytest.raises(StoreError, match=r"recipe\.json is not valid JSON"):
        figures(str(tmp_path))


def test_figures_diversity_is_told_per_source_from_the_executed_programs(found):
    diverse = found["diversity"]
    assert diverse["read"] == diverse["programs"] == sum(each["programs"] for each in diverse["sources"])
    assert [each["source"] for each in diverse["sources"]] == ["ask", "grow", "mine"]
    for each in diverse["sources"]:
        assert each["branch_depth"] == {"1": each["programs"]}
        assert each["ast_nodes"]["For"] == each["programs"]
        assert 0 < each["trace_lengths"]["n"] <= each["pairs"]


def test_figures_diversity_of_a_large_run_reads_an_equal_share_of_every_shard(root):
    diverse = diversity(root, sample=6)
    assert diverse is not None
    assert 6 <= diverse["read"] < diverse["programs"]
