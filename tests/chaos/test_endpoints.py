"""Kill what answers: the teacher's endpoint, and the replicas of our own."""

import asyncio
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import psutil
import pytest
import ray

from cluster.local import free_port
from ray_app.errors import TeacherError
from ray_app.serving import app
from ray_app.serving.engine import TransformersEngine
from ray_app.serving.generation import EngineOptions, Generation
from ray_app.teacher.client import OpenAITeacher, Reply, Request
from tests.chaos.monkey import actors, killing
from tests.chaos.teacher_process import answer
from tests.serving.conftest import tiny  # noqa: F401
from tests.serving.test_lifecycle import replicas

PROJECT = Path(__file__).parents[2]
Record = Callable[[str, int, str], None]
QUESTIONS = 900
CONCURRENCY = 4
ENGINE = EngineOptions(device="cpu", threads=1)
PROMPTS = 40


class RestartedEndpoint:
    """A teacher's endpoint that is started again whenever it dies, always at the same port."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-m", "tests.chaos.teacher_process", str(self.port), str(log)]
        self._over = threading.Event()
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, cwd=PROJECT)

    def _keep(self) -> None:
        while not self._over.wait(0.1):
            if self._process.poll() is not None:
                self._process = self._start()

    def victims(self) -> list[psutil.Process]:
        return [psutil.Process(self._process.pid)] if self._process.poll() is None else []

    def close(self) -> None:
        self._over.set()
        self._keeper.join()
        self._process.kill()
        self._process.wait()


def test_teacher_survives_kill_9_of_its_endpoint(
    tmp_path: Path, kills: int, dice: random.Random, record: Record
) -> None:
    """Every question gets its answer, and at most what was in flight at a kill is asked twice."""
    log = tmp_path / "log"
    endpoint = RestartedEndpoint(log)
    killed: list[int] = []
    asked = 0

    def replies(questions: list[Request]) -> list[Reply]:
        """As a job does that is run again whenever it ends with a TeacherError."""
        while True:
            teacher = OpenAITeacher(
                f"http://127.0.0.1:{endpoint.port}/v1",
                "m",
                cache_dir=tmp_path / "cache",
                concurrency=CONCURRENCY,
                timeout_s=30,
            )
            try:
                return list(teacher.complete(questions))
            except TeacherError:
                continue
            finally:
                teacher.close()

    try:
        while len(killed) < kills:
            numbers = range(asked, asked + QUESTIONS)
            questions = [Request(prompt=f"question {number}", max_tokens=64) for number in numbers]
            asked += QUESTIONS
            with killing(endpoint.victims, kills, dice, (0.3, 1.5), killed):
                found = replies(questions)
            assert [reply.texts for reply in found] == [(answer(question.body("m")),) for question in questions]
    finally:
        endpoint.close()
    paid = len(log.read_text().splitlines())
    assert asked <= paid <= asked + len(killed) * CONCURRENCY
    record(
        "kill -9 of the teacher's endpoint",
        len(killed),
        f"{asked} questions, each answered once; {paid - asked} paid twice",
    )


@pytest.fixture
def endpoint(tiny: Path) -> Iterator[str]:  # noqa: F811
    """One model on two replicas."""
    ray.init(address="local", num_cpus=2, object_store_memory=100_000_000, include_dashboard=False, log_to_driver=False)
    options = app.ModelOptions(num_cpus=0.1, min_replicas=2, max_replicas=2, engine=ENGINE)
    yield app.run({"base": str(tiny)}, port=free_port(), options=options)
    app.stop()
    ray.shutdown()


def test_endpoint_survives_kill_9_of_its_replicas(
    endpoint: str,
    tiny: Path,  # noqa: F811
    kills: int,
    dice: random.Random,
    record: Record,
) -> None:
    engine = TransformersEngine(tiny, ENGINE)
    jobs = [Generation(f"{i}", max_tokens=24, temperature=0, ignore_eos=True) for i in range(PROMPTS)]
    expected = [result[0].text for result in engine.generate(jobs)]
    engine.close()
    killed: list[int] = []
    answered = 0

    def victims() -> list[psutil.Process]:
        """One replica of two: with none left there is nobody to ask."""
        found = actors("ServeReplica:semray:model-base")()
        return found if len(found) == 2 and len(replicas()) == 2 else []

    async def keep_asking(client: openai.AsyncOpenAI, number: int) -> None:
        nonlocal answered
        while len(killed) < kills:
            number = (number + 7) % PROMPTS
            common = {"model": "base", "prompt": f"{number}", "max_tokens": 24, "temperature": 0}
            stream = await client.completions.create(**common, stream=True, extra_body={"ignore_eos": True})
            assert "".join([chunk.choices[0].text async for chunk in stream]) == expected[number]
            answered += 1

    async def press() -> None:
        async with openai.AsyncOpenAI(base_url=endpoint, api_key="none", max_retries=0, timeout=300) as client:
            await asyncio.gather(*(keep_asking(client, number) for number in range(8)))

    with killing(victims, kills, dice, (0.2, 1.5), killed):
        asyncio.run(press())
    assert answered > kills
    record("kill -9 of a serving replica", len(killed), f"{answered} streamed requests, none lost, every text the same")
