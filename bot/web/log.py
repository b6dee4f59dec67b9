"""What was asked and answered, and what people thought of it, in SQLite. It never delays or breaks an answer.

One thread writes; callers only put a row in a bounded buffer. Phone numbers, identity numbers, bank cards and
e-mail addresses are masked before a row enters the buffer, so they reach neither the disk nor a temporary file.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import queue
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

logger = logging.getLogger("bot.log")

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS asked(
    id TEXT PRIMARY KEY, at TEXT NOT NULL, session TEXT NOT NULL, question TEXT NOT NULL, history TEXT NOT NULL,
    language TEXT NOT NULL, understood TEXT NOT NULL, status TEXT NOT NULL, answer TEXT NOT NULL,
    citations TEXT NOT NULL, confidence REAL, latency_ms REAL, fingerprint TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS asked_at ON asked(at);
CREATE TABLE IF NOT EXISTS feedback(
    asked_id TEXT PRIMARY KEY REFERENCES asked(id) ON DELETE CASCADE, at TEXT NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('up', 'down')), reason TEXT NOT NULL);
"""
BUFFER = 10_000  # rows that may wait while the database is locked
BUSY_SECONDS = 2.0
PURGE_EVERY = 3600.0

_DIGIT_FOLD = {0xFF10 + d: str(d) for d in range(10)} | {
    0xFF0D: "-",
    0xFF20: "@",
    0xFF0E: ".",
    0xFF38: "X",
    0xFF58: "x",
}
_GAP = r"[ \t\u00a0\u2010-\u2015\-·.]?"
_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+ ?@ ?[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
_IDENTITY = re.compile(rf"(?<!\d)(?:\d{_GAP}){{17}}[\dXx](?!\d)|(?<!\d)\d{{15}}(?!\d)")
_CARD = re.compile(rf"(?<!\d)(?:\d{_GAP}){{15,18}}\d(?!\d)")
_MOBILE = re.compile(rf"(?<!\d)(?:\(?(?:\+|00)?86\)?[ \-]?)?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)(?:(?:\+|00)86[ \-]?)?\(?0\d{2,3}\)?[ \-－—]?\d{7,8}(?:[ \-]\d{1,6})?(?!\d)")


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def luhn(number: str) -> bool:
    """The check of bank cards (ISO/IEC 7812-1)."""
    total = 0
    for i, c in enumerate(reversed(number)):
        d = int(c) * (2 if i % 2 else 1)
        total += d - 9 if d > 9 else d
    return total % 10 == 0


def identity(number: str) -> bool:
    """The check character of an 18-digit resident identity number (GB 11643), or a 15-digit one with a real date."""
    if len(number) == 18:
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(c) * w for c, w in zip(number, weights, strict=False))
        plausible = 1 <= int(number[10:12]) <= 12 and 1 <= int(number[12:14]) <= 31
        return plausible or "10X98765432"[total % 11] == number[17].upper()
    return len(number) == 15 and 1 <= int(number[8:10]) <= 12 and 1 <= int(number[10:12]) <= 31


