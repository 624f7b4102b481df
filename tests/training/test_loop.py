"""The loop: exact rates, exact resume, exact data order, and a clean stop where numbers break."""

import dataclasses
import itertools
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ray_app.errors import EngineError, InputError
from ray_app.training import local, loop, metrics
from ray_app.training.config import TrainConfig
from ray_app.training.engine import PlainEngine
from ray_app.training.metrics import MetricsLog, Row
from ray_app.training.model import Batch, load_model
from tests.training.training_kit import build_model, build_samples

CPU = torch.device("cpu")
Make = Callable[..., TrainConfig]


class Recorder(PlainEngine):
    """A real engine that also notes what it was given."""

    def __init__(self, config: TrainConfig, spoil_at: int | None = None) -> None:
        torch.manual_seed(config.seed)
        super().__init__(load_model(config, CPU), config, CPU)
        self.seen: list[tuple[int, ...]] = []
        self.rates: list[float] = []
        self.spoil_at = spoil_at

    def losses(self, batch: Batch) -> torch.Tensor:
        if self.model.training:
            self.seen.append(tuple(batch.input_ids[0].tolist()))
        losses = super().losses(batch)
        return losses * math.nan if len(self.rates) == self.spoil_at else losses

    def step(self, learning_rate: float) -> float:
        self.rates.append(learning_rate)
        return super().step(learning_rate)


def run(
    config: TrainConfig,
    engine: Recorder,
    progress: loop.Progress | None = None,
    save: Callable[[loop.Progress, Row], None] = lambda progress, row: None,
) -> loop.Outcome:
    supply = local.prepare(build_samples(40, held_out=8), config).supply
    log = MetricsLog(lambda text: None)
    return loop.fit(engine, config, supply, progress or loop.Progress(), log, save, lambda text: None)


