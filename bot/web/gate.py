"""The gate in front of everything that is served: one small ASGI application that we own.

Gradio brings some ninety routes and checks little of what comes in. The gate lets through only the routes on its
list, reads no body over 16 KB, lets only the functions meant for it be called, answers 503 when too much is under
way and 429 when one client hammers, refuses foreign `Host` and `Origin` headers, and adds the security headers.

It knows nothing of questions and answers. Sizes in bytes, times in seconds, all clocks monotonic.
"""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import os
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY = 16 * 1024
MAX_QUERY = 16 * 1024  # a link may hold a question of 2,000 Han characters, nine bytes each
BODY_DEADLINE = 10.0  # for the whole body; a client that trickles it is cut
TOKEN_LIFE = 30.0  # a question whose answer is never fetched frees its place after this
MAX_CLIENTS = 10_000  # buckets remembered

JOIN = "/gradio_api/queue/join"
DATA = "/gradio_api/queue/data"
HEARTBEAT = "/gradio_api/heartbeat/"

_NAME = r"[A-Za-z0-9_.\-]{1,120}"
# What the page needs of Gradio, found by watching a browser load it and chat. Everything else of Gradio is shut.
GRADIO_ROUTES: tuple[tuple[str, str], ...] = (
    ("GET", r"/"),
    ("GET", rf"/assets/{_NAME}"),
    ("GET", rf"/static/(fonts/{_NAME}|js|img)/{_NAME}"),
    ("GET", r"/theme\.css"),
    ("GET", rf"{HEARTBEAT}[A-Za-z0-9]{{1,40}}"),
    ("GET", DATA),
    ("GET", r"/gradio_api/app_id"),  # a random number by which an open page knows that the server is back
    ("POST", JOIN),
)
OWN_ROUTES: tuple[tuple[str, str], ...] = (
    ("GET", r"/healthz"),
    ("GET", r"/readyz"),
    ("GET", r"/favicon\.ico"),
    ("GET", r"/bot/app\.(js|css)"),
    ("GET", r"/api/v1/(page|lookup|table|table\.csv|table\.xlsx)"),
    ("GET", rf"/api/v1/guide/{_NAME}"),
    ("GET", r"/api/v1/clause/[^/]{1,400}"),
    ("POST", r"/api/v1/(ask|feedback)"),
)
STAFF_ROUTES: tuple[tuple[str, str], ...] = (
    ("GET", r"/staff"),
    ("POST", r"/staff/(login|logout)"),
    ("GET", r"/staff/cases\.jsonl"),
)
_COSTLY = frozenset({"/api/v1/lookup", "/api/v1/table", "/api/v1/table.csv", "/api/v1/table.xlsx"})
_JOIN_KEYS = frozenset({"data", "event_data", "fn_index", "trigger_id", "session_hash"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_CONTROL = dict.fromkeys(c for c in range(32) if c not in (9, 10)) | {127: None}


def security_headers(nonce: str) -> list[tuple[bytes, bytes]]:
    """The headers of every response. Scripts: our origin and the page's own nonce, no eval, nothing inline."""
    policy = (
        "default-src 'self'; "
        f"script-src 'self' 'nonce-{nonce}'; "
        "style-src 'self' 'unsafe-inline'; "  # Gradio's components set styles in the page
        "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'self'; "
        "frame-src 'none'; frame-ancestors 'none'; object-src 'none'; worker-src 'none'; manifest-src 'self'"
    )
    return [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ]


@dataclass(frozen=True, slots=True)
class GateSettings:
    """What the gate is told. `functions` are the numbers of the Gradio functions that may be called."""

    functions: frozenset[int] = frozenset()
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    root_path: str = ""
    max_in_flight: int = 32
    rate_per_minute: int = 240
    staff: bool = False
    rewrite: Callable[[bytes], bytes] = bytes  # of the page's HTML, before its scripts get the nonce


class Refused(Exception):
    """A request that stops at the gate."""

    def __init__(self, status: int, message: str, *, retry: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.retry = retry


class Buckets:
    """Token buckets by key: `rate` a minute, as many at once at first. The oldest key is forgotten when full."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """0 when the request may pass (and is counted), else the seconds until one more may."""
        now = self._clock()
        left, at = self._buckets.pop(key, (self.rate, now))
        left = min(self.rate, left + max(0.0, now - at) * self.rate / 60)
        passes = left >= 1
        self._buckets[key] = (left - 1 if passes else left, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1 - left) * 60 / self.rate


class Admission:
    """Counts what is under way. A question asked through the queue counts until its stream of events ends."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._running = 0
        self._waiting: OrderedDict[int, tuple[str, float]] = OrderedDict()  # token → session, deadline
        self._next = 0

    def __len__(self) -> int:
        now = self._clock()
        while self._waiting:
            token, (_, deadline) = next(iter(self._waiting.items()))
            if deadline > now:
                break
            del self._waiting[token]
        return self._running + len(self._waiting)

    def enter(self) -> None:
        if len(self) >= self.limit:
            raise Refused(503, "现在提问的人很多，请稍等几秒再试。 Busy, please try again in a few seconds.", retry=2)
        self._running += 1

    def leave(self) -> None:
        self._running -= 1

    def wait_for(self, session: str) -> int:
        """Turn one running request into a question that waits for its stream; returns its token."""
        self._running -= 1
        self._next += 1
        self._waiting[self._next] = (session, self._clock() + TOKEN_LIFE)
        return self._next

    def drop(self, token: int) -> None:
        self._waiting.pop(token, None)

    def finish(self, session: str) -> None:
        for token in [t for t, (s, _) in self._waiting.items() if s == session]:
            del self._waiting[token]


def clean(value: Any) -> Any:
    """JSON as it came, without control characters but tab and newline, lone surrogates as U+FFFD."""
    if isinstance(value, str):
        return value.translate(_CONTROL).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [clean(v) for v in value]
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return value


def host_of(value: str) -> str:
    """The host of a Host header or an origin, lower case, without port; "" when it is malformed."""
    match = re.fullmatch(r"(?:https?://)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.\-]{1,253})(?::\d{1,5})?", value.strip())
    return match[1].strip("[]").rstrip(".").lower() if match else ""


def _is_in(address: str, networks: Iterable[str]) -> bool:
    try:
        ip = ipaddress.ip_address(address)
        return any(ip in ipaddress.ip_network(n, strict=False) for n in networks)
    except ValueError:
        return False


class Gate:
    """ASGI: `Gate(app, settings)`. `draining` is set when the process is asked to stop."""

    def __init__(self, app: App, settings: GateSettings) -> None:
        self.app = app
        self.settings = settings
        self.admission = Admission(settings.max_in_flight)
        self.draining = asyncio.Event()
        self._asks = Buckets(settings.rate_per_minute)
        self._sessions = Buckets(max(20.0, settings.rate_per_minute / 4))
        self._reads = Buckets(settings.rate_per_minute * 5)
        self._logins = Buckets(5)
        routes = GRADIO_ROUTES + OWN_ROUTES + (STAFF_ROUTES if settings.staff else ())
        self._routes = [(method, re.compile(pattern)) for method, pattern in routes]
        self._root = settings.root_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # a websocket: none of ours
            await send({"type": "websocket.close", "code": 1008})
            return
        nonce = base64.b64encode(os.urandom(16)).decode()
        send = _with_headers(send, nonce, scope)
        try:
            await self._http(scope, receive, send, nonce)
        except Refused as refused:
            await _refuse(send, refused)

    async def _http(self, scope: Scope, receive: Receive, send: Send, nonce: str) -> None:
        client = self._trust(scope)
        headers = _headers(scope)
        self._check_host(scope, headers)
        if self._strip_root(scope):
            await _redirect(send, self._root + "/")
            return
        path, method = str(scope["path"]), str(scope["method"])
        self._check_route(method, path)
        if len(scope.get("query_string", b"")) > MAX_QUERY:
            raise Refused(414, "链接太长。 The link is too long.")
        if path.startswith(HEARTBEAT):
            await self._until_draining(scope, receive, send)
        elif path == DATA:
            await self._data(scope, receive, send)
        elif method == "POST":
            await self._post(scope, receive, send, path, client, headers)
        elif path in _COSTLY:
            self._limit(self._reads, client)
            await self._counted(scope, receive, send)
        elif path == "/":
            scope["headers"] = [(k, v) for k, v in scope["headers"] if k != b"accept-encoding"]  # it is rewritten
            await self.app(scope, receive, _with_nonce(send, nonce, self.settings.rewrite))
        else:
            await self.app(scope, receive, send)

    # who asks, under which name

    def _trust(self, scope: Scope) -> str:
        """The client's address. Forwarding headers count only from a listed proxy and are dropped otherwise."""
        peer = str((scope.get("client") or ("", 0))[0])
        proxies = self.settings.trusted_proxies
        if not _is_in(peer, proxies):
            scope["headers"] = [
                (k, v) for k, v in scope["headers"] if not k.startswith(b"x-forwarded-") and k != b"forwarded"
            ]
            return peer
        headers = _headers(scope)
        if headers.get("x-forwarded-proto", "").split(",")[0].strip() in ("http", "https"):
            scope["scheme"] = headers["x-forwarded-proto"].split(",")[0].strip()
        for address in reversed([a.strip() for a in headers.get("x-forwarded-for", "").split(",") if a.strip()]):
            peer = address
            if not _is_in(address, proxies):
                break
        return peer

    def _allowed(self, host: str, scope: Scope) -> bool:
        names = self.settings.allowed_hosts
        if not host:
            return False
        if "*" in names or host in _LOOPBACK or host in {n.lower() for n in names}:
            return True
        # The bare address that the connection came in on: rebinding a name cannot forge it.
        return host == str((scope.get("server") or ("",))[0]) and bool(re.fullmatch(r"[0-9a-f.:]+", host))

    def _check_host(self, scope: Scope, headers: dict[str, str]) -> None:
        for name in ("host", "x-forwarded-host"):
            if (name == "host" or name in headers) and not self._allowed(host_of(headers.get(name, "")), scope):
                raise Refused(
                    421, "此地址未获允许，请管理员把它加入 allowed_hosts。 Add this host to allowed_hosts to serve it."
                )
        if "origin" in headers and not self._allowed(host_of(headers["origin"]), scope):
            raise Refused(403, "不接受来自其他网站的请求。 Requests from other sites are not accepted.")
        if scope["method"] not in ("GET", "HEAD") and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            raise Refused(403, "不接受来自其他网站的请求。 Requests from other sites are not accepted.")

    def _strip_root(self, scope: Scope) -> bool:
        """Take the public prefix off the path, whether or not the proxy already has; True for the bare prefix."""
        path = str(scope["path"])
        if not self._root:
            return False
        if path == self._root:
            return True
        if path.startswith(self._root + "/"):
            scope["path"] = path[len(self._root) :]
            scope["raw_path"] = str(scope["path"]).encode("utf-8", "replace")
        return False

    def _check_route(self, method: str, path: str) -> None:
        known = [m for m, pattern in self._routes if pattern.fullmatch(path)]
        if ".." in path or not known:
            raise Refused(404, "没有这个页面。 No such page.")
        if method not in known and not (method == "HEAD" and "GET" in known):
            raise Refused(405, "不支持这种请求。 Method not allowed.")

    # how much

    def _limit(self, buckets: Buckets, key: str) -> None:
        wait = buckets.wait(key)
        if wait:
            raise Refused(429, "提问太频繁，请稍后再试。 Too many requests, please wait a little.", retry=wait)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._admit()
        try:
            await self.app(scope, receive, send)
        finally:
            self.admission.leave()

    def _admit(self) -> None:
        if self.draining.is_set():
            raise Refused(503, "服务正在重启，请稍后再试。 Restarting, please try again.", retry=5)
        self.admission.enter()

    async def _post(
        self, scope: Scope, receive: Receive, send: Send, path: str, client: str, headers: dict[str, str]
    ) -> None:
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise Refused(413, "内容太长，请缩短问题。 Too long, please shorten the question.")
        self._limit(self._logins if path == "/staff/login" else self._asks, client)
        self._admit()
        token = 0
        running = True
        try:
            body = await _read(receive)
            if path != "/staff/login" and path != "/staff/logout":
                document = _json(body)
                if path == JOIN:
                    document = self._join(document)
                    self._limit(self._sessions, document["session_hash"])
                    token = self.admission.wait_for(document["session_hash"])
                    running = False
                body = json.dumps(document, ensure_ascii=False).encode()
            scope["headers"] = [
                (k, v) for k, v in scope["headers"] if k not in (b"content-length", b"transfer-encoding")
            ] + [(b"content-length", str(len(body)).encode())]
            status = await _status_of(self.app, scope, _body(body, receive), send)
            if token and status != 200:
                self.admission.drop(token)
        except BaseException:
            if token:
                self.admission.drop(token)
            raise
        finally:
            if running:
                self.admission.leave()

    def _join(self, document: Any) -> dict[str, Any]:
        """A call of one of our functions with plain values, and nothing more; else 404 or 400."""
        number = document.get("fn_index") if isinstance(document, dict) else None
        if type(number) is not int or number not in self.settings.functions:
            raise Refused(404, "没有这个功能。 No such function.")
        data = document.get("data")
        session = document.get("session_hash")
        if not isinstance(data, list) or not all(v is None or isinstance(v, str) for v in data):
            raise Refused(400, "请求格式不对。 Malformed request.")
        if not isinstance(session, str) or not re.fullmatch(r"[A-Za-z0-9]{1,40}", session):
            raise Refused(400, "请求格式不对。 Malformed request.")
        kept = {k: v for k, v in document.items() if k in _JOIN_KEYS}
        kept["event_data"] = None
        if not isinstance(kept.get("trigger_id"), int):
            kept["trigger_id"] = None
        return kept

    # streams

    async def _data(self, scope: Scope, receive: Receive, send: Send) -> None:
        session = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[0]
        try:
            await self.app(scope, receive, send)
        finally:
            self.admission.finish(session)

    async def _until_draining(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A heartbeat lives as long as its page is open; when the server stops, its stream is ended properly."""
        started = ended = False

        async def note(message: Message) -> None:
            nonlocal started, ended
            if ended:
                return
            started = started or message["type"] == "http.response.start"
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        if self.draining.is_set():
            raise Refused(503, "服务正在重启，请稍后再试。 Restarting, please try again.", retry=5)
        stream = asyncio.ensure_future(self.app(scope, receive, note))
        stop = asyncio.ensure_future(self.draining.wait())
        try:
            await asyncio.wait({stream, stop}, return_when=asyncio.FIRST_COMPLETED)
            if stream.done():
                await stream  # raises what it raised
            elif started:
                stream.cancel()
                await asyncio.wait({stream})
                await note({"type": "http.response.body", "body": b""})
        finally:
            stop.cancel()
            stream.cancel()


def _headers(scope: Scope) -> dict[str, str]:
    return {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}


async def _read(receive: Receive) -> bytes:
    """The body, at most MAX_BODY bytes, within BODY_DEADLINE."""
    body = b""
    try:
        async with asyncio.timeout(BODY_DEADLINE):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Refused(400, "请求中断。 The request broke off.")
                body += bytes(message.get("body", b""))
                if len(body) > MAX_BODY:
                    raise Refused(413, "内容太长，请缩短问题。 Too long, please shorten the question.")
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        raise Refused(408, "请求超时。 The request took too long.") from None


def _json(body: bytes) -> Any:
    try:
        return clean(json.loads(body.decode("utf-8"), parse_constant=lambda _: None))
    except (ValueError, RecursionError):
        raise Refused(400, "请求格式不对。 Malformed request.") from None


def _body(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _status_of(app: App, scope: Scope, receive: Receive, send: Send) -> int:
    status = 0

    async def note(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = int(message["status"])
        await send(message)

    await app(scope, receive, note)
    return status


def _with_headers(send: Send, nonce: str, scope: Scope) -> Send:
    ours = security_headers(nonce)
    names = {k for k, _ in ours} | {b"server", b"access-control-allow-origin", b"access-control-allow-credentials"}

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = dict(message)
            headers = [(k, v) for k, v in message.get("headers", ()) if k.lower() not in names] + ours
            if scope["scheme"] == "https":  # browsers ignore it, with a complaint, on plain http
                headers.append((b"cross-origin-opener-policy", b"same-origin"))
            if message["status"] == 200 and str(scope["path"]).startswith("/assets/"):  # their names hold a hash
                headers = [(k, v) for k, v in headers if k.lower() != b"cache-control"]
                headers.append((b"cache-control", b"public, max-age=31536000, immutable"))
            if any(k.lower() == b"content-type" and v.startswith(b"text/event-stream") for k, v in headers):
                headers.append((b"x-accel-buffering", b"no"))  # nginx would hold the events back
            message["headers"] = headers
        await send(message)

    return with_headers


def _with_nonce(send: Send, nonce: str, rewrite: Callable[[bytes], bytes]) -> Send:
    """Give the page's own inline scripts the nonce. Gradio writes every value in it with `<` escaped."""
    start: Message = {}
    parts: list[bytes] = []

    async def with_nonce(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        page = rewrite(b"".join(parts)).replace(b"<script", b'<script nonce="%s"' % nonce.encode())
        kept = [(k, v) for k, v in start.get("headers", ()) if k.lower() not in (b"content-length", b"cache-control")]
        kept += [(b"content-length", str(len(page)).encode()), (b"cache-control", b"no-store")]
        await send({**start, "headers": kept})
        await send({"type": "http.response.body", "body": page})

    return with_nonce


async def _redirect(send: Send, to: str) -> None:
    headers = [(b"location", to.encode("ascii", "ignore")), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 307, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(send: Send, refused: Refused) -> None:
    body = json.dumps({"error": str(refused), "detail": str(refused)}, ensure_ascii=False).encode()
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if refused.retry:
        headers.append((b"retry-after", str(max(1, round(refused.retry))).encode()))
    if refused.status in (408, 413):
        headers.append((b"connection", b"close"))  # what is left of the body is not read
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
