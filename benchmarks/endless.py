"""Diagnose apps that answer without end, and print the memory and the time that statecheck itself took.

    python benchmarks/endless.py [--most-memory 300]

Each turn has 3 s here (`--timeout 3`). Memory is the greatest that statecheck's own process had, in MiB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SECONDS = 3
MOST_SECONDS = 30.0
HEAD = """\
import asyncio, itertools, os, zlib
from fastapi import FastAPI, WebSocket
from fastapi.responses import RedirectResponse, StreamingResponse

app = FastAPI()
store = {}


"""
POST = """\
@app.post("/chat")
async def chat(payload: dict):
    store.setdefault(payload["session_id"], payload["message"])
"""
APPS = {
    "a stream without end": """\
    async def pieces():
        while True:
            yield b"x" * 65536
    return StreamingResponse(pieces())
""",
    "a byte a second": """\
    async def pieces():
        while True:
            yield b"x"
            await asyncio.sleep(1)
    return StreamingResponse(pieces())
""",
    "a compressed bomb": """\
    async def pieces():
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        while True:
            yield packer.compress(bytes(1 << 20))
    return StreamingResponse(pieces(), headers={"content-encoding": "gzip"})
""",
    "redirects without end": """\
    return RedirectResponse("/again/0", 303)


@app.get("/again/{number}")
def again(number: int):
    return RedirectResponse(f"/again/{number + 1}", 303)
""",
    "a listener that says nothing": """\
    await asyncio.Event().wait()
""",
    "messages without end on a WebSocket": """\
    return ""


@app.websocket("/ws")
async def ws(socket: WebSocket):
    await socket.accept()
    said = await socket.receive_json()
    store.setdefault(said["session_id"], said["message"])
    while True:
        await socket.send_text("x" * 65536)
""",
    "what is recorded without end": """\
    for _ in itertools.count():
        open("recorded", "a").close()
""",
    "nonsense without end on every descriptor": """\
    while True:
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, b"[" * 65536)
            except OSError:
                pass
""",
}


def measure(name: str, folder: Path) -> tuple[int | None, float, float, str]:
    """Diagnose the app: exit code, seconds, MiB, and what was said of it."""
    (folder / "app.py").write_text(HEAD + POST + APPS[name], "utf-8")
    endpoint = ("--endpoint", "/ws") if "WebSocket" in name else ()
    command = [sys.executable, "-m", "statecheck", "diagnose", "app.py", "--timeout", str(SECONDS), *endpoint]
    started = time.monotonic()
    with subprocess.Popen(
        [*command, "--format", "concise"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status >> 8
    return status >> 8, time.monotonic() - started, usage.ru_maxrss / 1024, said.splitlines()[0] if said else ""


def main() -> int:
    """Measure all and print the table; 1 if one took too long, too much, or was found healthy."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--most-memory", type=float, default=300.0, help="MiB")
    most = parser.parse_args().most_memory
    failed = 0
    print(f"{'answer':42} {'exit':>4} {'seconds':>8} {'MiB':>6}  said")
    for name in APPS:
        with tempfile.TemporaryDirectory() as folder:
            code, seconds, memory, said = measure(name, Path(folder))
        wrong = code != 4 or seconds > MOST_SECONDS or memory > most
        failed += wrong
        print(f"{name:42} {code:4} {seconds:8.1f} {memory:6.0f}  {said[:90]}{'  FAILED' if wrong else ''}", flush=True)
    print(f"all: {len(APPS)} tried, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
