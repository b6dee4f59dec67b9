"""The command line: read, call, print. Data goes to stdout, messages to stderr; heavy imports happen in the commands.

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 3 (`ask`) refused.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from bot import __version__
from bot.errors import BotError, QuestionError, SettingsError
from bot.settings import Settings, load

if TYPE_CHECKING:
    from bot.bot import GuideBot
    from bot.index import Index
    from bot.types import Answer, Clause
    from bot.web.log import Log

OK, FAILED, USAGE, REFUSED = 0, 1, 2, 3

EXAMPLES = """\
examples 例子:
  bot index                                   build the index from corpus/ (only what changed)
  bot ask "某项目最多补助多少"                   ask one question
  bot ask --history "某项目谁可以申报" "能做几年"   ask a follow-up
  bot ask --batch questions.jsonl --out answers.jsonl
  bot search 补助经费 -k 5                      look clauses up
  bot show --tree guide.txt                   print a guide's outline
  bot serve                                   chat page on http://127.0.0.1:7860
"""


class _Parser(argparse.ArgumentParser):
    """Wrong usage is one line, as every other error is."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"bot: {' '.join(message.split())}; 用法见 see: {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        prog="bot", formatter_class=raw, epilog=EXAMPLES,
        description="申报指南问答：答案出自指南原文，指南没写就说没写。Answers from application guides, with their source.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"bot {__version__}")
    sub = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name: str, text: str, example: str) -> argparse.ArgumentParser:
        p = sub.add_parser(name, help=text, description=text, epilog=f"example 例子:\n  {example}", formatter_class=raw)
        p.add_argument("--index", metavar="DIR", help="index folder (default: index/)")
        return p

    p = command(
        "index",
        "建立索引 build the index; embeds only what changed",
        "bot index --corpus guides/ --index guides-index/",
    )
    p.add_argument("--corpus", nargs="+", metavar="DIR|FILE", help="a folder, or files (default: corpus/)")
    p.add_argument("--rebuild", action="store_true", help="embed everything anew")
    p.add_argument("--check", action="store_true", help="read, parse and report; write nothing")
    p.add_argument("--json", action="store_true", help="the report as JSON")

    p = command("ask", "提问 answer a question from the guides", 'bot ask "某项目最多补助多少" --json')
    p.add_argument("question", nargs="?", metavar="QUESTION", help="the question; - reads it from standard input")
    p.add_argument(
        "--history", action="append", default=[], metavar="Q", help="an earlier question (repeat, oldest first)"
    )
    p.add_argument("--guide", metavar="SLUG", help="only this guide")
    p.add_argument("--edition", metavar="YEAR", help="only this edition")
    p.add_argument("--section", metavar="NAME", help="take this section, whatever the question names")
    p.add_argument("--field", metavar="NAME", help="take this field, whatever the question asks")
    p.add_argument("--json", action="store_true", help="the answer as one JSON object")
    p.add_argument("--batch", metavar="IN.jsonl", help="answer every line of a file; needs --out")
    p.add_argument("--out", metavar="OUT.jsonl", help="where --batch writes, a line for every line in")

    p = command("search", "查条款 look clauses up", "bot search 推荐函 -k 5")
    p.add_argument("words", nargs="+", metavar="WORDS")
    p.add_argument("-k", type=int, default=10, metavar="N", help="how many (default 10)")
    p.add_argument("--guide", metavar="SLUG", help="only this guide")
    p.add_argument("--json", action="store_true", help="a list of hits")

    p = command("show", "看原文 print a clause with its facts, or a guide's outline", "bot show --tree guide.txt")
    p.add_argument("clause", nargs="?", metavar="CLAUSE_ID")
    p.add_argument("--tree", metavar="SOURCE", help="outline of this source file")
    p.add_argument(
        "--json", action="store_true", help="as JSON: the clause and its facts; with --tree a list of clauses"
    )

    p = command(
        "diff", "两版对照 what changed between two guides or editions", "bot diff some-guide-2025 some-guide-2026"
    )
    p.add_argument("old", metavar="OLD", help="slug, title or file of the older one")
    p.add_argument("new", metavar="NEW", help="the newer one")
    p.add_argument("--all", action="store_true", help="also clauses that did not change")
    p.add_argument("--json", action="store_true", help="as JSON: a list of changes")

    p = command("serve", "网页 serve the chat page", "bot serve --host 0.0.0.0 --port 8080")
    p.add_argument("--host", help="address (default 127.0.0.1)")
    p.add_argument("--port", type=int, help="port (default 7860)")

    p = sub.add_parser(
        "log", help="提问记录 list or delete questions that were asked on the page",
        description="List, export or delete what the page has recorded (BOT_LOG_PATH); it may go on serving meanwhile.",
        epilog="examples 例子:\n  bot log list 医院\n  bot log delete 3f9a2c81d0e4\n  bot log purge --days 7", formatter_class=raw,
    )  # fmt: skip
    p.add_argument(
        "action", choices=("list", "delete", "purge"),
        help="list: questions with their ids, newest first; delete: those of these ids; purge: those older than --days",
    )  # fmt: skip
    p.add_argument("words", nargs="*", metavar="WORDS|ID", help="list: only what holds these words; delete: the ids")
    p.add_argument("--days", type=int, metavar="N", help="list: of the last N days; purge: older than N days")
    p.add_argument("--json", action="store_true", help="list: everything that is kept, one JSON object a line")

    p = sub.add_parser(
        "export-model", help="导出模型 the bundled model as a sentence-transformers folder",
        description="Write the bundled weights as an ordinary sentence-transformers folder.",
        epilog="example 例子:\n  bot export-model models/e5-small", formatter_class=raw,
    )  # fmt: skip
    p.add_argument("folder", metavar="DIR")

    p = sub.add_parser(
        "hash-password", help="生成口令散列 hash a password for the staff page (staff_password_hash)",
        description="Read a password from standard input and print its hash for bot.toml.",
        epilog='example 例子:\n  printf %s "$PASSWORD" | bot hash-password', formatter_class=raw,
    )  # fmt: skip
    return parser