def test_learning_rate_warms_up_then_falls_to_the_minimum(make_config: Make) -> None:
    config = make_config(learning_rate=1.0, min_learning_rate=0.1, warmup_steps=4)
    rates = [loop.learning_rate_at(step, config, 20) for step in range(20)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert all(a >= b for a, b in itertools.pairwise(rates[4:]))
    assert rates[4 + 15 // 2 : 4 + 15 // 2 + 2][0] > 0.55 > rates[4 + 15 // 2 + 1]


def test_fit_lowers_the_loss_and_reports_each_task(make_config: Make) -> None:
    outcome = run(make_config(num_train_epochs=6, learning_rate=3e-3), Recorder(make_config()))
    train = [row for row in outcome.history if row["kind"] == "train"]
    held_out = [row for row in outcome.history if row["kind"] == "eval"]
    assert train[-1]["loss"] < 0.7 * train[0]["loss"]
    assert held_out[-1]["loss"] < held_out[0]["loss"]
    assert {"loss/forward", "loss/output", "tokens_per_s", "fill", "memory_bytes", "eta_s"} <= set(train[0])
    assert "mfu" not in train[0]  # of this CPU no data sheet says what it can
    assert outcome.best_loss == min(row["loss"] for row in held_out)


def test_fit_saves_twice_an_epoch_where_nothing_else_is_said(make_config: Make) -> None:
    config = make_config(num_train_epochs=3, save_steps=0, eval_steps=1000)
    saved: list[int] = []
    outcome = run(config, Recorder(config), save=lambda progress, row: saved.append(progress.step))
    assert len(saved) in (6, 7)  # the last of them at the end
    assert saved[-1] == outcome.step


def test_batch_in_samples_follows_from_their_mean_length(make_config: Make) -> None:
    config = make_config(packs_per_step=0, samples_per_step=512, num_workers=8, per_device_train_batch_size=4)
    assert config.sized(samples=90_000, packs=28_000).packs_per_step == 160  # 159.3, in multiples of 32
    assert config.sized(samples=90_000, packs=9_000).packs_per_step == 64  # 51.2
    assert config.sized(samples=90_000, packs=10).packs_per_step == 32
    assert make_config(packs_per_step=6).sized(90_000, 28_000).packs_per_step == 6
    with pytest.raises(InputError, match="give samples_per_step"):
        make_config(packs_per_step=0)


def test_resumed_run_keeps_the_batch_of_its_checkpoint(make_config: Make) -> None:
    config = make_config(packs_per_step=0, samples_per_step=40).sized(samples=100, packs=10)
    assert config.packs_per_step == 4
    assert loop.Progress(step=3, packs_per_step=6).continued(config).packs_per_step == 6
    with pytest.raises(EngineError, match="set packs_per_step=6"):
        loop.Progress(step=3, packs_per_step=6).continued(make_config(packs_per_step=4))


def test_fit_resumed_run_is_bit_identical_and_shows_no_sample_twice(make_config: Make, tmp_path: Path) -> None:
    config = make_config(num_train_epochs=2, lora_rank=4, lora_dropout=0.2, save_steps=3, eval_steps=100)
    unbroken = Recorder(config)
    whole = run(config, unbroken)

    first = Recorder(config)
    saved: list[int] = []

    def save_then_die(progress: loop.Progress, row: Row) -> None:
        first.save(tmp_path)
        progress.write(tmp_path, "m", "p")
        saved.append(progress.step)
        if progress.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(config, first, save=save_then_die)
    torch.manual_seed(999)
    second = Recorder(config)
    second.load(tmp_path)
    resumed = run(config, second, loop.Progress.read(tmp_path, "m", "p"))

    assert saved == [3, 6]
    assert first.seen[: 6 * config.packs_per_step] + second.seen == unbroken.seen
    assert resumed.step == whole.step
    for (name, a), b in zip(unbroken.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    assert [r["loss"] for r in resumed.history if r["kind"] == "train"] == [
        r["loss"] for r in whole.history if r["kind"] == "train"
    ]


@pytest.mark.parametrize("spoiled", [0, 3])
def test_fit_nan_loss_stops_names_the_batch_and_saves_nothing_after(make_config: Make, spoiled: int) -> None:
    config = make_config(save_steps=2)
    engine, saved = Recorder(config, spoil_at=spoiled), list[int]()
    outcome = run(config, engine, save=lambda progress, row: saved.append(progress.step))
    assert outcome.step == spoiled
    assert f"loss became nan at step {spoiled + 1}" in outcome.stopped
    assert "samples s0" in outcome.stopped
    assert saved == [step for step in (2,) if step <= spoiled]
    assert all(torch.isfinite(p).all() for p in engine.model.parameters())


def test_fit_accumulation_does_not_change_the_gradient(make_config: Make) -> None:
    many, one = make_config(packs_per_step=4), make_config(packs_per_step=4, per_device_train_batch_size=4)
    a, b = Recorder(many), Recorder(one)
    run(dataclasses.replace(many, max_steps=3), a)
    run(dataclasses.replace(one, max_steps=3), b)
    for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=2e-5)


def test_fit_gradient_checkpointing_gives_the_same_model(make_config: Make) -> None:
    plain, saving = make_config(max_steps=3), make_config(max_steps=3, gradient_checkpointing=True)
    a, b = Recorder(plain), Recorder(saving)
    run(plain, a)
    run(saving, b)
    assert all(torch.equal(p, q) for p, q in zip(a.model.parameters(), b.model.parameters(), strict=True))


def test_fit_lora_changes_adapters_only(make_config: Make) -> None:
    config = make_config(lora_rank=4, max_steps=3)
    engine = Recorder(config)
    before = {name: p.clone() for name, p in engine.model.named_parameters()}
    run(config, engine)
    changed = {name for name, p in engine.model.named_parameters() if not torch.equal(p, before[name])}
    assert changed
    assert all("lora_" in name for name in changed)


def test_dealt_gives_every_pack_to_exactly_one_worker_and_pass() -> None:
    window = list(range(11))
    hands = [loop.dealt(window, rank, 3, 2, 2) for rank in range(3)]  # type: ignore[arg-type]
    assert all(len(hand) == 2 for hand in hands)
    assert sorted(pack for hand in hands for group in hand for pack in group) == window  # type: ignore[type-var]


def test_progress_of_another_model_or_plan_is_refused(tmp_path: Path) -> None:
    loop.Progress(step=3).write(tmp_path, "llama small", "plan one")
    with pytest.raises(EngineError, match=r"another model.*llama small.*llama big.*run_name"):
        loop.Progress.read(tmp_path, "llama big", "plan one")
    with pytest.raises(EngineError, match="another data"):
        loop.Progress.read(tmp_path, "llama small", "plan two")
    (tmp_path / loop.STATE_FILE).write_text("{")
    with pytest.raises(EngineError, match="no checkpoint"):
        loop.Progress.read(tmp_path, "llama small", "plan one")


def test_local_train_keeps_last_and_best_and_resumes(make_config: Make) -> None:
    rows = build_samples(40, held_out=8)
    part = make_config(num_train_epochs=2, max_steps=8, report_to=("tensorboard",))
    local.train(part, rows, CPU)
    root = Path(part.storage_path) / part.run_name
    assert (root / "last" / "plain.pt").is_file()
    assert (root / "best" / "plain.pt").is_file()
    assert list((root / "logs").glob("events.*"))
    longer = dataclasses.replace(part, max_steps=10)
    outcome = local.train(longer, rows, CPU)
    written = metrics.read(root / local.METRICS_FILE)
    assert [row["step"] for row in written if row["kind"] == "train"] == list(range(1, 11))
    assert outcome.step == 10


def test_local_train_without_held_out_samples_takes_the_last_as_best(make_config: Make) -> None:
    config = make_config(max_steps=4, save_steps=2)
    assert local.train(config, build_samples(20), CPU).best_loss is None
    root = Path(config.storage_path) / config.run_name
    assert (root / "best" / "plain.pt").read_bytes() == (root / "last" / "plain.pt").read_bytes()


def test_fit_evaluates_before_the_first_step_and_not_again_on_resume(make_config: Make, tmp_path: Path) -> None:
    config = make_config(max_steps=4, save_steps=2, eval_steps=2)
    engine = Recorder(config)

    def save(progress: loop.Progress, row: Row) -> None:
        if progress.step == 2:
            engine.save(tmp_path)
            progress.write(tmp_path, "m", "p")

    whole = run(config, engine, save=save)
    assert [row["step"] for row in whole.history if row["kind"] == "eval"] == [0, 2, 4]
    assert whole.best_loss == min(row["loss"] for row in whole.history if row["kind"] == "eval" and row["step"])
    again = Recorder(config)
    again.load(tmp_path)
    resumed = run(config, again, loop.Progress.read(tmp_path, "m", "p"))
    assert [row["step"] for row in resumed.history if row["kind"] == "eval"] == [0, 2, 4]


def test_local_train_checkpoint_of_another_model_is_refused(make_config: Make, tmp_path: Path) -> None:
    config = make_config(max_steps=4)
    local.train(config, build_samples(20), CPU)
    bigger = build_model(tmp_path / "bigger", hidden_size=64)
    with pytest.raises(EngineError, match=r"another model.*hidden_size=48.*hidden_size=64"):
        local.train(dataclasses.replace(config, model=str(bigger)), build_samples(20), CPU)


def test_local_train_rejects_and_cuts_are_counted(make_config: Make) -> None:
    rows = build_samples(20)
    empty = dataclasses.replace(rows[0], id="empty", response="")
    long = dataclasses.replace(rows[1], id="long", response="x is 1. " * 100)
    prepared = local.prepare([*rows, *rows[:3], empty, long], make_config())
    assert [reject.id for reject in prepared.rejects] == ["empty"]
    assert (prepared.documents, prepared.cut) == (21, 1)
    assert prepared.cut_tokens > 100


def test_local_train_context_longer_than_the_models_is_refused(make_config: Make) -> None:
    with pytest.raises(InputError, match="max_length 300 exceeds the model's context of 256"):
        local.train(make_config(max_length=300), build_samples(8), CPU)


def test_local_train_unknown_model_is_named(make_config: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        local.train(make_config(model=str(tmp_path / "nowhere")), build_samples(8), CPU)
