"""The routes of uploads against a real server process, by plain requests and by another tus client."""

import base64
import hashlib
import os
import socket
import threading
import time

import pytest
import requests
from tusclient import client as tus

from tests.web.upload_server import UploadServer, upload_server

APP = "tests.web.uploads_app:app"
ANA, BEN = {"Account": "1"}, {"Account": "2"}
TUS = {"Tus-Resumable": "1.0.0"}
DATA = os.urandom(2_000_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with upload_server(APP, tmp_path_factory.mktemp("uploads"), UPLOADS_LARGEST=400_000_000) as running:
        yield running


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def create(server, length, name="session.mp4", account=ANA, **headers):
    sent = TUS | account | {"Upload-Length": str(length), "Upload-Metadata": f"filename {b64(name)}"} | headers
    return requests.post(server.address + "/api/uploads", headers=sent, timeout=60)


def created(server, length, name="session.mp4", account=ANA):
    answer = create(server, length, name, account)
    assert answer.status_code == 201, answer.text
    return server.address + answer.headers["Location"]


def patch(url, data, offset, account=ANA, **headers):
    sent = TUS | account | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)} | headers
    return requests.patch(url, data=data, headers=sent, timeout=300)


def head(url, account=ANA):
    return requests.head(url, headers=TUS | account, timeout=60)


def offset_of(url):
    answer = head(url)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


def stored(server, url):
    return (server.folder / "incoming" / f"{url.rsplit('/', 1)[1]}.whole").read_bytes()


def announced(server, url):
    return [line for line in server.finished() if line[0] == url.rsplit("/", 1)[1]]


class Sending:
    """A PATCH whose bytes are sent one part at a time, over a connection of its own."""

    def __init__(self, server, url, length, offset=0):
        self.connection = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        path = url.removeprefix(server.address)
        lines = TUS | ANA | {"Host": f"127.0.0.1:{server.port}", "Content-Type": "application/offset+octet-stream"}
        lines |= {"Upload-Offset": str(offset), "Content-Length": str(length)}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.connection.sendall(f"PATCH {path} HTTP/1.1\r\n{head}\r\n".encode())

    def send(self, data):
        self.connection.sendall(data)

    def answer(self):
        return self.connection.recv(65536).decode()

    def close(self):
        self.connection.close()


