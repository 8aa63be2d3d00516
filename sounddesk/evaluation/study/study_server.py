"""`sounddesk study serve`: the pages of a study (paper, figure 11), for browsers in the local network.

Flask builds the pages and waitress serves them, which Pallets and Pylons keep; they need no process beside this one and
run wherever Python does. A listener is known by a code that only she has; the pages need no script, one counts down the
seconds where scripts run. Everything comes from this server.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Final

from sounddesk.domain.errors import BadInputError
from sounddesk.domain.errors import MissingPackageError
from sounddesk.evaluation.study.post_limit import PostLimit
from sounddesk.evaluation.study.study_design import ENDS
from sounddesk.evaluation.study.study_design import QUESTIONS
from sounddesk.evaluation.study.study_design import Criterion
from sounddesk.evaluation.study.study_file import MEDIA_FOLDER
from sounddesk.evaluation.study.study_file import Incident
from sounddesk.evaluation.study.study_file import Listener
from sounddesk.evaluation.study.study_file import StudyFile
from sounddesk.storage.html_page import render_template

if TYPE_CHECKING:
    from flask import Flask
    from flask import Response

_HERE: Final = Path(__file__).parent
_COOKIE: Final = "listener"
_COOKIE_DAYS: Final = 60
_MOST_BYTES: Final = 10_000
_PROXY_HEADERS: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")
_POLICY: Final = (
    "default-src 'none'; img-src 'self'; media-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAID: Final[dict[Incident, tuple[int, str]]] = {
    "posted twice": (409, "You have rated this sound already; your first ratings count. Here is the next one."),
    "another sample": (409, "That was not the sound that is next. Here it is."),
    "incomplete": (400, "Please answer every question before you go on."),
    "too early": (425, "Please take your time with this sound before you go on."),
}


def create_app(study: StudyFile, *, clock: Callable[[], float] = time.time, anyone: bool = False) -> Flask:
    """The pages of a study as a WSGI application.

    Args:
        clock: seconds since 1970.
        anyone: also answer addresses outside of the local network, and what comes through a proxy.

    Raises:
        MissingPackageError: Flask is not installed.
    """
    flask = _flask()
    app: Flask = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MOST_BYTES
    limit = PostLimit()
    request: Any = flask.request

    def listener() -> Listener | None:
        code = request.cookies.get(_COOKIE)
        if code is None:
            return None
        found = study.listener_of(code)
        if found is None:
            study.note("forged session", now=clock())
            flask.abort(403, "This session is not known here: begin again at the first page.")
        return found

    @app.before_request
    def refuse_strangers() -> None:
        # A proxy's own address says nothing of who is behind it, and what it says of them anybody can claim.
        proxied = any(name in request.headers for name in _PROXY_HEADERS)
        if not anyone and (proxied or not is_local(request.remote_addr or "")):
            flask.abort(403, "This study is for the local network only.")
        # A page elsewhere may have its own name resolved to this machine (DNS rebinding), but not change what is asked.
        if not anyone and not is_own_host(request.host):
            flask.abort(421, "This study is not served under that name: open the address that the server printed.")
        origin = request.headers.get("Origin")
        # Without the scheme, which a proxy may have changed.
        if request.method == "POST" and origin is not None and origin.partition("://")[2] != request.host:
            flask.abort(403, "This form comes from another page.")
        if request.method == "POST":
            over = limit.refused(request.remote_addr or "", now=clock())
            if over:
                if over == 1:
                    study.note("too many posts", now=clock())
                flask.abort(429, "Too many forms came from this address: wait a minute, then go back and send yours.")

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if not request.path.startswith("/media/"):
            response.headers["Cache-Control"] = "no-store"
        return response

    def page(name: str, *, status: int = 200, **values: Any) -> Response:
        text = render_template(_HERE / name, title=study.terms.title, **values)
        return flask.Response(text, status=status, mimetype="text/html")

    def with_code(response: Response, code: str) -> Response:
        response.set_cookie(_COOKIE, code, max_age=_COOKIE_DAYS * 86_400, httponly=True, samesite="Strict")
        return response

    def sample_page(
        who: Listener, *, status: int = 200, said: str = "", chosen: Mapping[Criterion, int] | None = None
    ) -> Response:
        if who.present is None:
            return page("study_end.html", rated=len(who.samples))
        shown_at = study.show(who, now=clock())
        sample = study.samples[who.present]
        return page(
            "study_sample.html",
            status=status,
            sample=sample,
            place=who.answered + 1,
            count=len(who.samples),
            questions=[(name, QUESTIONS[name], ENDS[name]) for name in sample.criteria],
            wait_s=max(0.0, shown_at + study.terms.least_seconds - clock()),
            least_s=study.terms.least_seconds,
            said=said,
            chosen=chosen or {},
        )

    @app.get("/")
    def start() -> Response:
        who = listener()
        if who is not None:
            return flask.redirect("/sample", 303)
        return page("study_start.html", said="", least_s=study.terms.least_seconds)

    @app.post("/begin")
    def begin() -> Response:
        code = study.add_listener(now=clock())
        shown = "-".join(code[place : place + 4] for place in range(0, len(code), 4))
        return with_code(page("study_code.html", code=shown), code)

    @app.post("/continue")
    def go_on() -> Response:
        code = str(request.form.get("code", "")).strip().lower().replace("-", "").replace(" ", "")
        if study.listener_of(code) is None:
            study.note("forged session", now=clock())
            said = "Nobody has this code: look at it again, or begin anew."
            return page("study_start.html", status=403, said=said, least_s=study.terms.least_seconds)
        return with_code(flask.redirect("/sample", 303), code)

    @app.get("/sample")
    def sample() -> Response:
        who = listener()
        return flask.redirect("/", 303) if who is None else sample_page(who)

    @app.post("/sample")
    def answer() -> Response:
        who = listener()
        if who is None:
            study.note("forged session", now=clock())
            return flask.abort(403, "Begin at the first page.")
        number, ratings = _form(request.form)
        refused = study.answer(who, number, ratings, now=clock())
        if refused is None:
            return flask.redirect("/sample", 303)
        status, said = _SAID[refused]
        again = study.listener_of(request.cookies[_COOKIE])
        keep = refused in ("incomplete", "too early")
        return sample_page(again or who, status=status, said=said, chosen=ratings if keep else None)

    @app.get("/media/<int:number>.<any(wav, jpg):kind>")
    def media(number: int, kind: str) -> Response:
        who = listener()
        # Only what she is rating: nobody looks ahead, and nobody without a session hears anything.
        if who is None or number != who.present:
            flask.abort(404)
        path = study.folder.resolve() / MEDIA_FOLDER / f"{number}.{kind}"
        # A study may come from anybody: a link in it would hand out a file of whoever serves it, a pipe would wait.
        if path.resolve() != path or not path.is_file():
            flask.abort(404)
        return flask.send_file(path, conditional=True)

    @app.get("/favicon.ico")
    def icon() -> Response:
        # Browsers ask, and would tell the listener's console of a fault.
        return flask.Response(status=204)

    @app.get("/study.js")
    def script() -> Response:
        return flask.send_file((_HERE / "study.js").resolve(), mimetype="text/javascript")

    return app


def serve(study: StudyFile, *, host: str, port: int, anyone: bool, tell: Callable[[str], None]) -> None:
    """Serve a study until Ctrl-C.

    Raises:
        MissingPackageError: Flask or waitress is not installed.
        BadInputError: the address cannot be had.
    """
    app = create_app(study, anyone=anyone)
    try:
        import waitress
    except ImportError as error:
        raise _missing() from error
    try:
        # Headers of proxies are left in, since `create_app` refuses by them.
        server = waitress.create_server(
            app, host=host, port=port, threads=4, ident=None, clear_untrusted_proxy_headers=False
        )
    except OSError as error:
        raise BadInputError(
            f"{host}:{port} cannot be had ({error.strerror or error}): choose another --port"
        ) from error
    for address in _addresses(host):
        tell(f"http://{address}:{server.effective_port}/")
    try:
        server.run()
    finally:
        server.close()


def is_local(address: str) -> bool:
    """Whether an address is this machine's or of a private network.

    Example:
        >>> is_local("192.168.1.20"), is_local("8.8.8.8")
        (True, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return found.is_loopback or found.is_private or found.is_link_local


def is_own_host(host: str) -> bool:
    """Whether a `Host` is an address, or a name that this machine gives itself and no page elsewhere can have.

    Example:
        >>> is_own_host("192.168.1.20:8765"), is_own_host("localhost:8765"), is_own_host("rebound.example:8765")
        (True, True, False)
    """
    name = host.rpartition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        own = socket.gethostname().lower()
        return name.lower().rstrip(".") in {"localhost", own, f"{own.partition('.')[0]}.local"}
    return True


def _form(form: Any) -> tuple[int, dict[Criterion, int]]:
    """Number of the sample and the ratings of a form; what is no rating is left out, and then missed."""
    text = str(form.get("sample", ""))
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    ratings = {name: int(value) for name in QUESTIONS if (value := form.get(name)) in ("1", "2", "3", "4", "5")}
    return number, ratings


def _addresses(host: str) -> list[str]:
    """What listeners may type."""
    if host not in ("", "0.0.0.0", "::"):  # compared, not bound
        return [f"[{host}]" if ":" in host else host]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: it asks the system which of its addresses faces the network.
            probe.connect(("192.0.2.1", 9))
            own = [str(probe.getsockname()[0])]
        except OSError:
            own = []
    return [*own, "127.0.0.1"]


def _flask() -> Any:
    try:
        import flask
    except ImportError as error:
        raise _missing() from error
    return flask


def _missing() -> MissingPackageError:
    return MissingPackageError("a study is served by Flask and waitress", remedy="pip install 'sounddesk[study]'")