def _settings(args: argparse.Namespace, **more: Any) -> Settings:
    return load({"index": getattr(args, "index", None), **more})


def _print_json(value: Any, out: TextIO | None = None) -> None:
    # A lone surrogate in a question must not break the output.
    text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode("utf-8")
    print(text, file=out or sys.stdout)


# --- index -------------------------------------------------------------------------------------------------------


def _progress(stage: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= total else ""
        print(f"\r{stage} {done}/{total}", end=end, file=sys.stderr, flush=True)


def _index(args: argparse.Namespace) -> int:
    files: list[Path] = []
    corpus = None
    if args.corpus:
        paths = [Path(p) for p in args.corpus]
        missing = [str(p) for p in paths if not p.exists()]
        if missing:
            raise SettingsError(f"--corpus: 没有这个文件或目录 no such file or folder: {', '.join(missing)}")
        if len(paths) == 1 and paths[0].is_dir():
            corpus = paths[0]
        elif any(p.is_dir() for p in paths):
            raise SettingsError("--corpus: give one folder, or files; 请给一个目录，或若干文件")
        else:
            files = paths
    from bot.index import build

    settings = _settings(args, corpus=corpus)
    report = build(settings, files, rebuild=args.rebuild, check=args.check, progress=_progress)
    if args.json:
        _print_json(report.to_json())
    else:
        print("\n".join(report.lines()))
    for problem in report.problems:
        print(f"bot: {problem}", file=sys.stderr)
    return FAILED if report.problems else OK


# --- ask ---------------------------------------------------------------------------------------------------------


def _open(args: argparse.Namespace) -> GuideBot:
    from bot.bot import GuideBot

    settings = _settings(args)
    bot = GuideBot.open(settings)
    for warning in (*bot.index.warnings, *_changed(bot.index, settings)):
        print(f"bot: {warning}", file=sys.stderr)
    return bot


def _changed(index: Index, settings: Settings) -> list[str]:
    """A line where files of the corpus are no longer those that the index was built from; it goes on answering."""
    files = ((s, settings.corpus / s.source) for s in index.sources)
    changed = [
        s.source for s, file in files if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() != s.sha256
    ]
    if not changed:
        return []
    return [
        f"语料已更新，答案仍出自旧索引 the corpus changed since the index was built: {', '.join(changed[:3])}; 请运行 run: bot index"
    ]


def _ask(args: argparse.Namespace) -> int:
    if args.batch:
        if not args.out or args.question:
            raise SettingsError("--batch IN.jsonl goes with --out OUT.jsonl and without a question")
        return _batch(args)
    if args.question is None:
        raise SettingsError('请给出问题 give a question, for example: bot ask "某项目最多补助多少"')
    question = _stdin() if args.question == "-" else _text(args.question)
    from bot.bot import answer_json

    answer = _open(args).ask(
        question,
        [_text(h) for h in args.history],
        guide=args.guide,
        edition=args.edition,
        section=args.section,
        field=args.field,
    )
    if args.json:
        _print_json(answer_json(answer))
    else:
        _print_answer(answer)
    return REFUSED if answer.status == "refused" else OK


def _text(argument: str) -> str:
    """An argument as UTF-8 also where the locale cannot read it: Python keeps such bytes as lone surrogates."""
    if not any("\udc80" <= c <= "\udcff" for c in argument):
        return argument
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if _escaped(argument) else argument


def _escaped(argument: str) -> bool:
    """Whether all surrogates of an argument stand for bytes."""
    return not any("\ud800" <= c < "\udc80" or "\udcff" < c <= "\udfff" for c in argument)


def _stdin() -> str:
    data = sys.stdin.buffer.read(1 << 20)
    return data.decode("utf-8", "replace")


def _print_answer(answer: Answer) -> None:
    lines = [answer.text]
    if answer.understood:
        lines.append(f"理解为：{answer.understood}")
    for n, c in enumerate(answer.citations, 1):
        where = (
            " › ".join((*c.path, c.label)) if c.label and (not c.path or c.path[-1] != c.label) else " › ".join(c.path)
        )
        page = f"，第 {c.page} 页" if c.page else ""
        lines += [f"[{n}] {where}{page}  ({c.source}:{c.start}-{c.end})", f"    {c.text}"]
    lines += list(answer.notices)
    print("\n".join(lines).encode("utf-8", "replace").decode("utf-8"))


def _batch_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):  # the number that an editor shows; blank lines are passed over
                if line.strip():
                    yield number, line
    except OSError as error:
        raise SettingsError(f"--batch {path}: {error.strerror}; 请检查文件") from error


