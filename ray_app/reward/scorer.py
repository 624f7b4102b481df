"""Rewards in this process, and in a pool of processes that nothing a model writes can stop."""

import asyncio
import atexit
import functools
import os
import signal
import threading
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import groupby
from multiprocessing import get_context

from ray_app.evaluation.verdicts import Executor
from ray_app.reward.question import Question
from ray_app.reward.score import Reward, Weights, reward
from ray_app.semantics.api import record
from ray_app.semantics.record import Run
from ray_app.verification.measure import Measured

SECONDS = 5.0
"""wall time for one reply, its program's runs included"""
_RECORDS = 512
"""questions whose record is kept: a trainer asks each many times, close together"""
_DESCRIBED = ("forward", "backward", "exception")


class _TooLong(BaseException):
    """Raised by the timer; no `except Exception` on the way takes it."""


class Scorer:
    """Rewards in this process. Replies to one question should come together: its call is then recorded once."""

    def __init__(self, weights: Weights | None = None, seconds: float = SECONDS) -> None:
        self.weights = weights or Weights()
        self._seconds = seconds
        self._executor = Executor()
        self._run = functools.lru_cache(maxsize=_RECORDS)(_recorded)
        self._measured = functools.lru_cache(maxsize=_RECORDS)(self._measure)

    def close(self) -> None:
        """Ends the sandbox."""
        self._executor.close()

    def score(self, question: Question, reply: str) -> Reward:
        """The reward of one reply; whatever goes wrong with it costs it the reward, with the reason."""
        try:
            with _limited(self._seconds):
                measured = self._measured(question.code, question.call) if question.task in _DESCRIBED else None
                return reward(question, reply, self._executor, measured, self._run, self.weights)
        except _TooLong:
            return failed(f"not verified within {self._seconds:g} s")
        except Exception as error:  # a defect of ours must not end a training of somebody's
            return failed(f"cannot be verified: {type(error).__name__}: {error}")

    def _measure(self, code: str, call: str) -> Measured | None:
        run = self._run(code, call)
        return None if run is None else Measured(run)


def failed(reason: str) -> Reward:
    """No reward, with the reason."""
    return Reward(0.0, False, 0.0, False, reason=reason)


def _recorded(code: str, call: str) -> Run | None:
    return record(code, call).run


@contextmanager
def _limited(seconds: float) -> Generator[None]:
    """Raises _TooLong in the block after so many seconds; without a limit outside a main thread, which has no timer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


Asked = tuple[Question, str]
"""A question and a reply to it."""


class Pool:
    """Rewards by `workers` processes (0: one per core), each with a sandbox of its own. Safe to share between threads.

    A reply that takes too long, or kills the process that looks at it, gets no reward; the others get theirs.
    """

    def __init__(self, workers: int = 0, weights: Weights | None = None, seconds: float = SECONDS) -> None:
        self._workers = workers or len(os.sched_getaffinity(0))
        self._setting = (weights or Weights(), seconds)
        self._lock = threading.Lock()
        self._processes: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """Ends the processes; a later call starts others."""
        with self._lock:
            if self._processes is not None:
                self._processes.shutdown(cancel_futures=True)
                self._processes = None

    def score(self, asked: Sequence[Asked]) -> list[Reward]:
        """The rewards of replies, in order."""
        shares = _shares(asked, self._workers)
        futures = [self._submit([asked[index] for index in share]) for share in shares]
        done: dict[int, Reward] = {}
        for share, future in zip(shares, futures, strict=True):
            done.update(zip(share, self._result(future, [asked[index] for index in share]), strict=True))
        return [done[index] for index in range(len(asked))]

    async def score_async(self, asked: Sequence[Asked]) -> list[Reward]:
        """The same without blocking an event loop."""
        return await asyncio.to_thread(self.score, asked)

    def _submit(self, share: list[Asked]) -> "Future[list[Reward]]":
        with self._lock:
            if self._processes is None:
                # Not a fork: a trainer's process holds threads and a GPU.
                context = get_context("forkserver")
                self._processes = ProcessPoolExecutor(self._workers, context, _start, self._setting)
            return self._processes.submit(_score, share)

    def _result(self, future: "Future[list[Reward]]", share: list[Asked]) -> list[Reward]:
        """What a worker found; where one died, every reply again by itself, so that only the culprit goes without."""
        try:
            return future.result()
        except BrokenProcessPool:
            if len(share) == 1:
                return [self._alone(share)]
            self._discard()
            return [self._result(self._submit([one]), [one])[0] for one in share]

    def _alone(self, share: list[Asked]) -> Reward:
        """One reply whose process died, perhaps in company of another share's culprit: once more, in a new pool."""
        self._discard()
        try:
            return self._submit(share).result()[0]
        except BrokenProcessPool:
            self._discard()
            return failed("the process that verified it died")

    def _discard(self) -> None:
        with self._lock:
            broken, self._processes = self._processes, None
        if broken is not None:
            broken.shutdown(wait=False, cancel_futures=True)


def _shares(asked: Sequence[Asked], workers: int) -> list[list[int]]:
    """The places of the replies in shares for the workers: those to one question together, long lists cut evenly."""
    order = sorted(range(len(asked)), key=lambda index: (asked[index][0].code, asked[index][0].call))
    size = max(1, -(-len(asked) // (workers * 4)))
    shares: list[list[int]] = [[]]
    for _, group in groupby(order, key=lambda index: asked[index][0]):
        if len(shares[-1]) >= size:
            shares.append([])
        shares[-1].extend(group)
    return [share for share in shares if share]


_scorers: list[Scorer] = []
"""The scorer of a worker process."""


def _start(weights: Weights, seconds: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the trainer ends its pool itself
    _scorers.append(Scorer(weights, seconds))
    atexit.register(_scorers[0].close)


def _score(share: list[Asked]) -> list[Reward]:
    return [_scorers[0].score(question, reply) for question, reply in share]


@functools.lru_cache(maxsize=1)
def shared() -> Pool:
    """The pool of this process, with the default weights."""
    pool = Pool()
    atexit.register(pool.close)
    return pool
