"""Translations without the gettext programs: extract, add, check, compile.

    python tools/messages.py extract          every message of our code and templates, as JSON
    python tools/messages.py add FILE.json    merge {"English": "中文"} into the catalogue
    python tools/messages.py check [--fix]    missing or wrong translations; --fix drops obsolete ones
    python tools/messages.py compile          every .po under locale/ to .mo

English is the source language and needs no catalogue. A message with a context is
written "context\\u0004message" in JSON, as gettext itself does.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
SOURCES = ("crm", "leads", "accounts", "opportunities", "contracts", "receivables", "templates")
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Leadline\\n"
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
# How the arguments of each gettext function read: c context, s singular, p plural.
CALLS = {"_": "s", "gettext": "s", "ngettext": "sp", "pgettext": "cs", "npgettext": "csp"}
CALLS |= {f"{name}_{kind}": CALLS[name] for name in list(CALLS) if name != "_" for kind in ("lazy", "noop")}
TEMPLATE_CALL = re.compile(r"(?<![\w.])(n?p?gettext|_)\(")
ATTRIBUTE_CONSTANT = re.compile(r"(?<![\w.])_\((\"[^\"\n]*\"|'[^'\n]*')\)")
PERCENT = re.compile(r"%(?:\(\w+\))?[-+#0]*(?:\d+|\*)?(?:\.\d+)?[sdifrx]")
BRACE = re.compile(r"\{\w*(?:[!:][^{}]*)?\}")


@dataclass(frozen=True, order=True)
class Message:
    """One translatable text: `key` is its identity in the catalogue."""

    text: str
    context: str = ""
    plural: str = ""

    @property
    def key(self) -> str:
        return f"{self.context}\x04{self.text}" if self.context else self.text


# --- extract ------------------------------------------------------------------------------------


def of_call(function: str, arguments: list[str | None]) -> Message | None:
    """The message of one gettext call; None when an argument is no literal."""
    parts = dict(zip(CALLS[function], arguments, strict=False))
    if not parts.get("s") or any(parts.get(kind) is None for kind in CALLS[function]):
        return None
    return Message(parts["s"] or "", parts.get("c") or "", parts.get("p") or "")


def in_python(source: bytes) -> Iterator[Message]:
    for _line, function, found, _comments in extract_python(io.BytesIO(source), dict.fromkeys(CALLS), [], {}):
        arguments = list(found) if isinstance(found, tuple) else [found]
        if message := of_call(function, arguments):
            yield message


def literal_arguments(text: str, start: int) -> list[str | None]:
    """The literals of the call whose opening bracket ends at `start` in templatize's output."""
    end = text.find(")", start)
    while end != -1:
        with contextlib.suppress(SyntaxError):
            call = ast.parse(f"f({text[start:end]})", mode="eval").body
            constants = [a.value if isinstance(a, ast.Constant) else None for a in call.args]
            return [value if isinstance(value, str) else None for value in constants]
        end = text.find(")", end + 1)
    return []


def in_template(source: str, name: str) -> Iterator[Message]:
    """Django's tags and filters, and `_("…")` in the attributes of components."""
    flat = templatize(source, name)
    for match in TEMPLATE_CALL.finditer(flat):
        function = match[1]
        arguments = literal_arguments(flat, match.end())
        if function in ("ngettext", "npgettext"):
            arguments = arguments[: len(CALLS[function])]
        if message := of_call(function, arguments):
            yield message
    for match in ATTRIBUTE_CONSTANT.finditer(source):
        yield Message(ast.literal_eval(match[1]))


def source_files(root: Path) -> Iterator[Path]:
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".py", ".html", ".txt") and "migrations" not in path.parts:
                yield path


def in_file(path: Path) -> Iterator[Message]:
    try:
        if path.suffix == ".py":
            yield from in_python(path.read_bytes())
        else:
            yield from in_template(path.read_text("utf-8"), str(path))
    except (SyntaxError, UnicodeDecodeError) as error:
        print(f"messages: {path} cannot be read: {error}", file=sys.stderr)


def extract(root: Path = ROOT) -> dict[str, Message]:
    """Every message of our own code and templates by key; a plural form wins over none."""
    found: dict[str, Message] = {}
    for path in source_files(root):
        for message in in_file(path):
            if message.plural or message.key not in found:
                found[message.key] = message
    return found


# --- the catalogue ------------------------------------------------------------------------------


def catalogue_path(locale: Path) -> Path:
    return locale / "zh_Hans" / "LC_MESSAGES" / "django.po"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One writer at a time; a machine without fcntl has one developer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def load(path: Path) -> dict[str, tuple[Message, str]]:
    """The catalogue as {key: (message, translation)}."""
    if not path.exists():
        return {}
    with path.open("rb") as handle:
        catalog = read_po(handle, locale="zh_Hans")
    entries = {}
    for entry in catalog:
        if not entry.id:
            continue
        text, plural = entry.id if isinstance(entry.id, tuple | list) else (entry.id, "")
        translation = entry.string[0] if isinstance(entry.string, tuple | list) else entry.string
        message = Message(text, entry.context or "", plural)
        entries[message.key] = (message, translation or "")
    return entries