def _parsed(line: bytes) -> tuple[str, str, list[str]]:
    """(id, question, history) of a line. Raises ValueError with the reason."""
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON ({error.__class__.__name__})") from None
    if not isinstance(row, dict) or not isinstance(row.get("question"), str):
        raise ValueError("no field question")
    history = row.get("history") or []
    if not isinstance(history, list) or not all(isinstance(h, str) for h in history):
        raise ValueError("history is not a list of questions")
    number = row.get("id")
    return ("" if number is None else str(number)), row["question"], history


def _batch(args: argparse.Namespace) -> int:
    from bot.bot import answer_json

    source, target = Path(args.batch), Path(args.out)
    if not source.is_file():
        raise SettingsError(f"--batch {source}: 没有这个文件 no such file")
    bot = _open(args)
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    bad = 0
    try:
        with aside.open("w", encoding="utf-8", errors="replace", newline="\n") as out:
            for number, line in _batch_lines(source):
                try:
                    key, question, history = _parsed(line)
                    answer = bot.ask(
                        question,
                        history,
                        guide=args.guide,
                        edition=args.edition,
                        section=args.section,
                        field=args.field,
                    )
                    _print_json(answer_json(answer, key or None), out)
                except (ValueError, QuestionError) as error:
                    bad += 1
                    _print_json({"id": None, "line": number, "status": "error", "error": str(error)}, out)
                _progress("ask", number, number + 1)
        aside.replace(target)
    except OSError as error:
        raise SettingsError(f"--out {target}: {error.strerror}; choose another place") from error
    finally:
        with contextlib.suppress(OSError):  # where it could not be made, the error above says so
            aside.unlink(missing_ok=True)
    if bad:
        print(f"bot: {bad} line(s) of {source} could not be answered; they are marked in {target}", file=sys.stderr)
    return FAILED if bad else OK


