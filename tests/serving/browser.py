"""A real browser for tests: headless Chromium, driven over its DevTools protocol."""

import asyncio
import base64
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp


def executable() -> str | None:
    """Chromium or Chrome on this machine."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((found for name in names if (found := shutil.which(name))), None)


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._serial = 0
        self.errors: list[str] = []
        self._loaded = False

    async def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One DevTools command; exceptions that the page throws meanwhile are kept in `errors`."""
        self._serial += 1
        await self._socket.send_json({"id": self._serial, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(message["params"]["exceptionDetails"]["text"])
            self._loaded = self._loaded or message.get("method") == "Page.loadEventFired"
            if message.get("id") == self._serial:
                assert "error" not in message, message
                return message["result"]

    async def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        self._loaded = False
        await self.send("Page.navigate", url=url)
        while not self._loaded:
            self._loaded = (await self._socket.receive_json()).get("method") == "Page.loadEventFired"

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        done = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    async def until(self, condition: str) -> None:
        """Wait until a JavaScript expression is true; it is looked at whenever the document changes."""
        await self.evaluate(
            "new Promise(resolve => {"
            f" const look = () => {{ if ({condition}) {{ watch.disconnect(); resolve(true); }} }};"
            " const watch = new MutationObserver(look);"
            " watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});"
            " look(); })"
        )

    async def screenshot(self, path: Path) -> None:
        """The whole page as a PNG."""
        shot = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


class Browser:
    """`async with Browser(profile_folder, url) as page`: Chromium with one tab on `url`."""

    def __init__(self, profile: Path, url: str, size: tuple[int, int] = (1400, 1000)) -> None:
        program = executable()
        assert program is not None
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._url = url
        switches = ["--headless=new", "--remote-debugging-port=0", "--disable-gpu", "--no-first-run"]
        switches += [f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}", "--disable-dev-shm-usage"]
        self._process = subprocess.Popen(
            [program, *switches, *sandbox, "about:blank"], stderr=subprocess.PIPE, text=True
        )

    async def __aenter__(self) -> Page:
        address = await asyncio.to_thread(self._address)
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://{address}/json/list") as answer:
            tab = next(entry for entry in await answer.json(content_type=None) if entry["type"] == "page")
        page = Page(await self._session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0))
        await page.send("Page.enable")
        await page.send("Runtime.enable")
        await page.open(self._url)
        return page

    async def __aexit__(self, *problem: object) -> None:
        await self._session.close()
        self._process.terminate()
        self._process.wait()

    def _address(self) -> str:
        """Host and port from the line that Chromium prints when it listens."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "DevTools listening on ws://" in line:
                return line.split("ws://")[1].split("/")[0]
        raise AssertionError("the browser ended before it listened")