def mask(text: str) -> str:
    """`text` with personal numbers and addresses replaced by what they were: 〔电话〕〔证件号〕〔银行卡〕〔邮箱〕."""
    folded = text.translate(_DIGIT_FOLD)  # one character for one: offsets hold

    def found() -> Iterator[tuple[int, int, str]]:
        for m in _EMAIL.finditer(folded):
            yield m.start(), m.end(), "〔邮箱〕"
        for m in _IDENTITY.finditer(folded):
            if identity(re.sub(r"[^\dXx]", "", m[0])):
                yield m.start(), m.end(), "〔证件号〕"
        for m in _CARD.finditer(folded):
            if luhn(_digits(m[0])):
                yield m.start(), m.end(), "〔银行卡〕"
        for pattern in (_MOBILE, _LANDLINE):
            for m in pattern.finditer(folded):
                yield m.start(), m.end(), "〔电话〕"

    out: list[str] = []
    at = 0
    for start, end, name in sorted(found(), key=lambda f: (f[0], -f[1])):
        if start >= at:
            out += [text[at:start], name]
            at = end
        elif end > at:
            at = end
    return "".join([*out, text[at:]]).replace("\x00", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question and its answer, as the log keeps it. Times are ISO in UTC."""

    id: str
    session: str
    question: str
    history: tuple[str, ...]
    language: str
    understood: str
    status: str
    answer: str
    citations: tuple[str, ...]
    confidence: float
    latency_ms: float
    fingerprint: str


Job = Callable[[sqlite3.Connection], object]


class Log:
    """`Log(path)` never raises: what cannot be written is counted in `dropped` and said in `problem`."""

    def __init__(self, path: Path, retention_days: int = 30, *, now: Callable[[], dt.datetime] | None = None) -> None:
        self.path = path
        self.retention_days = retention_days
        self.dropped = 0
        self.problem = ""
        self._emptied = False  # something was deleted whose bytes may still lie in the write-ahead file
        self._now = now or (lambda: dt.datetime.now(dt.UTC))
        self._jobs: queue.Queue[tuple[Job, Future[bool]] | None] = queue.Queue(BUFFER)
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    # for callers

    def asked(self, row: Asked) -> None:
        """Queue one row; returns at once."""
        values = (
            row.id, self._stamp(), row.session, mask(row.question),
            json.dumps([mask(h) for h in row.history], ensure_ascii=False), row.language, mask(row.understood),
            row.status, mask(row.answer), json.dumps(list(row.citations), ensure_ascii=False),
            row.confidence, row.latency_ms, row.fingerprint,
        )  # fmt: skip
        marks = ",".join("?" * len(values))
        self._put(lambda db: db.execute(f"INSERT OR IGNORE INTO asked VALUES ({marks})", values))

    def feedback(self, asked_id: str, verdict: str, reason: str) -> Future[bool]:
        """Queue a verdict ("up" or "down"; the last one counts). The future is True once it is on disk."""
        values = (asked_id, self._stamp(), verdict, mask(reason))
        sql = (
            "INSERT INTO feedback SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM asked WHERE id = ?1)"
            " ON CONFLICT(asked_id) DO UPDATE SET at = excluded.at, verdict = excluded.verdict, reason = excluded.reason"
        )

        def write(db: sqlite3.Connection) -> None:
            if db.execute(sql, values).rowcount == 0:
                raise LookupError("no such answer in the log")

        return self._put(write)

    def delete(self, asked_id: str) -> Future[bool]:
        """Remove one question with its answer and feedback, and the bytes of it. False where there is none of that id."""

        def write(db: sqlite3.Connection) -> None:
            if db.execute("DELETE FROM asked WHERE id = ?", (asked_id,)).rowcount == 0:
                raise LookupError("no such question in the log")
            self._emptied = True

        return self._put(write)

    def purge(self, days: int) -> Future[bool]:
        """Remove all questions that are older than so many days, and the bytes of them."""
        before = (self._now() - dt.timedelta(days=days)).isoformat(timespec="milliseconds")

        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM asked WHERE at < ?", (before,))
            self._emptied = True

        return self._put(write)

    def rows(self, *, days: int = 30, limit: int = 5000, words: str | None = None) -> list[dict[str, Any]]:
        """Questions of the last days, newest first: those that were refused or disliked, for the staff page; with
        `words` all that hold them in the question, the answer or what was said of it."""
        since = (self._now() - dt.timedelta(days=days)).isoformat(timespec="seconds")
        wanted = "(a.status = 'refused' OR f.verdict = 'down')" if words is None else (
            "instr(lower(a.question || char(10) || a.history || char(10) || a.answer || char(10) || coalesce(f.reason, '')),"
            " lower(?2)) > 0"
        )  # fmt: skip
        sql = (
            "SELECT a.id, a.at, a.question, a.history, a.language, a.understood, a.status, a.answer, a.citations,"
            " a.confidence, f.verdict, f.reason FROM asked a LEFT JOIN feedback f ON f.asked_id = a.id"
            f" WHERE a.at >= ?1 AND {wanted} ORDER BY a.at DESC LIMIT ?3"
        )
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as db:
                db.row_factory = sqlite3.Row
                return [dict(r) for r in db.execute(sql, (since, words or "", limit))]
        except sqlite3.Error as error:
            self.problem = str(error)
            return []

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until everything queued so far is written; False if it was not in time."""
        with contextlib.suppress(TimeoutError):
            return self._put(lambda db: None).result(timeout)
        return False

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued and stop."""
        with contextlib.suppress(queue.Full):
            self._jobs.put_nowait(None)
        self._thread.join(timeout)

    # the writer

    def _stamp(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _put(self, job: Job) -> Future[bool]:
        done: Future[bool] = Future()
        try:
            self._jobs.put_nowait((job, done))
        except queue.Full:
            self.dropped += 1
            done.set_result(False)
        return done

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"schema {version} is newer than this program knows; move the file away")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")  # acknowledged feedback survives a power cut
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")
            db.executescript(SCHEMA)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except BaseException:
            db.close()
            raise
        return db

    def _run(self) -> None:
        db: sqlite3.Connection | None = None
        purged = -PURGE_EVERY
        stop = False
        while not stop:
            batch = self._batch()
            stop = None in batch
            jobs = [b for b in batch if b is not None]
            deadline = time.monotonic() + 60.0
            while jobs:
                try:
                    db = db or self._open()
                    self._write(db, jobs)
                    self.problem = ""
                    break
                except sqlite3.OperationalError as error:
                    self.problem = str(error)
                    transient = "locked" in str(error) or "busy" in str(error)
                    if not transient or time.monotonic() > deadline or (stop and time.monotonic() > deadline - 58):
                        self._give_up(db, jobs)
                        db = None
                        break
                    time.sleep(0.05)
                except sqlite3.Error as error:
                    self.problem = str(error)
                    self._give_up(db, jobs)
                    db = None
                    break
            if db is not None and self._emptied:
                self._emptied = False
                self._shrink(db)
            if db is not None and time.monotonic() - purged > PURGE_EVERY:
                purged = time.monotonic()
                self._purge(db)
        if db is not None:
            db.close()

    def _batch(self) -> list[tuple[Job, Future[bool]] | None]:
        batch: list[tuple[Job, Future[bool]] | None] = []
        with contextlib.suppress(queue.Empty):
            batch.append(self._jobs.get(timeout=PURGE_EVERY))
            while len(batch) < 500 and batch[-1] is not None:
                batch.append(self._jobs.get_nowait())
        return batch

    def _write(self, db: sqlite3.Connection, jobs: list[tuple[Job, Future[bool]]]) -> None:
        """All jobs in one transaction; a job that finds nothing to do is told so, the others are kept."""
        results: list[bool] = []
        db.execute("BEGIN IMMEDIATE")
        try:
            for job, _ in jobs:
                try:
                    job(db)
                    results.append(True)
                except LookupError:
                    results.append(False)
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        for (_, done), result in zip(jobs, results, strict=True):
            done.set_result(result)

    def _give_up(self, db: sqlite3.Connection | None, jobs: list[tuple[Job, Future[bool]]]) -> None:
        self.dropped += len(jobs)
        logger.warning("log %s: %s; %d rows lost so far", self.path, self.problem, self.dropped)
        for _, done in jobs:
            done.set_result(False)
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _purge(self, db: sqlite3.Connection) -> None:
        """Delete what is older than the retention. A clock that jumped must not empty the log: more than half
        of a log of some size is not deleted in one run unless the newest row is old too."""
        if self.retention_days <= 0:
            return
        before = (self._now() - dt.timedelta(days=self.retention_days)).isoformat(timespec="seconds")
        try:
            total, old = db.execute("SELECT count(*), coalesce(sum(at < ?), 0) FROM asked", (before,)).fetchone()
            if total >= 20 and old * 2 > total:
                logger.warning(
                    "log %s: %d of %d rows look expired; is the clock right? keeping half", self.path, old, total
                )
                old = total // 2
            db.execute(
                "DELETE FROM asked WHERE id IN (SELECT id FROM asked WHERE at < ? ORDER BY at LIMIT ?)", (before, old)
            )
            self._shrink(db)
        except sqlite3.Error as error:
            self.problem = str(error)

    def _shrink(self, db: sqlite3.Connection) -> None:
        """Empty the write-ahead file, where deleted rows would be found for some time yet."""
        with contextlib.suppress(sqlite3.Error):  # a reader holds it: the next one does it
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
