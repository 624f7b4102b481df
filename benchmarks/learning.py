"""The paper's format ablation in miniature: which way of telling an execution teaches a small model to predict it?

    python benchmarks/learning.py [--out runs/learning] [--tokens N] [--seeds N] [--items N] [--formats NAME ...]

A small Llama is trained from scratch on grown programs of difficulty 1 to 3, once per format and seed, on the same
executions and on equally many tokens; then it predicts outputs for programs it has not seen, greedily, and the final
answer must equal the executed value. Formats: direct (the answer alone), scratchpad and next (states as comments behind
the lines), concise (one row per executed line), the narrator's prose and state lines at detail 1 to 3, and these with
20 % direct answers ("states-1+direct"). Texts that speak of lines have their labels in the prompt, as everywhere else.
The tokenizer has single digits, and single characters inside strings. A model of this size learns little from a million
tokens, so the programs use few built-ins, short inputs and no dictionaries, sets or floats; programs that differ in
nothing but names fall on the same side of the split.

Beside the models stands the majority answer: the most frequent output of the training executions. Figures are also
given by executed statements. Intervals are 95 % bootstrap intervals over programs, all seeds and inputs of a program
drawn together; differences are paired. Resumable: data and model are made once, training goes on from its last
checkpoint, and a finished (format, seed) is not repeated; results are JSON lines in OUT/results.jsonl. The fewer the
tokens, the worse the traces do: a model that cannot copy a value gains nothing from being shown it.
"""

import argparse
import ast
import dataclasses
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parent))
from training import config as base_config

from ray_app.mixture import split_of
from ray_app.monologue.forward import Detail, StyleName
from ray_app.monologue.worker import NarrateConfig, forward_row
from ray_app.programs import grammar
from ray_app.programs.grow import GrowConfig, grow
from ray_app.programs.normalise import normalised
from ray_app.programs.statements import Dial
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import (
    Execution,
    Monologue,
    Program,
    Sample,
    TracedProgram,
    content_id,
    from_table,
    to_table,
)
from ray_app.semantics.api import record
from ray_app.semantics.source import label
from ray_app.tracing.render import RENDERINGS
from ray_app.training import local