# --- search, show ------------------------------------------------------------------------------------------------


def _search(args: argparse.Namespace) -> int:
    from bot.bot import hit_json

    if args.k < 1:
        raise SettingsError("-k: 至少为 1 at least 1")
    hits = _open(args).search(_text(" ".join(args.words)), args.k, args.guide)
    if args.json:
        _print_json([hit_json(h) for h in hits])
        return OK
    for h in hits:
        where = " › ".join(h.clause.path[1:] or h.clause.path)
        print(f"{h.rank:>2}. {where}  [{h.clause.clause_id}]")
        print("    " + h.clause.text.replace("\n", "\n    "))
    if not hits:
        print("bot: 没有找到 nothing found", file=sys.stderr)
    return OK


def _show(args: argparse.Namespace) -> int:
    if bool(args.clause) == bool(args.tree):
        raise SettingsError("give a CLAUSE_ID, or --tree SOURCE; 请给条款编号，或 --tree 文件")
    from bot.bot import clause_json
    from bot.errors import NotFoundError
    from bot.index import Index
    from bot.types import ClauseId

    settings = _settings(args)
    index = Index.open(settings.index, settings)
    if args.clause:
        shown = clause_json(index, ClauseId(args.clause))
        if args.json:
            _print_json(shown)
        else:
            clause = index.by_id[ClauseId(args.clause)]
            print(" › ".join((*clause.path, clause.label)))
            print(clause.text)
            for fact in shown["facts"]:
                print(f"  · {fact['kind']}: {fact['value']} {fact['qualifier']}".rstrip())
        return OK
    wanted = [c for c in index.clauses if _is_source(c, args.tree, index)]
    if not wanted:
        have = ", ".join(s.source for s in index.sources)
        raise NotFoundError(f"没有这个来源 no such source: {args.tree}; 现有 there are: {have}")
    if args.json:
        _print_json([clause_json(index, c.clause_id) for c in wanted])
        return OK
    depth: dict[str, int] = {}
    for c in wanted:
        depth[c.clause_id] = depth.get(c.parent or "", -1) + 1
        first = c.text.split("\n", 1)[0]
        print(f"{'  ' * depth[c.clause_id]}{first[:60]}{'…' if len(first) > 60 else ''}  [{c.kind}] {c.clause_id}")
    return OK


def _is_source(clause: Clause, name: str, index: Any) -> bool:
    return clause.source == name or clause.guide == name or Path(clause.source).name == Path(name).name


def _diff(args: argparse.Namespace) -> int:
    from bot.index import Index
    from bot.library import Library, diff

    settings = _settings(args)
    index = Index.open(settings.index, settings)
    library = Library(index, settings)
    sides = []
    for name in (args.old, args.new):
        slugs = set(library.scope("", (), name, None))
        sides.append([c for c in index.clauses if c.guide in slugs])
    changes = [c for c in diff(*sides) if args.all or c.kind != "same"]
    if args.json:
        _print_json(
            [
                {
                    "kind": c.kind,
                    "old": None
                    if c.old is None
                    else {"clause_id": c.old.clause_id, "path": list(c.old.path), "text": c.old.text},
                    "new": None
                    if c.new is None
                    else {"clause_id": c.new.clause_id, "path": list(c.new.path), "text": c.new.text},
                }
                for c in changes
            ]
        )
        return OK
    words = {"same": "未变 same", "changed": "改动 changed", "added": "新增 added", "gone": "删除 gone"}
    for c in changes:
        clause = c.new or c.old
        assert clause is not None
        print(f"{words[c.kind]}: {' › '.join(filter(None, (*clause.path[1:], clause.label)))}")
        if c.old is not None and c.kind != "same":
            print(f"  - {c.old.text}")
        if c.new is not None and c.kind != "same":
            print(f"  + {c.new.text}")
    if not changes:
        print("没有不同 no differences", file=sys.stderr)
    return OK