def eventually(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return value


def test_the_server_tells_what_it_can(server):
    answer = requests.options(server.address + "/api/uploads", timeout=60)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {"creation", "termination", "checksum"}
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
    assert answer.headers["Tus-Max-Size"] == "400000000"


def test_an_upload_in_pieces_arrives_intact_and_is_announced_once(server):
    url = created(server, len(DATA), "Übung/1.mp4")
    for start in range(0, len(DATA), 700_000):
        piece = DATA[start : start + 700_000]
        answer = patch(url, piece, start, **{"Upload-Checksum": f"sha256 {b64(hashlib.sha256(piece).digest())}"})
        assert answer.status_code == 204 and answer.headers["Upload-Offset"] == str(start + len(piece))
    assert stored(server, url) == DATA
    assert announced(server, url) == [[url.rsplit("/", 1)[1], "1", hashlib.sha256(DATA).hexdigest()]]
    told = head(url)
    assert told.headers["Upload-Offset"] == told.headers["Upload-Length"] == str(len(DATA))
    assert told.headers["Upload-Metadata"] == f"filename {b64('Übung/1.mp4')}"
    assert told.headers["Cache-Control"] == "no-store"
    assert len(announced(server, url)) == 1
    assert patch(url, b"", len(DATA)).status_code == 409


def test_a_standard_client_uploads_with_checksums_and_resumes(server, tmp_path):
    (tmp_path / "call.mp4").write_bytes(DATA)
    uploader = tus.TusClient(server.address + "/api/uploads", headers=ANA).uploader(
        str(tmp_path / "call.mp4"), chunk_size=300_000, metadata={"filename": "call.mp4"}, upload_checksum=True
    )
    uploader.upload(stop_at=900_000)
    assert offset_of(uploader.url) == 900_000
    again = tus.TusClient(server.address + "/api/uploads", headers=ANA).uploader(
        str(tmp_path / "call.mp4"), chunk_size=10**9, url=uploader.url
    )
    assert again.offset == 900_000
    again.upload()
    assert stored(server, uploader.url) == DATA


def test_a_server_killed_in_the_middle_of_a_piece_goes_on_where_it_was(tmp_path):
    """With the standard client before and after; nothing is in the server's memory then."""
    data = os.urandom(30_000_000)
    (tmp_path / "call.mp4").write_bytes(data)
    with upload_server(APP, tmp_path) as server:
        url = created(server, len(data))
        sending = Sending(server, url, len(data))
        sending.send(data[:12_345_678])
        part = tmp_path / "incoming" / f"{url.rsplit('/', 1)[1]}.part"
        eventually(lambda: part.stat().st_size > 10_000_000)
        server.kill()
        sending.close()
        reached = part.stat().st_size
        assert 0 < reached < len(data)
        server.start()
        assert offset_of(url) == reached
        uploader = tus.TusClient(server.address + "/api/uploads", headers=ANA).uploader(
            str(tmp_path / "call.mp4"), chunk_size=8_000_000, url=url, upload_checksum=True
        )
        uploader.upload()
        assert hashlib.sha256(stored(server, url)).digest() == hashlib.sha256(data).digest()
        assert len(announced(server, url)) == 1


def test_a_server_that_failed_after_the_last_byte_announces_when_asked_again(server):
    url = created(server, 10)
    (server.folder / "fail").touch()
    assert patch(url, b"0123456789", 0).status_code == 500
    (server.folder / "fail").unlink()
    assert announced(server, url) == []
    assert offset_of(url) == 10 and offset_of(url) == 10
    assert len(announced(server, url)) == 1


def test_a_server_killed_before_the_rename_makes_the_upload_whole_when_asked(server):
    url = created(server, 10)
    part = server.folder / "incoming" / f"{url.rsplit('/', 1)[1]}.part"
    part.write_bytes(b"0123456789")  # what a kill between the last byte and the rename leaves
    assert offset_of(url) == 10
    assert stored(server, url) == b"0123456789"
    assert announced(server, url)[0][2] == hashlib.sha256(b"0123456789").hexdigest()


def test_a_lost_connection_keeps_what_came_and_frees_the_upload(server):
    url = created(server, len(DATA))
    sending = Sending(server, url, len(DATA))
    sending.send(DATA[:1_300_000])
    eventually(lambda: offset_of(url) > 0)  # the lock is taken before the first bytes are kept
    assert patch(url, DATA[:10], 0).status_code == 423
    sending.close()
    eventually(lambda: offset_of(url) == 1_300_000)
    assert eventually(lambda: patch(url, DATA[1_300_000:], 1_300_000).status_code == 204)
    assert stored(server, url) == DATA


def test_a_connection_that_says_nothing_more_does_not_lock_the_upload(tmp_path):
    with upload_server(APP, tmp_path, UPLOADS_STALL_S=3) as server:
        url = created(server, 1000)
        silent = Sending(server, url, 1000)
        silent.send(b"abc")
        eventually(lambda: offset_of(url) == 3)
        # The bytes are there before the lock is given back.
        eventually(lambda: patch(url, bytes(997), 3).status_code == 204)
        silent.close()


def test_a_piece_with_a_wrong_checksum_leaves_the_offset(server):
    url = created(server, len(DATA))
    patch(url, DATA[:1000], 0)
    for kind in ("sha256", "sha1"):
        wrong = {"Upload-Checksum": f"{kind} {b64(hashlib.new(kind, b'something else').digest())}"}
        answer = patch(url, DATA[1000:1_500_000], 1000, **wrong)
        assert answer.status_code == 460 and "sent again" in answer.text
        assert offset_of(url) == 1000


def test_other_peoples_uploads_do_not_exist(server):
    url = created(server, 10)
    nothing = server.address + "/api/uploads/" + "0" * 32
    for verb in ("HEAD", "PATCH", "DELETE"):
        sent = TUS | BEN | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        theirs, none = (requests.request(verb, u, headers=sent, data=b"x", timeout=60) for u in (url, nothing))
        assert theirs.status_code == none.status_code == 404
        assert theirs.text == none.text
    assert offset_of(url) == 0


def test_a_sign_in_that_ended_in_the_middle_loses_nothing(server):
    url = created(server, 20_000_000)
    piece = os.urandom(10_000_000)
    assert patch(url, piece, 0).status_code == 204
    answer = patch(url, piece, 10_000_000, account={})
    assert answer.status_code == 401 and "Sign in again" in answer.text
    for verb in ("HEAD", "DELETE"):
        assert requests.request(verb, url, headers=TUS, timeout=60).status_code == 401
    assert create(server, 10, account={}).status_code == 401
    assert offset_of(url) == 10_000_000
    assert patch(url, piece, 10_000_000).status_code == 204
    assert stored(server, url) == piece + piece


def test_requests_from_pages_of_other_sites_are_refused(server):
    url = created(server, 10)
    for verb, where in (("POST", server.address + "/api/uploads"), ("PATCH", url), ("DELETE", url)):
        for sign in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = requests.request(verb, where, headers=TUS | ANA | sign, data=b"x", timeout=60)
            assert answer.status_code == 403 and "another site" in answer.text
    own = {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
    assert patch(url, b"0123456789", 0, **own).status_code == 204


def test_too_large_is_refused_before_the_first_byte(server):
    answer = create(server, 400_000_001)
    assert answer.status_code == 413 and "at most 400.0 MB" in answer.text
    url = created(server, 10)
    assert patch(url, bytes(11), 0).status_code == 413
    assert patch(url, iter([bytes(6), bytes(6)]), 0).status_code == 413  # of a length that is not said
    assert offset_of(url) == 0


def test_no_room_on_the_disk_is_said_before_the_first_byte(tmp_path):
    with upload_server(APP, tmp_path, UPLOADS_RESERVE=10**18) as server:
        answer = create(server, 10)
        assert answer.status_code == 507 and "full" in answer.text
        assert list((tmp_path / "incoming").iterdir()) == []


def test_a_disk_that_fills_up_in_the_middle_keeps_what_fitted(tmp_path):
    """The system's limit on the size of a file stands for the full disk: the write itself fails."""
    with upload_server(APP, tmp_path) as server:
        url = created(server, len(DATA))
        server.stop()
        server.start(largest_file_blocks=1000)
        checksum = {"Upload-Checksum": f"sha256 {b64(hashlib.sha256(DATA).digest())}"}
        answer = patch(url, DATA, 0, **checksum)
        assert answer.status_code == 507 and "kept" in answer.text
        assert offset_of(url) == 1_024_000
        server.stop()
        server.start()
        assert patch(url, DATA[1_024_000:], 1_024_000).status_code == 204
        assert stored(server, url) == DATA


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": ""}, 400),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "1e3"}, 400),
        ({"Upload-Length": "9" * 30}, 400),
        ({"Upload-Length": "0"}, 400),
        ({"Upload-Metadata": ""}, 400),
        ({"Upload-Metadata": "filename !!!"}, 400),
        ({"Upload-Metadata": f"filename {b64(bytes([0xFF]))}"}, 400),
        ({"Upload-Metadata": f"filename {b64('a.mp4')},session {b64('../../x')}"}, 400),
        ({"Upload-Metadata": f"filename {b64('notes.pdf')}"}, 415),
    ],
)
def test_a_wrong_creation_is_refused_with_a_sentence(server, headers, status):
    before = set((server.folder / "incoming").glob("*"))
    answer = create(server, 10, **headers)
    assert answer.status_code == status
    assert answer.text.endswith(".") and answer.headers["Content-Type"].startswith("text/plain")
    assert set((server.folder / "incoming").glob("*")) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "2.0.0"}, 412),
        ({"Content-Type": "application/json"}, 415),
        ({"Upload-Offset": "5"}, 409),
        ({"Upload-Offset": "x"}, 400),
        ({"Upload-Checksum": "md5 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 AAAA"}, 400),
        ({"Upload-Checksum": "sha256 ???"}, 400),
    ],
)
def test_a_wrong_piece_is_refused_and_changes_nothing(server, headers, status):
    url = created(server, 10, account=BEN)
    answer = patch(url, b"0123456789", 0, account=BEN, **headers)
    assert answer.status_code == status and answer.text.endswith(".")
    assert head(url, BEN).headers["Upload-Offset"] == "0"
    assert requests.delete(url, headers=TUS | BEN, timeout=60).status_code == 204
    assert head(url, BEN).status_code == 404


