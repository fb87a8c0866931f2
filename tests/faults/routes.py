"""Random requests to every route: never a fault, never somebody else's bytes, always the headers.

`python -m tests.faults.routes [--examples N] [--seed N]` starts an application on a library of its own and prints how
often each status came.
"""

import argparse
import re
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cues.library.database import Library, open_library
from cues.library.folders import session_folder
from cues.web.gate import COOKIE, POLICY
from tests.sample_clip import SAMPLE
from tests.web.everybody import GUESSED, Everybody, make_everybody, take_roles_away
from tests.web.running_app import RunningApp, routes_of_the_application

if TYPE_CHECKING:
    from tests.faults.outcomes import Outcome

PATIENCE_S = 60
READ_BYTES = 1 << 16
SEES_ADAS = ("ada", "sue", "cut")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "G\tET", "")
NOT_HTTP = (b"Invalid HTTP request received.", b"")
"""What the server says of bytes that are no request, before anything of the application sees them."""

ODD = st.text(st.characters(codec="utf-8"), max_size=40)
HOSTILE = st.sampled_from(
    [
        "..",
        "../../library.db",
        "%2e%2e/",
        "%00",
        "%ff",
        "%0d%0aSet-Cookie:%20x=1",
        "\\..\\",
        "//evil.example",
        "'--",
        "0",
    ]
    + ["-1", "9" * 30, "1e9", "nan", "١", "<script>", "a" * 3000, "x" * 32, "", ";", "%", "?", "#", "*", "{}", "%u0041"]
)
NAMES = st.sampled_from(
    """Accept|Accept-Encoding|Authorization|Connection|Content-Encoding|Content-Type|Content-Range|Expect|Forwarded|
If-Match|If-Modified-Since|If-None-Match|If-Range|Origin|Range|Referer|Sec-Fetch-Site|Tus-Resumable|Upgrade|
Upload-Checksum|Upload-Defer-Length|Upload-Length|Upload-Metadata|Upload-Offset|X-Cues-Account|X-Forwarded-For|
X-Forwarded-Proto|X-HTTP-Method-Override|X-Original-URL|X-Xsrftoken|Sec-WebSocket-Protocol|Cookie|Host""".replace(
        "\n", ""
    ).split("|")
)
VALUES = st.one_of(
    ODD,
    HOSTILE,
    st.sampled_from(
        ["1.0.0", "0", "10", "-1", "text/html", "*/*", "gzip", "bytes=0-", "bytes=-5", "bytes=5-1", "bytes=0-1,3-4"]
        + ["bytes=" + ",".join(f"{k}-{k}" for k in range(400)), "application/offset+octet-stream", "null"]
        + ["filename YS5tcDQ=", "filename YS5tcDQ=,session " + "eA==", "filename ====", "sha1 x", "sha256 AAAA"]
        + ["cross-site", "same-origin", "none", "https://evil.example", "Thu, 01 Jan 1970 00:00:00 GMT", "websocket"]
        + ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "\x00", "\t"]
    ),
)


@dataclass(frozen=True)
class Target:
    """What is attacked, and what must not be heard by whom."""

    app: RunningApp
    everybody: Everybody
    secrets: tuple[bytes, ...]


def requests_to(target: Target, routes: list[str]) -> st.SearchStrategy[tuple[str, bytes]]:
    """Who sends it, and the bytes of the request."""
    known = target.everybody
    ids = st.sampled_from([known.session] * 4 + [known.upload, known.of_ben, GUESSED, "minutes", "everything"])
    anything = st.one_of(ids, st.integers(-2, 100).map(str), HOSTILE, ODD)
    own = [route for route in routes if "/api/" in route]

    def part(draw: st.DrawFn, name: str) -> str:
        if draw(st.integers(0, 3)) == 0:
            return draw(anything)
        return draw(st.sampled_from("012")) if name.endswith(":int}") else draw(ids)

    @st.composite
    def one(draw: st.DrawFn) -> tuple[str, bytes]:
        route = draw(st.one_of(st.sampled_from(own), st.sampled_from(routes)))
        path = route[route.find("/") :] if "/" in route else "/"
        path = re.sub(r"\{[^}]*\}", lambda found: part(draw, found[0]), path)
        if not draw(st.integers(0, 2)):
            path += draw(st.one_of(st.builds("?{}={}".format, ODD, ODD), HOSTILE.map("/{}".format)))
        if draw(st.integers(0, 9)):  # now and then the bytes themselves, which are no request at all
            path = quote(path, safe="/?=&%;*'\\-._~:@!$(),+")
        method = draw(st.one_of(st.sampled_from(route.split()[:-1] or ["GET"]), st.sampled_from(METHODS)))
        who = draw(st.sampled_from([*target.everybody.tokens, "nobody"]))
        body = draw(st.binary(max_size=200))
        lines = [f"{method} {path} HTTP/1.1", "Connection: close", f"Content-Length: {len(body)}"]
        headers = draw(st.lists(st.tuples(NAMES, VALUES), max_size=5))
        if not any(name == "Host" for name, _ in headers):
            lines.append(f"Host: 127.0.0.1:{target.app.port}")
        cookie = f"{COOKIE}={target.everybody.tokens.get(who, GUESSED)}"
        lines += [f"Cookie: {cookie}"] if who != "nobody" else []
        lines += [f"{name}: {value}" for name, value in headers]
        return who, "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + body

    return one()


