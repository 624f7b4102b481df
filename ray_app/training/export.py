"""From a checkpoint to a Hugging Face directory: safetensors, tokenizer, chat template and model card."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ray_app.errors import EngineError
from ray_app.models import resolve
from ray_app.store import read_file, upload, write_file
from ray_app.training.config import TrainConfig
from ray_app.training.model import load_config, with_adapters

TOLERANCE = 1e-4
"""largest difference of a logit between the model in memory and the one read back, in the exported precision"""

_OF_ONE_PLACE = ("storage_path", "run_name", "scratch")
"""settings that say where a run was made, and nothing about the model"""
_SCORES = "\n## Scores\n\n"


def export(checkpoint: Path, config: TrainConfig, out: Path, card: Mapping[str, Any]) -> Path:
    """Write the checkpoint's model to `out` so that `AutoModelForCausalLM.from_pretrained(out)` and vLLM load it.

    Adapters are merged; weights keep the precision in which the base model is stored. `card` holds what the model card
    shows beside the recipe, for example {"base_model": name, "data": manifest}. The directory is read back and its
    logits compared: EngineError where they differ by more than TOLERANCE. Returns `out`.
    """
    from transformers import AutoTokenizer

    stored = getattr(load_config(config), "dtype", None) or torch.float32
    model = trained(checkpoint, config).to(stored)
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(resolve(config.model, weights=False)).save_pretrained(out)
    (out / "README.md").write_text(model_card(config, card))
    if (difference := logit_difference(model, out)) > TOLERANCE:
        raise EngineError(f"{out}: logits of the exported model differ by {difference:.2g} from those in memory")
    return out


def publish(checkpoint: Path, config: TrainConfig, place: str, card: Mapping[str, Any]) -> str:
    """`export` to a path or a URI, whole or not at all; the hash of the weights. An earlier model there is replaced."""
    local = "://" not in place
    if local:
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        for left in Path(place).parent.glob(".model-*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=".model-", dir=Path(place).parent if local else None))
    try:
        made = export(checkpoint, config, work / "model", card)
        content = content_of(made)
        if local:
            shutil.rmtree(place, ignore_errors=True)
            made.rename(place)
        else:
            upload(made, place)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return content


def content_of(directory: Path) -> str:
    """A hash of the weights in a model's directory."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.safetensors")):
        with path.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    return digest.hexdigest()[:16]


def trained(checkpoint: Path, config: TrainConfig) -> Any:
    """The model of a checkpoint (plain or of any ZeRO stage) in fp32, with adapters merged into the weights."""
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(resolve(config.model), dtype=torch.float32)
    if config.lora_rank:
        model = with_adapters(model, config)
    _load(model, weights(checkpoint), checkpoint)
    return model.merge_and_unload() if config.lora_rank else model


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    """The fp32 state dict of a checkpoint directory, with the model's own parameter names."""
    if (plain := checkpoint / "plain.pt").is_file():
        return torch.load(plain, map_location="cpu", weights_only=True)["weights"]
    from ray_app.training import deepspeed

    return deepspeed.weights(checkpoint)


def logit_difference(model: Any, directory: Path) -> float:
    """The largest difference between the logits of `model` and of the one in `directory`, on a fixed token sequence."""
    from transformers import AutoModelForCausalLM

    other = AutoModelForCausalLM.from_pretrained(directory, dtype=model.dtype)
    tokens = torch.arange(1, 33)[None] % model.config.vocab_size
    model.eval()
    with torch.no_grad():
        ours, theirs = model(input_ids=tokens).logits.float(), other.eval()(input_ids=tokens).logits.float()
    return float((ours - theirs).abs().max())


def model_card(config: TrainConfig, card: Mapping[str, Any]) -> str:
    """README.md of the exported model: front matter, the recipe and whatever `card` holds, as JSON blocks.

    `card["base_model"]` is the name under which others know the model that training started from.
    """
    base = card.get("base_model", config.model)
    recipe = {key: value for key, value in config.to_dict().items() if key not in _OF_ONE_PLACE}
    sections = {"recipe": recipe | {"model": base}, **{k: v for k, v in card.items() if k != "base_model"}}
    blocks = "\n".join(
        f"## {name.capitalize()}\n\n```json\n{json.dumps(value, indent=2, default=str)}\n```\n"
        for name, value in sections.items()
    )
    return (
        f"---\nlibrary_name: transformers\npipeline_tag: text-generation\nbase_model: {base}\n"
        f"tags:\n- code\n- semray\n---\n# {config.run_name}\n\n"
        "Fine-tuned on programs, their executions and monologues whose claims were checked against the traces.\n\n"
        f"{blocks}"
    )


def add_scores(directory: str, scores: str) -> None:
    """Put a table of scores at the end of the exported model's card, in the place of an earlier one."""
    path = f"{directory}/README.md"
    text = (read_file(path) or b"").decode().partition(_SCORES)[0]
    write_file(path, f"{text}{_SCORES}```\n{scores}\n```\n".encode())


def _load(model: Any, state: dict[str, torch.Tensor], checkpoint: Path) -> None:
    """Load strictly, but for tied weights, of which a checkpoint may hold one name only."""
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        raise EngineError(f"{checkpoint} does not fit this model: {str(error).splitlines()[-1].strip()}") from error
    model.tie_weights()
    shared = {name for name, _ in model.named_parameters()}
    missing = [name for name in missing if name in shared]
    if missing or unexpected:
        name = (missing or unexpected)[0]
        raise EngineError(f"{checkpoint} does not fit this model: {name} is {'missing' if missing else 'unknown'}")