NARRATED: tuple[tuple[StyleName, Detail], ...] = tuple(
    (style, detail) for style in ("prose", "states") for detail in (1, 2, 3)
)
TOLD = ("direct", "scratchpad", "next", "concise", *(f"{style}-{detail}" for style, detail in NARRATED))
"""What a case is told in, once each."""
_MIXED = "+direct"
FORMATS = (*TOLD, *(name + _MIXED for name in TOLD[1:]))
DIRECT_SHARE = 0.2
"""of the samples of a mixed format"""
STRATA = ((1, 8), (9, 16), (17, 32), (33, 10**6))
"""Executed statements, from and to."""
_IN_STRING = r"[^'\n](?=[^'\n]*'(?:[^'\n]*'[^'\n]*')*[^'\n]*(?:\n|$))"
"""A character that an odd number of quotes follows on its line: one inside a string, as `repr` writes it."""
CONTEXT = 1_024
MAX_CHARS = 2_000
"""longest prompt + response of a case in any format; about 900 tokens"""
HELD_OUT = 0.15
DIALS = {
    1: Dial(statements=2, blocks=0, depth=0, trips=0, size=3, expression=1),
    2: Dial(statements=1, blocks=1, depth=1, trips=3, size=3, expression=1),
    3: Dial(statements=2, blocks=2, depth=2, trips=3, size=4, expression=1),
}
CALLED = """
abs len max min sum sorted reversed range enumerate zip append count insert pop reverse sort upper lower isdigit isupper
islower isalpha startswith
"""
OPERATORS = """
_ + _ | _ - _ | _ % _ | _ % _ == 0 | _ += _ | _ -= _ | _ *= _ | _ %= _ | _ = _ + _ | _ + [_] | _ += [_] | _ == _
_ != _ | _ < _ | _ > _ | _ >= _ | _ in _ | _ not in _ | not _ | _ and _ | _ or _ | _ if _ else _ | _[:_] | _[_:]
_[0] | _[1]
"""
KEPT = frozenset(CALLED.split()) | frozenset(OPERATORS.strip().replace("\n", " | ").split(" | "))
_EXCLUDED = (ast.Dict, ast.Set, ast.DictComp, ast.SetComp, ast.JoinedStr, ast.Lambda, ast.GeneratorExp, ast.Try)


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One execution with its response in every format of `TOLD`. `family` is shared by programs that differ in names
    only; `steps` are the statements that were executed."""

    family: str
    difficulty: int
    steps: int
    code: str
    call: str
    output: str
    responses: tuple[str, ...]

    def prompt(self, fmt: str) -> str:
        """The question, with line labels for texts that speak of lines: so a model sees which kind is wanted."""
        code = label(self.code).rstrip() if fmt.startswith(("prose", "states")) else self.code
        return f"[PYTHON]\n{code}\nassert {self.call} == ??\n[/PYTHON]\n"

    def response(self, fmt: str) -> str:
        return self.responses[TOLD.index(fmt)]


def cases(drafts: int) -> Iterator[Case]:
    """Harder drafts are kept more rarely, so more of them are made: 1, 3 and 6 times `drafts`."""
    tables = (grammar.EXPRESSIONS, grammar.UPDATES, grammar.CHANGES, grammar.GUARDED)
    features = {f for table in tables for templates in table.values() for t in templates for f in t.features}
    rare = {f for f in features if f not in KEPT and f.rpartition(".")[2] not in KEPT}
    narrow = GrowConfig(weights=dict.fromkeys(rare, 1e-6), dials=DIALS)
    for difficulty, share in ((1, 1), (2, 3), (3, 6)):
        grown = (row for row in grow(difficulty, share * drafts, difficulty, narrow) if isinstance(row, Program))
        for row in trace_programs(filter(plain, grown), TraceConfig(keep=2)):
            if isinstance(row, TracedProgram):
                for execution in row.executions:
                    yield from _case(row, execution)


def plain(program: Program) -> bool:
    """Whether the program keeps to the few built-ins and types of this experiment."""
    for node in ast.walk(ast.parse(program.code)):
        if isinstance(node, _EXCLUDED) or (isinstance(node, ast.Constant) and isinstance(node.value, float)):
            return False
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name not in KEPT:
                return False
    (call,) = ast.parse(program.calls[0]).body
    kinds = (ast.Dict, ast.Set, ast.Tuple)
    return not any(
        isinstance(node, kinds) or (isinstance(node, ast.Constant) and isinstance(node.value, (float, type(None))))
        for node in ast.walk(call)
    )


def _case(row: TracedProgram, execution: Execution) -> Iterator[Case]:
    recording = record(row.program.code, execution.call)
    told = [
        forward_row(row.program, recording, NarrateConfig(0, MAX_CHARS, style, detail, shorter=0))
        for style, detail in NARRATED
    ]
    texts = [one.text.rpartition("[ANSWER]")[0].strip() for one in told if isinstance(one, Monologue)]
    if len(texts) < len(told) or recording.run is None or execution.output is None or execution.trace is None:
        return
    code = row.program.code.rstrip()
    traced = [RENDERINGS[name].render(code, execution.trace) for name in ("scratchpad", "next", "concise")]
    final = f"[ANSWER]{execution.output}[/ANSWER]"
    responses = tuple(f"{text}\n{final}" if text else final for text in ("", *traced, *texts))
    family = content_id("family", normalised(code))
    case = Case(
        family, row.program.difficulty, len(recording.run.steps), code, execution.call, execution.output, responses
    )
    if all(len(case.prompt(fmt)) + len(case.response(fmt)) <= MAX_CHARS for fmt in TOLD):
        yield case


def model_directory(out: Path, rows: list[Case]) -> Path:
    """A randomly initialised model of 1.4 million parameters, with a tokenizer trained on all formats alike."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    path = out / "model"
    if (path / "config.json").is_file():
        return path
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_IN_STRING), behavior="isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=768, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    raw.train_from_iterator((text for case in rows for text in (case.prompt(TOLD[-1]), *case.responses)), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", pad_token="</s>", padding_side="left"
    )
    tokenizer.save_pretrained(path)
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=160,
            intermediate_size=448,
            num_hidden_layers=4,
            num_attention_heads=4,
            max_position_embeddings=2 * CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    ).save_pretrained(path)
    return path