def test_a_path_in_a_file_name_leads_nowhere(server):
    url = created(server, 10, "../../../../evil.mp4")
    assert patch(url, b"0123456789", 0).status_code == 204
    assert stored(server, url) == b"0123456789"
    assert [path for path in server.folder.parent.rglob("evil*")] == []
    for address in ("/api/uploads/..%2f..%2fserver.log", "/api/uploads/" + "a" * 32 + ".json"):
        assert head(server.address + address).status_code == 404


def test_an_upload_can_be_cancelled_while_it_is_sent(server):
    url = created(server, 1000)
    sending = Sending(server, url, 1000)
    sending.send(bytes(500))
    assert requests.delete(url, headers=TUS | ANA, timeout=60).status_code == 204
    sending.send(bytes(500))
    assert "404" in sending.answer().splitlines()[0]
    sending.close()
    upload_id = url.rsplit("/", 1)[1]
    assert list((server.folder / "incoming").glob(f"{upload_id}*")) == [] and announced(server, url) == []


def test_memory_of_the_server_stays_flat_for_a_large_upload(tmp_path):
    """300 MB in one piece of the protocol, and again in pieces of 8 MB with checksums: the most memory ever used."""
    block = os.urandom(1_000_000)
    with upload_server(APP, tmp_path) as server:
        url = created(server, 1000)
        patch(url, bytes(1000), 0)  # the first request loads what every one needs
        before = server.memory()
        url = created(server, 300_000_000)
        assert patch(url, (block for _ in range(300)), 0).status_code == 204
        url = created(server, 40_000_000)
        piece = block * 8
        checksum = {"Upload-Checksum": f"sha256 {b64(hashlib.sha256(piece).digest())}"}
        for start in range(0, 40_000_000, 8_000_000):
            assert patch(url, piece, start, **checksum).status_code == 204
        grown = server.memory("VmHWM") - before
        assert grown < 60, f"{grown:.0f} MB more"


def test_the_server_answers_others_while_a_finished_file_is_worked_on(server):
    url, other = created(server, 10), created(server, 10)
    (server.folder / "wait").touch()
    answers = []
    sending = threading.Thread(target=lambda: answers.append(patch(url, b"0123456789", 0)))
    sending.start()
    try:
        eventually(lambda: head(url).status_code == 423)
        assert patch(other, b"01234", 0).status_code == 204
        assert answers == []
    finally:
        (server.folder / "wait").unlink()
        sending.join()
    assert answers[0].status_code == 204 and len(announced(server, url)) == 1


def test_a_server_class_reports_why_it_did_not_start(tmp_path):
    with pytest.raises(RuntimeError, match="did not start"):
        UploadServer("tests.web.no_such_app:app", tmp_path).start()
