"""The page in a real browser: run, see claims in green, break one and see it in red, ask a model."""

import asyncio
from pathlib import Path

import pytest

from tests.serving.browser import Browser, Page, executable

pytestmark = pytest.mark.skipif(executable() is None, reason="needs chromium")


async def login(page: Page, key: str) -> None:
    await page.evaluate(f"$('key').value = '{key}'; listModels()")


def test_page_shows_true_claims_green_and_a_false_one_red(url: str, key: str, tmp_path: Path) -> None:
    async def visit() -> None:
        async with Browser(tmp_path, url.removesuffix("v1")) as page:
            await login(page, key)
            await page.evaluate("$('go').click()")
            await page.until("$('verdict').textContent !== ''")
            assert await page.evaluate("$('note').textContent") == "longest_run('abbccc') gives 'ccc'"
            assert (await page.evaluate("$('verdict').textContent")).startswith("accepted")
            assert await page.evaluate("document.querySelectorAll('mark.good').length") > 50
            assert "assert longest_run" in await page.evaluate(
                "[...document.querySelectorAll('mark')].at(-1).textContent"
            )
            assert await page.evaluate("document.querySelectorAll('mark.bad').length") == 0
            assert await page.evaluate("$('trace').rows.length") > 20
            await page.evaluate(
                "$('draft').value = $('draft').value.replaceAll(\"'ccc'\", \"'ccd'\"); $('check').click()"
            )
            await page.until("document.querySelectorAll('mark.bad').length > 0")
            assert (await page.evaluate("$('verdict').textContent")).startswith("refused")
            assert "FALSE" in await page.evaluate("document.querySelector('mark.bad').title")
            assert page.errors == []

    asyncio.run(asyncio.wait_for(visit(), 120))


def test_page_streams_a_models_answer_and_debugs(url: str, key: str, tmp_path: Path) -> None:
    async def visit() -> None:
        async with Browser(tmp_path, url.removesuffix("v1")) as page:
            await login(page, key)
            await page.until("$('model').options.length === 2")
            await page.evaluate("$('model').value = 'tuned'; $('explain').click()")
            await page.until("$('reply').textContent !== '' && !$('explain').disabled")
            await page.evaluate("$('code').value = 'def f(x): return x'; $('test').value = 'f(1) == 2'")
            await page.evaluate("$('debug').click()")
            await page.until("!$('debug').disabled")
            assert "f(1) gives 1; the test expects 2" in await page.evaluate("$('reply').textContent")
            assert page.errors == []

    asyncio.run(asyncio.wait_for(visit(), 120))


def test_page_shows_hostile_output_as_text_and_errors_in_words(url: str, key: str, tmp_path: Path) -> None:
    code = "def f(x):\\n    y = '<img src=x onerror=alert(1)>'\\n    return y"

    async def visit() -> None:
        async with Browser(tmp_path, url.removesuffix("v1")) as page:
            await page.evaluate("$('go').click()")
            await page.until("$('note').textContent.includes('API key')")
            await login(page, key)
            await page.evaluate(f"$('code').value = \"{code}\"; $('call').value = 'f(1)'; $('go').click()")
            await page.until("$('note').textContent.startsWith('f(1) gives')")
            assert await page.evaluate("document.querySelectorAll('img').length") == 0
            assert "<img src=x" in await page.evaluate("$('trace').textContent")

    asyncio.run(asyncio.wait_for(visit(), 120))
