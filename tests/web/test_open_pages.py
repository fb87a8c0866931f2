"""Pages that are open: the websocket is for who is signed in, from our own pages, and its state is one account's."""

import asyncio

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from cues.library.accounts import Roles, begin_sign_in, create_account, sign_out_everywhere
from cues.library.models import Account
from cues.web.gate import ACCOUNT_HEADER, COOKIE

PATIENCE_S = 60


@pytest.fixture(scope="module")
def people(library):
    with library.writing() as db:
        ada, ben = (create_account(db, f"{n}@example.org", n.title(), Roles(trainee=True)) for n in ("ada", "ben"))
    return {"ada": ada, "ben": ben}


def sign_in(library, account):
    with library.writing() as db:
        return begin_sign_in(db, account, "here")


def opened(app, token, origin=None, session=None, **headers):
    """A websocket as a page opens it; `session` asks for the state of one that lost its connection."""
    headers |= {"Cookie": f"{COOKIE}={token}"} if token else {}
    return websockets.connect(
        app.address.replace("http", "ws") + "/_stcore/stream",
        additional_headers=headers,
        origin=app.address if origin is None else origin or None,
        subprotocols=["streamlit", "none", session] if session else ["streamlit"],
        max_size=None,
        open_timeout=PATIENCE_S,
    )


async def run_of_the_page(socket):
    """Asks for the page: the id of its state, and the words on it."""
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    await socket.send(asked.SerializeToString())
    session, words = "", []
    while True:
        message = ForwardMsg.FromString(await asyncio.wait_for(socket.recv(), PATIENCE_S))
        if message.HasField("new_session"):
            session, words = message.new_session.initialize.session_id, []
        if message.HasField("delta"):
            words.append(str(message.delta.new_element))
        if message.HasField("script_finished") and message.script_finished == message.FINISHED_SUCCESSFULLY:
            return session, " ".join(words)


async def answer(app, token, origin=None):
    try:
        async with opened(app, token, origin) as socket:
            return await run_of_the_page(socket)
    except (websockets.InvalidStatus, websockets.ConnectionClosed) as refusal:
        return type(refusal).__name__


def test_a_websocket_is_for_our_own_pages_and_who_is_signed_in(app, library, people):
    token, ended, closed = (sign_in(library, people["ada"]) for _ in range(3))
    closed = sign_in(library, people["ben"])
    with library.writing() as db:
        db.get_one(Account, people["ben"].id).active = False
    assert asyncio.run(answer(app, token))[0]
    for other in (None, "", "invented", closed, token[:-1], token + "x", f"{token}; {COOKIE}=invented"):
        assert asyncio.run(answer(app, other)) == "InvalidStatus", other
    for origin in ("", "null", "https://evil.example", app.address + ".evil.example", "http://127.0.0.1:1"):
        assert asyncio.run(answer(app, token, origin)) == "InvalidStatus", origin
    with library.writing() as db:
        db.get_one(Account, people["ben"].id).active = True
        sign_out_everywhere(db, people["ada"].id)
    assert asyncio.run(answer(app, ended)) == "InvalidStatus"


def test_the_state_of_a_page_comes_back_to_its_own_account_alone(app, library, people):
    """A tab that was left open, and somebody else who signs in in the same browser."""
    mine, again, theirs = (sign_in(library, people[name]) for name in ("ada", "ada", "ben"))
    header = {ACCOUNT_HEADER.decode(): people["ada"].uid}

    async def talk():
        async with opened(app, mine) as socket:
            session, _ = await run_of_the_page(socket)
        async with opened(app, again, session=session) as socket:
            back, _ = await run_of_the_page(socket)
        async with opened(app, theirs, session=session, **header) as socket:
            other, _ = await run_of_the_page(socket)
        return session, back, other

    session, back, other = asyncio.run(talk())
    assert session and back == session
    assert other and other != session


@pytest.mark.parametrize("end", ["signed out", "closed"])
def test_a_page_that_was_left_open_is_cut_off_when_the_sign_in_ends(app, library, people, end):
    async def talk(token):
        async with opened(app, token) as socket:
            await run_of_the_page(socket)
            with library.writing() as db:
                if end == "closed":
                    db.get_one(Account, people["ada"].id).active = False
                else:
                    sign_out_everywhere(db, people["ada"].id)
            try:
                _, words = await run_of_the_page(socket)  # at once: the page itself asks who is looking
            except websockets.ConnectionClosed:  # the first run took so long that it was not the page that asked
                return None
            await asyncio.sleep(2.1)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await run_of_the_page(socket)
            return words, closed.value.rcvd.code

    for _ in range(10):
        told = asyncio.run(talk(sign_in(library, people["ada"])))
        with library.writing() as db:
            db.get_one(Account, people["ada"].id).active = True
        if told is not None:
            break
    words, code = told
    assert "Signed out" in words and "Sessions" not in words
    assert code == 4401


@pytest.mark.parametrize("sent", [b"\xff" * 40, "text"])
def test_what_is_no_message_of_a_page_tells_nothing_of_the_machine(app, library, people, sent):
    token = sign_in(library, people["ada"])

    async def talk():
        heard = []
        async with opened(app, token) as socket:
            await run_of_the_page(socket)
            await socket.send(sent)
            try:
                while True:
                    heard.append(await asyncio.wait_for(socket.recv(), 2))
            except (TimeoutError, websockets.ConnectionClosed):
                return b"".join(heard)

    heard = asyncio.run(talk())
    assert b"site-packages" not in heard and b".py" not in heard, heard[:500]