# --- serve, export-model -------------------------------------------------------------------------------------------


def _serve(args: argparse.Namespace) -> int:
    settings = _settings(args, host=args.host, port=args.port)
    from bot.index import Index

    Index.open(settings.index, settings)  # a clear line now, not after seconds of imports
    from bot.web import serve

    serve(settings)
    return OK


def _log(args: argparse.Namespace) -> int:
    from bot.web.log import Log

    settings = _settings(args)
    if not settings.log_path.is_file():
        raise SettingsError(f"没有记录文件 no log file: {settings.log_path}; set BOT_LOG_PATH")
    if args.days is not None and args.days < 0:
        raise SettingsError("--days: 至少为 0 at least 0")
    if (args.action == "delete") != bool(args.words) and args.action != "list":
        raise SettingsError("delete 要给编号 needs ids (bot log list shows them); purge 只看 --days takes none")
    if args.action == "purge" and args.days is None:
        raise SettingsError("purge: 请给 --days N, what is older goes; 0 删除全部 all")
    log = Log(settings.log_path, 0)  # 0: the retention is the page's own work
    try:
        if args.action == "list":
            return _list_log(args, log)
        if args.action == "purge":
            gone = {"": log.purge(args.days).result(60)}
        else:
            gone = {i: log.delete(i).result(60) for i in args.words}
    finally:
        log.close(60)
    if log.problem:
        raise BotError(f"{settings.log_path}: {log.problem}; 没有删除 nothing was deleted")
    for unknown in (i for i, done in gone.items() if not done):
        print(f"bot: 没有这个编号 no such id: {unknown}", file=sys.stderr)
    return OK if all(gone.values()) else FAILED


def _list_log(args: argparse.Namespace, log: Log) -> int:
    rows = log.rows(days=36500 if args.days is None else args.days, limit=1_000_000, words=_text(" ".join(args.words)))
    if log.problem:
        raise BotError(f"{log.path}: {log.problem}")
    for row in rows:
        if args.json:
            _print_json(row | {n: json.loads(row[n]) for n in ("history", "citations")})
        else:
            said = {"up": " 👍", "down": " 👎"}.get(row["verdict"] or "", "")
            print(f"{row['id']}  {row['at'][:16].replace('T', ' ')}  {row['status']}{said}  {' '.join(row['question'].split())}")
    return OK


def _export(args: argparse.Namespace) -> int:
    from bot.embed import export_model

    export_model(Path(args.folder))
    print(f"wrote {args.folder}; use it with BOT_EMBEDDING_MODEL={args.folder}")
    return OK


def _hash(args: argparse.Namespace) -> int:
    from bot.web.staff import hash_password

    password = _stdin().rstrip("\r\n")
    if len(password) < 8:
        raise SettingsError("口令太短 the password is too short: at least 8 characters")
    print(hash_password(password))
    return OK


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "index": _index, "ask": _ask, "search": _search, "show": _show, "serve": _serve, "export-model": _export,
    "hash-password": _hash, "diff": _diff, "log": _log,
}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code. Domain errors become one line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    parser = _parser()
    args = parser.parse_args(argv)
    if not args.command:
        parser.print_help()
        return USAGE
    try:
        code = _COMMANDS[args.command](args)
        sys.stdout.flush()
        return code
    except BotError as error:
        print(f"bot: {' '.join(str(error).split())}", file=sys.stderr)  # one line, whatever a name in it holds
        return USAGE if isinstance(error, SettingsError | QuestionError) else FAILED
    except BrokenPipeError:
        # The reader of a pipe went away (`bot search … | head`); nothing is wrong here.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        print("bot: interrupted 已中断", file=sys.stderr)
        return 130