def _sample(case: Case, fmt: str) -> Sample:
    """What a format makes of a case: a mixed one, of so many of them the direct answer, chosen by the case."""
    told = fmt.removesuffix(_MIXED)
    direct = fmt.endswith(_MIXED) and split_of(content_id(case.code, case.call), DIRECT_SHARE) == "held_out"
    told = "direct" if direct else told
    prompt = case.prompt(told)
    name = content_id(prompt, told)
    return Sample(name, "forward", prompt, case.response(told), case.family, case.difficulty, "train")


def train_one(rows: list[Case], path: Path, out: Path, fmt: str, seed: int, tokens: int) -> Path:
    """The last checkpoint of a run of about `tokens` training tokens."""
    samples = [_sample(case, fmt) for case in rows]
    cfg = base_config(
        model=str(path), run_name=f"{fmt}-{seed}", storage_path=str(out), prompt_style="paper", max_length=CONTEXT,
        packs_per_step=1, per_device_train_batch_size=1, learning_rate=2e-3, min_learning_rate=1e-4, seed=seed,
        warmup_steps=50, weight_decay=0.01, save_steps=200, eval_steps=10**6, logging_steps=50, num_train_epochs=1,
    )  # fmt: skip
    one = local.prepare(samples, cfg).supply
    per_pack = one.fill * CONTEXT
    epochs = int(tokens / (one.total * per_pack)) + 1
    steps = max(1, round(tokens / (per_pack * cfg.packs_per_step)))
    cfg = dataclasses.replace(cfg, num_train_epochs=epochs, max_steps=steps)
    local.train(cfg, samples, torch.device("cpu"))
    return out / cfg.run_name / "last"


