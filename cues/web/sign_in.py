"""The pages that are no Streamlit pages: signing in and out, and setting a password by an invitation.

They work without scripts. What people typed is escaped wherever it is shown again.
"""

import hmac
import secrets
import threading
from collections.abc import Callable
from html import escape
from urllib.parse import parse_qs

from anyio import CapacityLimiter, to_thread
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from cues.library.accounts import (
    LONGEST,
    PASSWORD_LEAST,
    AccountError,
    accept_invitation,
    begin_sign_in,
    check_password,
    invited,
    owner_of_library,
    refuse_code,
    sign_out,
    sign_out_everywhere,
)
from cues.library.database import Library
from cues.library.models import Account
from cues.web.gate import COOKIE, SIGN_IN, SIGNED_IN, Visitor, visitor_of
from cues.web.settings import Settings

SIGN_OUT = "/sign-out"
_LONGEST_FORM = 8192  # bytes
_WRONG = "E-mail address and password do not belong together."

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
:root {{ color-scheme: light dark; --ink: #24282d; --ground: #fdfdfb; --line: #8a9097; --strong: #2f6f9f; --on: #fff }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6e7e8; --ground: #16191e; --line: #757c85; --strong: #6faedb;
 --on: #101317 }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); margin: 0 }}
main {{ max-width: 24rem; margin: 12vh auto 0; padding: 0 1.25rem }}
h1 {{ font: 600 1.6rem/1.25 Georgia, serif; margin: 0 0 1.25rem }}
label {{ display: block; margin: 0 0 1rem }}
input {{ box-sizing: border-box; width: 100%; font: inherit; color: inherit; background: transparent;
 padding: .55rem .6rem; border: 1px solid var(--line); border-radius: 4px; margin-top: .25rem }}
button {{ font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 0; border-radius: 4px; color: var(--on);
 background: var(--strong); cursor: pointer }}
input:focus-visible, button:focus-visible {{ outline: 3px solid var(--strong); outline-offset: 2px }}
a {{ color: inherit }}
[role=alert] {{ border-left: 4px solid #b8740f; padding: .3rem .75rem; margin: 0 0 1.25rem }}
</style></head><body><main><h1>{title}</h1>{said}{body}</main></body></html>"""


class OneTimeCode:
    """The code in the address that the program prints at its start; it works once."""

    def __init__(self) -> None:
        self.code = secrets.token_urlsafe(24)
        self._lock, self._used = threading.Lock(), False

    def use(self, code: str) -> bool:
        """Whether this is the code and nobody used it before."""
        with self._lock:
            right = not self._used and hmac.compare_digest(code.encode(), self.code.encode())
            self._used |= right
        return right


def sign_in_routes(library: Callable[[], Library], settings: Settings, code: OneTimeCode) -> list[Route]:
    """Sign-in, invitation, sign-out. `library` gives the open library."""
    one_at_a_time = CapacityLimiter(1)

    async def page(request: Request) -> Response:
        after = _own_path(request.query_params.get("after", ""))
        given = request.query_params.get("code")
        if given is None:
            return _sign_in_form(after)
        try:
            token = await run_in_threadpool(_by_code, library(), code, given, request)
        except AccountError as problem:
            return _sign_in_form(after, str(problem), 429)
        if token is None:
            said = "This code was used already, or belongs to an earlier start. Start the program again for a new one."
            return _sign_in_form(after, said, 403)
        return _welcome(token, after, settings.secure)

    async def enter(request: Request) -> Response:
        form = await _form(request)
        after = _own_path(form.get("after", ""))
        email, password = form.get("email", ""), form.get("password", "")
        try:
            # Whoever waits for their turn holds no thread that serves others.
            token = await to_thread.run_sync(_by_password, library(), email, password, request, limiter=one_at_a_time)
        except AccountError as problem:
            return _sign_in_form(after, str(problem), 429)
        if token is None:
            return _sign_in_form(after, _WRONG, 403)
        return _welcome(token, after, settings.secure)

    async def invitation(request: Request) -> Response:
        token = request.path_params["token"]
        account = await run_in_threadpool(_invited, library(), token)
        if account is None:
            return _answer("Invitation", "", "This invitation is not valid any more. Ask for a new one.", 404)
        if request.method == "GET":
            return _password_form(account)
        form = await _form(request)
        password = form.get("password", "")
        if password != form.get("again", ""):
            return _password_form(account, "The two passwords differ.", 400)
        try:
            entered = await run_in_threadpool(_by_invitation, library(), token, password, request)
        except AccountError as problem:
            return _password_form(account, str(problem), 400)
        return _welcome(entered, "/", settings.secure)

    async def who(request: Request) -> Response:
        visitor = visitor_of(request)
        return PlainTextResponse("" if visitor is None else visitor.account.uid, headers={"Cache-Control": "no-store"})

    async def leaving(request: Request) -> Response:
        visitor = visitor_of(request)
        return _sign_in_form("/") if visitor is None else _sign_out_form(visitor)

    async def leave(request: Request) -> Response:
        visitor, form = visitor_of(request), await _form(request)
        if visitor is None or not hmac.compare_digest(form.get("form_token", ""), visitor.form_token):
            return PlainTextResponse("This form is out of date. Load the page again.", 403)
        everywhere = form.get("everywhere") == "yes"
        await run_in_threadpool(_leave, library(), visitor.token, visitor.account.id, everywhere)
        answer = RedirectResponse(SIGN_IN, 303)
        answer.delete_cookie(COOKIE)
        return answer

    return [
        Route(SIGN_IN, page, methods=["GET"]),
        Route(SIGN_IN, enter, methods=["POST"]),
        Route("/invitation/{token}", invitation, methods=["GET", "POST"]),
        Route(SIGN_OUT, leaving, methods=["GET"]),
        Route(SIGN_OUT, leave, methods=["POST"]),
        Route(SIGNED_IN, who, methods=["GET"]),
    ]


def _by_code(library: Library, code: OneTimeCode, given: str, request: Request) -> str | None:
    with library.writing() as db:
        if not code.use(given):
            refuse_code(db, _address(request))
            return None
        return _begin(db, owner_of_library(db), request)


def _by_password(library: Library, email: str, password: str, request: Request) -> str | None:
    account = check_password(library, email, password, _address(request))
    if account is None:
        return None
    with library.writing() as db:
        return _begin(db, account, request)


def _invited(library: Library, token: str) -> Account | None:
    with library.reading() as db:
        return invited(db, token)


def _by_invitation(library: Library, token: str, password: str, request: Request) -> str:
    with library.writing() as db:
        return _begin(db, accept_invitation(db, token, password), request)


def _begin(db: Session, account: Account, request: Request) -> str:
    """A new sign-in; the one that this browser had before, anybody's, ends."""
    before = visitor_of(request)
    if before is not None:
        sign_out(db, before.token)
    return begin_sign_in(db, account, _address(request))


def _leave(library: Library, token: str, account_id: int, everywhere: bool) -> None:
    with library.writing() as db:
        sign_out(db, token)
        if everywhere:
            sign_out_everywhere(db, account_id)


async def _form(request: Request) -> dict[str, str]:
    """The fields of a form; a body that is too long is cut, which makes its last field wrong, not the server slow."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM:
            break
    fields = parse_qs(body[:_LONGEST_FORM].decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _own_path(after: str) -> str:
    """Where to go after signing in: a path of this application, never another site."""
    usable = after.startswith("/") and not after.startswith("//") and "\\" not in after and after.isprintable()
    return after if usable else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _welcome(token: str, after: str, secure: bool) -> Response:
    answer = RedirectResponse(after, 303)
    answer.set_cookie(COOKIE, token, max_age=int(LONGEST.total_seconds()), httponly=True, samesite="lax", secure=secure)
    return answer


def _sign_in_form(after: str, said: str = "", status: int = 200) -> Response:
    body = (
        f'<form method="post" action="{SIGN_IN}"><input type="hidden" name="after" value="{escape(after)}">'
        '<label>E-mail address<input name="email" type="email" autocomplete="username" required autofocus></label>'
        '<label>Password<input name="password" type="password" autocomplete="current-password" required></label>'
        "<button>Sign in</button></form>"
    )
    return _answer("Sign in", body, said, status)


def _sign_out_form(visitor: Visitor) -> Response:
    token = escape(visitor.form_token)
    body = (
        f"<p>You are signed in as {escape(visitor.account.name)}.</p>"
        f'<form method="post" action="{SIGN_OUT}"><input type="hidden" name="form_token" value="{token}">'
        '<p><button>Sign out here</button></p><p><button name="everywhere" value="yes">Sign out everywhere</button></p>'
        '</form><p><a href="/">Back</a></p>'
    )
    return _answer("Sign out", body)


def _password_form(account: Account, said: str = "", status: int = 200) -> Response:
    fields = "".join(
        f'<label>{label}<input name="{name}" type="password" autocomplete="new-password" minlength="{PASSWORD_LEAST}" '
        "required></label>"
        for name, label in (("password", f"Password, at least {PASSWORD_LEAST} characters"), ("again", "Once more"))
    )
    body = (
        f"<p>{escape(account.name)}, you sign in as <strong>{escape(account.email)}</strong>.</p>"
        f'<form method="post">{fields}<button>Set the password</button></form>'
    )
    return _answer("Welcome", body, said, status)


def _answer(title: str, body: str, said: str = "", status: int = 200) -> Response:
    alert = f'<p role="alert">{escape(said)}</p>' if said else ""
    return HTMLResponse(_PAGE.format(title=escape(title), said=alert, body=body), status)