def answer(target: Target, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and the first bytes of the body; status 0 where the connection was closed without any."""
    with socket.create_connection(("127.0.0.1", target.app.port), timeout=PATIENCE_S) as connection:
        connection.sendall(request)
        response = HTTPResponse(connection)
        try:
            response.begin()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read(READ_BYTES)
        except (HTTPException, ConnectionError):
            return 0, {}, b""


def check(target: Target, who: str, path: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """What holds of every answer. path: the first part of what was asked for."""
    assert target.app.process.poll() is None, "the server has ended"
    assert status < 500, (status, body[:200])
    if not (status in (0, 400) and body in NOT_HTTP):
        assert headers.get("content-security-policy") == POLICY, (status, headers, body[:100])
        assert (headers.get("x-frame-options"), headers.get("x-content-type-options")) == ("DENY", "nosniff")
    assert "access-control-allow-credentials" not in headers
    assert "evil.example" not in headers.get("location", "").partition("?")[0]
    for cookie in headers.get("set-cookie", "").split(", "):
        assert cookie.startswith(("_streamlit_xsrf=", "_streamlit_session=")) or not cookie, cookie
    of_a_session = headers.get("content-type", "").startswith(("image/jpeg", "video/", "application/", "text/csv"))
    assert who in SEES_ADAS or path != "api" or not of_a_session, (who, headers)
    heard = body + repr(headers).encode()
    for word in (b"Traceback", b"site-packages", b"SQLite format", *(() if who in SEES_ADAS else target.secrets)):
        assert word not in heard, (who, word)


def attack(
    app: RunningApp, library: Library, everybody: Everybody, routes: list[str], examples: int, seed: int | None
) -> Counter[int]:
    """Sends random requests; how often each status came. Without a seed they are the same every time."""
    folder = session_folder(library.folder, everybody.session)
    recording = SAMPLE.read_bytes()
    middle = len(recording) // 2
    target = Target(app, everybody, (b"Of Ada", recording[:48], recording[middle : middle + 48], b"eye_contact_pct"))
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    said, counts = len(app.said), Counter[int]()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=seed is None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(requests_to(target, routes))
    def asked(sent: tuple[str, bytes]) -> None:
        who, request = sent
        status, headers, body = answer(target, request)
        counts[status] += 1
        path = request.split(b" ")[1].split(b"/")[1:2]
        check(target, who, path[0].decode("latin-1") if path else "", status, headers, body)

    (asked if seed is None else hypothesis.seed(seed)(asked))()
    faults = [line for line in app.said[said:] if "Traceback" in line or "Error" in line]
    assert not faults, faults
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert after == before, "a random request changed Ada's session"
    return counts


def attacked(examples: int, seed: int) -> Counter[int]:
    """An application on a library of its own, attacked; how often each status came."""
    with tempfile.TemporaryDirectory() as place:
        app = RunningApp(Path(place) / "library")
        library = open_library(app.library)
        try:
            results = Path(place) / "results"
            results.mkdir()
            everybody = make_everybody(library, results)
            take_roles_away(library, everybody)
            return attack(app, library, everybody, routes_of_the_application(), examples, seed)
        finally:
            library.close()
            app.end()


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator["Outcome"]:  # noqa: ARG001
    """For `python -m tests.faults`: fifty requests a round."""
    from tests.faults.outcomes import Outcome

    outcome = Outcome("random requests to every route", "Ada's session as before", restart="none is needed")
    try:
        outcome.seen = f"status: how often. {in_words(attacked(50 * rounds, seed))}"
    except AssertionError as found:
        outcome.broken.append(str(found))
    yield outcome


def in_words(counts: Counter[int]) -> str:
    return ", ".join(f"{status or 'closed'}: {count}" for status, count in sorted(counts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    counts = attacked(options.examples, options.seed)
    print(f"{sum(counts.values())} requests, seed {options.seed}: no fault. {in_words(counts)}")


if __name__ == "__main__":
    main()