def save(path: Path, entries: dict[str, tuple[Message, str]]) -> None:
    catalog = Catalog(locale="zh_Hans", charset="utf-8")
    for message, translation in sorted(entries.values()):
        identity = (message.text, message.plural) if message.plural else message.text
        string = (translation,) if message.plural else translation
        catalog.add(identity, string, context=message.context or None)
    buffer = io.BytesIO()
    write_po(buffer, catalog, width=0, omit_header=True, sort_output=True, no_location=True)
    scratch = path.with_suffix(".new")
    scratch.write_text(HEADER + buffer.getvalue().decode("utf-8").strip() + "\n", "utf-8")
    os.replace(scratch, path)


def merge(
    entries: dict[str, tuple[Message, str]], new: dict[str, str], found: dict[str, Message], replace: bool
) -> list[str]:
    """Add `new` to `entries`; returns the keys whose different translation was kept."""
    kept = []
    for key, translation in new.items():
        context, _sep, text = key.rpartition("\x04")
        old = entries.get(key, (None, ""))[1]
        if old and old != translation and not replace:
            kept.append(key)
            translation = old
        entries[key] = (found.get(key) or Message(text, context), translation)
    for key in entries.keys() & found.keys():
        entries[key] = (found[key], entries[key][1])
    return kept


def placeholders(text: str) -> set[str]:
    return set(PERCENT.findall(text.replace("%%", ""))) | set(BRACE.findall(text))


def problem(message: Message, translation: str) -> str:
    """What is wrong with a translation, or nothing."""
    wanted, got = placeholders(message.plural or message.text), placeholders(translation)
    if translation and wanted != got:
        return f"placeholders differ: {sorted(wanted)} against {sorted(got)}"
    return ""


# --- commands -----------------------------------------------------------------------------------


def read_additions(path: Path) -> dict[str, str]:
    """{"English": "中文"} or {"English": ["中文"]}; raises SystemExit with a sentence otherwise."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"messages: {path} is not a readable JSON file: {error}") from None
    flat = {key: value[0] if isinstance(value, list) and value else value for key, value in data.items()}
    wrong = [key for key, value in flat.items() if not isinstance(value, str)]
    if wrong:
        raise SystemExit(f"messages: {path}: these are neither a text nor a list of one text: {wrong}")
    return flat


def command_add(path: Path, replace: bool, root: Path = ROOT, locale: Path = LOCALE) -> int:
    new, found = read_additions(path), extract(root)
    for key, translation in new.items():
        if trouble := key in found and problem(found[key], translation):
            print(f"messages: {key!r}: {trouble}", file=sys.stderr)
    po = catalogue_path(locale)
    with locked(po):
        entries = load(po)
        kept = merge(entries, new, found, replace)
        save(po, entries)
    for key in kept:
        print(f"messages: {key!r} keeps {entries[key][1]!r}; --replace overrides it", file=sys.stderr)
    print(f"{len(new) - len(kept)} merged, {len(kept)} kept, {len(entries)} in the catalogue")
    return 0


def prune(po: Path, found: dict[str, Message]) -> None:
    with locked(po):
        save(po, {key: entry for key, entry in load(po).items() if key in found})


def command_check(fix: bool, root: Path = ROOT, locale: Path = LOCALE) -> int:
    found, po = extract(root), catalogue_path(locale)
    if fix:
        prune(po, found)
    entries = load(po)
    missing = {key: "" for key in sorted(found) if not entries.get(key, (None, ""))[1]}
    misread = {key for key in found.keys() & entries.keys() if entries[key][0].plural != found[key].plural}
    wrong = {
        key: trouble
        for key in sorted(found.keys() & entries.keys())
        if (trouble := problem(found[key], entries[key][1]))
    }
    for key in sorted(misread - missing.keys()):
        wrong[key] = "the plural form changed: add it again"
    for key, trouble in wrong.items():
        print(f"messages: {key!r}: {trouble}", file=sys.stderr)
    if missing:
        print(json.dumps(missing, ensure_ascii=False, indent=1))
        print(f"messages: {len(missing)} of {len(found)} have no translation (listed above as JSON)", file=sys.stderr)
    obsolete = entries.keys() - found.keys()
    if obsolete:
        print(f"messages: {len(obsolete)} obsolete entries; check --fix drops them", file=sys.stderr)
    return 1 if missing or wrong else 0


def command_compile(locale: Path = LOCALE) -> int:
    for po in sorted(locale.rglob("*.po")):
        with po.open("rb") as handle:
            catalog = read_po(handle, locale=po.parent.parent.name)
        scratch = po.with_suffix(f".mo{os.getpid()}")
        with scratch.open("wb") as handle:
            write_mo(handle, catalog)
        os.replace(scratch, po.with_suffix(".mo"))
    return 0


def command_extract() -> int:
    found = extract()
    print(json.dumps({key: found[key].plural for key in sorted(found)}, ensure_ascii=False, indent=1))
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="tools/messages.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("extract", help="print every message")
    add = commands.add_parser("add", help="merge translations from a JSON file")
    add.add_argument("file", type=Path)
    add.add_argument("--replace", action="store_true", help="let the file win over existing translations")
    check = commands.add_parser("check", help="list what is missing or wrong")
    check.add_argument("--fix", action="store_true", help="drop entries that the code no longer has")
    commands.add_parser("compile", help="compile every .po to .mo")
    return top


def main(argv: list[str] | None = None) -> int:
    options = parser().parse_args(argv)
    match options.command:
        case "add":
            return command_add(options.file, options.replace)
        case "check":
            return command_check(options.fix)
        case "compile":
            return command_compile()
    return command_extract()


if __name__ == "__main__":
    raise SystemExit(main())