@torch.no_grad()
def answers(checkpoint: Path, path: Path, items: list[Case], fmt: str) -> list[str]:
    """The greedy answer to each item, asked in its format; "" where the reply has none."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    model.load_state_dict(torch.load(checkpoint / "plain.pt", weights_only=True)["weights"])
    model.eval()
    said = [""] * len(items)
    asked = fmt.removesuffix(_MIXED)
    order = sorted(range(len(items)), key=lambda k: len(items[k].prompt(asked)) + len(items[k].response(asked)))
    for start in range(0, len(order), 50):
        batch = order[start : start + 50]
        encoded = tokenizer(["<s>" + items[k].prompt(asked) for k in batch], return_tensors="pt", padding=True)
        replies = model.generate(**encoded, max_new_tokens=CONTEXT, do_sample=False)
        for k, reply in zip(batch, replies, strict=True):
            text = tokenizer.decode(reply[encoded["input_ids"].shape[1] :], skip_special_tokens=True)
            said[k] = text.rpartition("[ANSWER]")[2].partition("[/ANSWER]")[0] if "[/ANSWER]" in text else ""
    return said


Grouped = dict[str, list[float]]


def interval(groups: Grouped, rounds: int = 2_000) -> str:
    """Mean with its bootstrap interval over programs."""
    rng, lists = random.Random(0), list(groups.values())
    means = sorted(
        sum(map(sum, chosen)) / sum(map(len, chosen))
        for chosen in (rng.choices(lists, k=len(lists)) for _ in range(rounds))
    )
    mean = sum(map(sum, lists)) / sum(map(len, lists))
    return f"{mean:6.1%} [{means[int(0.025 * rounds)]:.1%}, {means[int(0.975 * rounds)]:.1%}]"


def report(results: list[dict[str, Any]], items: list[Case]) -> None:
    """Exact match per format, by executed statements, and the paired difference to direct answers on equal seeds."""

    def verdicts(fmt: str, seed: int) -> list[float] | None:
        found = [row for row in results if (row["format"], row["seed"]) == (fmt, seed)]
        return (
            [float(said == case.output) for said, case in zip(found[0]["said"], items, strict=True)] if found else None
        )

    def grouped(rows: list[list[float]], stratum: tuple[int, int] = (0, 10**6)) -> Grouped:
        groups: Grouped = {}
        for right in rows:
            for value, case in zip(right, items, strict=True):
                if stratum[0] <= case.steps <= stratum[1]:
                    groups.setdefault(case.family, []).append(value)
        return groups

    seeds = sorted({row["seed"] for row in results})
    for fmt in FORMATS:
        own = {seed: found for seed in seeds if (found := verdicts(fmt, seed)) is not None}
        if not own:
            continue
        parts = {low: grouped([*own.values()], (low, high)) for low, high in STRATA}
        levels = "  ".join(f"from {low}: {interval(part).split()[0]}" for low, part in parts.items() if part)
        line = f"{fmt:18} exact match {interval(grouped([*own.values()]))}  {levels}  {len(own)} seeds"
        base = {seed: verdicts("direct", seed) for seed in own}
        gains = [[a - b for a, b in zip(right, base[s] or [], strict=True)] for s, right in own.items() if base[s]]
        print(line + (f"  minus direct {interval(grouped(gains))}" if gains and fmt != "direct" else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/learning"))
    parser.add_argument("--tokens", type=int, default=3_000_000, help="training tokens of each run")
    parser.add_argument(
        "--drafts", type=int, default=8_000, help="programs drafted at difficulty 1; 3 and 6 times more at 2 and 3"
    )
    parser.add_argument("--formats", nargs="+", default=TOLD, choices=FORMATS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--items", type=int, default=240, help="held-out executions, a third of each difficulty")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    data = chosen.out / "cases.parquet"
    import pyarrow.parquet as pq

    if not data.is_file():
        pq.write_table(to_table(Case, cases(chosen.drafts)), data)
    rows = list(from_table(Case, pq.read_table(data)))
    train = [case for case in rows if split_of(case.family, HELD_OUT) == "train"]
    rest = [case for case in rows if split_of(case.family, HELD_OUT) == "held_out"]
    rest.sort(key=lambda case: content_id(case.code, case.call))
    held_out = [case for d in (1, 2, 3) for case in [c for c in rest if c.difficulty == d][: chosen.items // 3]]
    levels = [sum(case.difficulty == d for case in train) for d in (1, 2, 3)]
    print(f"{len(train)} training executions {levels}, {len(held_out)} held out, of programs never trained on")
    majority, _ = Counter(case.output for case in train).most_common(1)[0]
    groups: Grouped = {}
    for case in held_out:
        groups.setdefault(case.family, []).append(float(case.output == majority))
    print(f"{'majority':18} exact match {interval(groups)}: always {majority}")
    path = model_directory(chosen.out, train)
    results = chosen.out / "results.jsonl"
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.is_file() else []
    for seed in range(chosen.seeds):
        for fmt in chosen.formats:
            if any((row["format"], row["seed"]) == (fmt, seed) for row in done):
                continue
            start = time.process_time()
            checkpoint = train_one(train, path, chosen.out, fmt, seed, chosen.tokens)
            middle = time.process_time()
            row = {"format": fmt, "seed": seed, "said": answers(checkpoint, path, held_out, fmt)}
            print(f"{fmt} seed {seed}: {middle - start:.0f} s training, {time.process_time() - middle:.0f} s answering")
            done.append(row)
            with results.open("a") as sink:
                sink.write(json.dumps(row) + "\n")
            report([row], held_out)
    report(done, held_out)


if __name__ == "__main__":
    main()
