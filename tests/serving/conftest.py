"""A model small enough for unit tests (two layers, random weights, one token per byte), and an endpoint for it."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray
import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from ray_app.serving import app
from ray_app.serving.generation import EngineOptions

TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' and not loop.first %}"
    "{{ raise_exception('system comes first') }}{% endif %}"
    "{{ '<start>' + message['role'] + ':' + message['content'] + '<end>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start>assistant:' }}{% endif %}"
)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory; the weights are large enough that greedy choices are far apart."""
    path = tmp_path_factory.mktemp("tiny")
    symbols = {symbol: number for number, symbol in enumerate(sorted(ByteLevel.alphabet()))}
    backend = Tokenizer(BPE(vocab=symbols, merges=[]))
    backend.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = ByteDecoder()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<start>", eos_token="<end>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    torch.manual_seed(7)
    LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture
def port() -> int:
    """A port that is free now."""
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def key() -> str:
    """The API key of the endpoint."""
    return "a-secret"


@pytest.fixture(scope="package")
def url(tiny: Path, key: str) -> Iterator[str]:
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    options = app.ModelOptions(num_cpus=0.1, engine=EngineOptions(device="cpu", threads=1))
    models = {"base": str(tiny), "tuned": str(tiny)}
    yield app.run(models, port=free_port(), options=options, api_key=key)
    app.stop()
    ray.shutdown()
