"""Deploying, dying and draining: minutes on a small machine."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import ray
import yaml
from ray import serve
from ray.util import list_named_actors

from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions, Generation

pytestmark = pytest.mark.slow
ENGINE = EngineOptions(device="cpu", threads=1)
REQUESTS = 1000


@pytest.fixture
def pair(tiny: Path, port: int) -> Iterator[str]:
    """One model on two replicas, on a Ray of its own."""
    ray.shutdown()
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    options = app.ModelOptions(num_cpus=0.1, min_replicas=2, max_replicas=2, engine=ENGINE)
    yield app.run({"base": str(tiny)}, port=port, options=options)
    app.stop()
    ray.shutdown()


def replicas() -> list[str]:
    return [actor["name"] for actor in list_named_actors(all_namespaces=True) if "#model-base#" in actor["name"]]


def test_a_killed_replica_loses_and_duplicates_no_request(pair: str, tiny: Path) -> None:
    engine = TransformersEngine(tiny, ENGINE)
    jobs = [Generation(f"{i}", max_tokens=24, temperature=0, ignore_eos=True) for i in range(REQUESTS)]
    expected = [result[0].text for result in engine.generate(jobs)]
    engine.close()
    answered = 0
    killed: list[str] = []

    async def ask(client: openai.AsyncOpenAI, number: int, turn: asyncio.Semaphore) -> str:
        nonlocal answered
        common = {"model": "base", "prompt": f"{number}", "max_tokens": 24, "temperature": 0}
        async with turn:
            if number % 2:
                stream = await client.completions.create(**common, stream=True, extra_body={"ignore_eos": True})
                text = "".join([chunk.choices[0].text async for chunk in stream])
            else:
                text = (await client.completions.create(**common, extra_body={"ignore_eos": True})).choices[0].text
        answered += 1
        if answered == REQUESTS // 3:
            killed.append(replicas()[0])
            ray.kill(ray.get_actor(killed[0], namespace="serve"))
        return text

    async def ask_all() -> list[str]:
        turn = asyncio.Semaphore(32)
        async with openai.AsyncOpenAI(base_url=pair, api_key="none", max_retries=0, timeout=300) as client:
            return await asyncio.gather(*(ask(client, number, turn) for number in range(REQUESTS)))

    assert asyncio.run(ask_all()) == expected
    assert len(killed) == 1
    assert killed[0] not in replicas()


def test_replicas_grow_with_the_queue(tiny: Path, port: int) -> None:
    ray.shutdown()
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    options = app.ModelOptions(num_cpus=0.1, min_replicas=1, max_replicas=2, target_queue=1, engine=ENGINE)
    url = app.run({"base": str(tiny)}, port=port, options=options)

    async def press() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0, timeout=300) as client:

            async def keep_asking() -> None:
                while len(replicas()) < 2:
                    await client.completions.create(model="base", prompt="x", max_tokens=400)

            await asyncio.wait_for(asyncio.gather(*(keep_asking() for _ in range(6))), 240)

    try:
        assert len(replicas()) == 1
        asyncio.run(press())
        assert len(replicas()) == 2
    finally:
        app.stop()
        ray.shutdown()


def test_stopping_lets_a_running_stream_finish(pair: str) -> None:
    client = openai.OpenAI(base_url=pair, api_key="none", max_retries=0, timeout=120)
    ask = {"model": "base", "prompt": "long", "temperature": 0, "max_tokens": 800, "extra_body": {"ignore_eos": True}}
    whole = client.completions.create(**ask).choices[0].text
    stream = iter(client.completions.create(**ask, stream=True))
    text = next(stream).choices[0].text
    serve.delete(app.APP, _blocking=False)
    assert text + "".join(chunk.choices[0].text for chunk in stream) == whole


def test_an_application_of_a_job_comes_and_goes_beside_that_of_others(pair: str, tiny: Path) -> None:
    options = app.ModelOptions(num_cpus=0.1, engine=ENGINE)
    url = app.run({"mine": str(tiny)}, port=0, options=options, name="semray-job")
    assert url == pair.replace("/v1", "/semray-job/v1")
    for place, model in ((url, "mine"), (pair, "base")):
        client = openai.OpenAI(base_url=place, api_key="none", max_retries=0, timeout=120)
        assert [card.id for card in client.models.list()] == [model]
        assert client.completions.create(model=model, prompt="x", max_tokens=2).choices[0].text
    app.stop("semray-job")
    assert list(serve.status().applications) == [app.APP]
    assert httpx.get(pair.replace("/v1", "/health")).status_code == 200


def test_serve_deploy_of_the_config_file_answers(tiny: Path, port: int, tmp_path: Path) -> None:
    """The shipped file, with a tiny model and a free port in place of its own."""
    config = yaml.safe_load((Path(__file__).parents[2] / "cluster" / "serve.yaml").read_text())
    config["http_options"]["port"] = port
    config["applications"][0]["args"]["models"] = {"base": str(tiny)}
    config["applications"][0]["args"]["options"]["num_cpus"] = 0.1
    (tmp_path / "serve.yaml").write_text(yaml.safe_dump(config))
    ray.shutdown()
    context = ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, log_to_driver=False)
    try:
        dashboard = f"http://{context.address_info['webui_url']}"
        command = [str(Path(sys.executable).with_name("serve")), "deploy", str(tmp_path / "serve.yaml")]
        environment = {**os.environ, "RAY_DASHBOARD_ADDRESS": dashboard, "RAY_AGENT_ADDRESS": dashboard}
        done = subprocess.run(
            [*command, "--address", dashboard], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr
        until = time.monotonic() + 240
        while serve.status().applications[app.APP].status != "RUNNING":
            assert time.monotonic() < until, serve.status()
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models").json()["data"][0]["id"] == "base"
    finally:
        serve.shutdown()
        ray.shutdown()
