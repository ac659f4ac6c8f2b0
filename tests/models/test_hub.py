"""Models on the hub, told by a small server that answers as huggingface.co does.

Each case runs in a process of its own, because huggingface_hub reads its address when imported.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT, CONVERTED = "a" * 40, "c" * 40
REFUSED = {"org/gated": (403, "GatedRepo"), "org/none": (404, "RepoNotFound"),
           "org/gguf": (404, "EntryNotFound")}  # fmt: skip


class Hub(BaseHTTPRequestHandler):
    """Serves the folders in `models` (name -> commit -> folder)."""

    models: dict[str, dict[str, Path]]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, *args: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0].strip("/").replace("%2F", "/")
        for name, (status, code) in REFUSED.items():
            if name in path:
                return self._send(status, b"", body, {"X-Error-Code": code})
        if path.startswith("api/"):
            return self._send(200, json.dumps(self._api(path)).encode(), body, {})
        name, _, rest = path.partition("/resolve/")
        revision, _, file = rest.partition("/")
        commit = COMMIT if revision == "main" else revision
        folder = self.models.get(name, {}).get(commit)
        if folder is None:
            return self._send(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
        if not (folder / file).exists():
            headers = {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}
            return self._send(404, b"", body, headers)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{commit[0]}-{file}"'}
        return self._send(200, (folder / file).read_bytes(), body, headers)

    def _api(self, path: str) -> object:
        if not path.startswith("api/models/"):
            return {}
        name = "/".join(path.split("/")[2:4])
        if "/discussions" in path:
            found = self._discussions(name)
            return {"discussions": found, "count": len(found), "start": 0}
        if "/commits/" in path:
            made = {"title": "", "message": "", "authors": [], "date": "2024-01-01T00:00:00.000Z"}
            return [{"id": CONVERTED, **made}, {"id": COMMIT, **made}]
        commit = path.split("/")[5]
        files = sorted(p for p in self.models[name][commit].iterdir() if p.is_file())
        if "/tree/" in path:
            return [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40}
                    for f in files]  # fmt: skip
        return {"id": name, "sha": commit, "siblings": [{"rfilename": f.name} for f in files]}

    def _discussions(self, name: str) -> list[dict]:
        if CONVERTED not in self.models[name]:
            return []
        author = {"name": "SFconvertbot"}
        return [{"title": "Adding `safetensors` variant of this model", "num": 4, "author": author,
                 "isPullRequest": True, "status": "open", "repo": {"name": name, "type": "model"},
                 "createdAt": "2024-01-01T00:00:00.000Z"}]  # fmt: skip

    def _send(self, status: int, data: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def serve():
    servers = []

    def start(models: dict[str, dict[str, Path]]) -> str:
        handler = type("Here", (Hub,), {"models": models})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()


PROGRAM = """
import sys, time
from tunebook.errors import RequestError
from tunebook.models import hub
from tunebook.models.facts import content_of, facts_of
from tunebook.schema import ModelSettings
wanted = ModelSettings(name="it", path=sys.argv[1], revision=sys.argv[2] or None, device="cpu")
then, hub.SECONDS = sys.argv[3], float(sys.argv[4])
start = time.monotonic()
try:
    facts = facts_of(wanted)
    print(facts.family, facts.folder, facts.commit, content_of(wanted))
    if then == "fetch":
        print(sorted(p.name for p in hub.fetch(facts.path, facts.config, print).iterdir()))
    if then == "load":
        from tunebook.models.base import load
        print(type(load(wanted, facts, print).model).__name__)
except RequestError as error:
    print("refused:", error)
print(round(time.monotonic() - start, 2))
"""


@pytest.fixture
def ask(tmp_path):
    """Output lines of asking for a model; the last is the seconds that it took."""

    def run(endpoint: str, name: str, revision="", then="", seconds="5", **environment: str):
        home = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": ""}
        command = [sys.executable, "-c", PROGRAM, name, revision, then, seconds]
        done = subprocess.run(command, env=os.environ | home | environment, text=True,
                              capture_output=True, timeout=120)  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


NOBODY = "http://127.0.0.1:9"


FILES = "['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', "
FILES += "'tokenizer_config.json']"


@pytest.mark.slow
def test_a_hub_model_is_known_by_its_commit_and_serves_without_a_network(serve, ask, built):
    endpoint = serve({"org/it": {COMMIT: built("gpt2")}})
    facts, said, files, _ = ask(endpoint, "org/it", then="fetch")
    assert facts == f"decoder-only None {COMMIT} org/it@{COMMIT}"
    assert said == "fetching org/it from the hub (commit aaaaaaaa)"
    assert files == FILES
    again, *said, model, _ = ask(NOBODY, "org/it", then="load")
    assert again == facts
    assert model == "GPT2LMHeadModel"
    assert [line.split()[0] for line in said][:3] == ["device", "dtype", "attention"]


def test_a_model_half_in_the_cache_is_not_loaded(serve, ask, built):
    ask(serve({"org/it": {COMMIT: built("gpt2")}}), "org/it")
    *_, refused, seconds = ask(NOBODY, "org/it", then="fetch")
    assert "org/it is no folder here and not (or not wholly) in the cache" in refused
    assert float(seconds) < 3


def test_a_model_without_safetensors_comes_from_the_hubs_conversion(serve, ask, built, copied):
    old = copied("t5")
    (old / "model.safetensors").rename(old / "pytorch_model.bin")
    endpoint = serve({"org/old": {COMMIT: old, CONVERTED: built("t5")}})
    facts, _, said, files, _ = ask(endpoint, "org/old", then="fetch")
    assert facts == f"encoder-decoder None {COMMIT} org/old@{COMMIT}"
    assert said == "org/old has no safetensors; using the hub's conversion of it, refs/pr/4"
    assert files == FILES


def test_a_model_without_safetensors_or_conversion_is_refused(serve, ask, copied):
    old = copied("t5")
    (old / "model.safetensors").rename(old / "pytorch_model.bin")
    *_, last, _ = ask(serve({"org/old": {COMMIT: old}}), "org/old", then="fetch")
    assert last.startswith("refused: model.path: org/old has no safetensors weights. Convert it")


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("org/gated", "", "model.path: org/gated is gated: its owner must let you in. Accept its "
         "terms on https://huggingface.co/org/gated, then run `hf auth login` or set HF_TOKEN."),
        ("org/none", "", "model.path: there is no folder org/none, and no public model of that "
         "name on the hub. Check the name; for a private model run `hf auth login`."),
        ("org/gguf", "", "model.path: org/gguf has no config.json: it is no transformers model"),
        ("org/it", "v9", "model.revision: org/it has no revision v9. Its revisions are on"),
        ("org..it", "", "model.path: org..it is no folder and no hub name."),
    ],
)  # fmt: skip
def test_what_the_hub_refuses(name, revision, message, serve, ask, built):
    refused, seconds = ask(serve({"org/it": {COMMIT: built("gpt2")}}), name, revision)
    assert refused.startswith(f"refused: {message}")
    assert float(seconds) < 2


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_network_the_answer_comes_at_once(ask, environment):
    refused, seconds = ask(NOBODY, "org/it", **environment)
    assert "the hub cannot be reached" in refused
    assert "or give a local folder: model.path=FOLDER" in refused
    assert float(seconds) < 2


def test_a_network_that_swallows_everything_costs_one_short_wait(ask):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        refused, seconds = ask(endpoint, "org/it", seconds="0.5")
    assert "the hub cannot be reached" in refused
    assert 0.5 <= float(seconds) < 6  # huggingface_hub itself asks once more, for 3 seconds
