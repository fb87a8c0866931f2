"""A form to print and sign: what one recorded person agrees to."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from cues.library.consents import PURPOSES

ADDRESS = "/consent-form"

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>Consent to a recorded practice session</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ font: 12pt/1.5 Georgia, serif; max-width: 42rem; margin: 2rem auto; padding: 0 1.25rem; color: #111;
 background: #fff }}
h1 {{ font-size: 18pt }} .line {{ border-bottom: 1px solid #333; height: 2.2rem; margin-top: .6rem }}
li {{ list-style: none; margin: .4rem 0 }} ul {{ padding: 0 }}
li::before {{ content: "\\2610"; display: inline-block; width: 1.8rem; font-size: 14pt }}
@media print {{ p.screen {{ display: none }} }}
</style></head><body><p class="screen">Print this page with your browser. <a href="/">Back</a></p>
<h1>Consent to a recorded practice session</h1>
<p>A practice session of a trainee in psychotherapy or counselling is recorded with picture and sound. I agree to what
is ticked below. I may leave out any of it without giving a reason.</p>
<ul>{purposes}</ul>
<p>What the automatic analysis does: a program on the trainee's or the clinic's own computer reads from the recording
where each person's eyes and head are turned, how far the head leans, and smiles. It does not recognise who I am, does
not read emotions and does not listen to what is said. Nothing is sent to anybody else. Nobody is graded.</p>
<p>What a clip for teaching is: at most two minutes without sound, with faces blurred or people as drawn figures.
Whoever knows me may still recognise me, by how I move and, where it is not drawn, by hair, clothes and the room. Clips
and reports that were taken out of the program cannot be deleted by it.</p>
<p>The recording and everything made from it are deleted on the date below at the latest. I can withdraw this consent at
any time without giving a reason: then the recording and everything made from it are deleted at once, and I am told what
had been taken out of the program before.</p>
<p>Date of the session:</p><div class="line"></div>
<p>Kept until:</p><div class="line"></div>
<p>Whom I tell when I want to withdraw:</p><div class="line"></div>
<p>Name, date, signature:</p><div class="line"></div>
</body></html>"""


def consent_form_route() -> Route:
    """The form, for whoever is signed in."""

    async def form(_: Request) -> Response:
        purposes = "".join(f"<li>{escape(words[0].upper() + words[1:])}</li>" for words in PURPOSES.values())
        return HTMLResponse(_PAGE.format(purposes=purposes))

    return Route(ADDRESS, form)
