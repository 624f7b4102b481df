"""From what a run has cost to what a larger one will: nodes, hours, bytes and money, stage by stage.

Everything scales with the rows but two things: a stage that compares all rows with each other runs in one process
(`alone`), and training is counted in floating-point operations. Costs are those of the run that is given, measured on
its cores; nothing is assumed about other machines but what the options say.
"""

from dataclasses import dataclass
from math import ceil

from ray_app.errors import InputError
from ray_app.stages import SAMPLES, STAGES, sample_sets
from ray_app.store import Dataset

_HOUR = 3600.0
_CHARS_PER_TOKEN = 3.2
_BYTES_PER_WEIGHT = 16
"""bf16 weights and gradients, fp32 master weights and two moments of Adam: what ZeRO-3 divides among the GPUs"""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The CPU machines to plan with. `use`: share of their cores' time that does work."""

    count: int
    cores: int
    usd_per_hour: float
    use: float = 0.9


@dataclass(frozen=True, slots=True)
class Need:
    """What one stage needs for the planned rows. `alone`: its work cannot be divided among workers."""

    stage: str
    rows_in: int
    rows_out: int
    cpu_hours: float
    stored_bytes: int
    usd: float
    alone: bool

    def hours(self, nodes: Nodes) -> float:
        return self.cpu_hours if self.alone else self.cpu_hours / (nodes.count * nodes.cores * nodes.use)


@dataclass(frozen=True, slots=True)
class Training:
    """A full fine-tune: weights of the model, passes over the data, and the GPUs (peak in TFLOP/s each)."""

    parameters: float
    epochs: float
    gpus: int
    peak_tflops: float
    mfu: float
    usd_per_hour: float

    def hours(self, tokens: float) -> float:
        """6 operations per weight and token, forward and backward."""
        return 6 * self.parameters * tokens * self.epochs / (self.gpus * self.peak_tflops * 1e12 * self.mfu) / _HOUR

    @property
    def bytes_per_gpu(self) -> float:
        """Before activations; `ray_app.training.memory` checks the rest before a run starts."""
        return _BYTES_PER_WEIGHT * self.parameters / self.gpus


def needs(root: str, rows: int) -> list[Need]:
    """What each stage of the run at `root` would need to end with `rows` training samples."""
    growing = [Dataset(root, name) for name, text in STAGES.items() if text.grows]
    found = {dataset.name: dataset for dataset in growing if dataset.manifest() is not None}
    made = sum(found[name].complete().ledger.rows_out for name in SAMPLES if name in found)
    if not made:
        raise InputError(f"{root} holds no samples to plan from; make a small run first, such as `make demo`")
    return [_need(dataset, rows / made) for dataset in found.values()]


def _need(dataset: Dataset, factor: float) -> Need:
    spent, plan = dataset.complete().ledger, dataset.plan()
    alone = plan is not None and plan.config.get("rows_per_shard", 0) is None
    return Need(
        dataset.name,
        ceil(spent.rows_in * factor),
        ceil(spent.rows_out * factor),
        spent.cpu_s * factor / _HOUR,
        ceil(dataset.stored_bytes() * factor),
        spent.usd * factor,
        alone,
    )


def tokens_per_sample(root: str) -> float:
    """The mean length of a training sample in tokens, estimated from the characters of the first shards."""
    chars = rows = 0
    for dataset in sample_sets(root):
        for table in dataset.columns("prompt", "response"):
            chars += sum(len(text) for column in ("prompt", "response") for text in table[column].to_pylist())
            rows += table.num_rows
            break
    return chars / max(rows, 1) / _CHARS_PER_TOKEN


def nodes_for(found: list[Need], nodes: Nodes, hours: float) -> int:
    """The fewest nodes with which all stages end within `hours`; InputError where the undivided ones take longer."""
    alone = sum(need.cpu_hours for need in found if need.alone)
    if alone >= hours:
        longest = max((need for need in found if need.alone), key=lambda need: need.cpu_hours)
        raise InputError(
            f"--hours {hours:g}: the stages that run in one process take {alone:.1f} h, most of it {longest.stage}; "
            "plan for more hours, or make several roots of fewer rows"
        )
    divided = sum(need.cpu_hours for need in found if not need.alone)
    return max(1, ceil(divided / ((hours - alone) * nodes.cores * nodes.use)))


def table(root: str, rows: int, nodes: Nodes, training: Training | None) -> str:
    """The plan for a person."""
    found = needs(root, rows)
    lines = [f"{rows:,} samples, from what {root} has cost. A line with * is work of one process, whatever the nodes."]
    lines += ["", f"{'stage':<12} {'rows in':>15} {'rows out':>15} {'CPU hours':>11} {'stored':>10} {'hours':>9}"]
    for need in found:
        stored = f"{need.stored_bytes / 1e9:,.1f} GB"
        lines.append(
            f"{need.stage + ('*' if need.alone else ''):<12} {need.rows_in:>15,} {need.rows_out:>15,} "
            f"{need.cpu_hours:>11,.1f} {stored:>10} {need.hours(nodes):>9,.2f}"
        )
    hours, teacher = sum(need.hours(nodes) for need in found), sum(need.usd for need in found)
    usd = hours * nodes.count * nodes.usd_per_hour
    lines += ["", f"{nodes.count} nodes of {nodes.cores} cores: {hours:,.1f} hours, {usd:,.0f} USD"]
    lines += [f"language model: {teacher:,.0f} USD"] if teacher else []
    if training is not None:
        lines.append(_training_line(training, rows * tokens_per_sample(root)))
    return "\n".join(lines)


def _training_line(training: Training, tokens: float) -> str:
    hours = training.hours(tokens)
    return (
        f"training {training.parameters / 1e9:g} B weights on {tokens / 1e6:,.0f} M tokens, {training.epochs:g} epochs "
        f"on {training.gpus} GPUs at {training.mfu:.0%} of {training.peak_tflops:g} TFLOP/s: {hours:,.1f} hours, "
        f"{hours * training.usd_per_hour:,.0f} USD; {training.bytes_per_gpu / 1e9:.1f} GB per GPU before activations"
    )
