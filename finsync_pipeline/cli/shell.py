"""Queries as a dialogue: a prompt with completion and history on a terminal, else the lines of standard input."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from finsync_pipeline.cli.answer_output import print_table, to_standard_error, view_lines
from finsync_pipeline.cli.query import print_plan, progress_shown
from finsync_pipeline.cli.terminal import console, printable, write_text
from finsync_pipeline.errors import FinSyncError
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.errors import QueryError
from finsync_pipeline.federation.query import is_explained
from finsync_pipeline.federation.query import query as answer_of
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.federation.statement import BYTE_ORDER_MARK
from finsync_pipeline.settings import home, query_deployment
from finsync_pipeline.statements.items import ITEMS

HELP = """\
SELECT ...;         one SELECT over the views, on as many lines as you like, up to the ;
\\d                  the views
\\d VIEW             the columns of a view
.release R          from now on over a release: current, its name, or the beginning of it
.release live       from now on over the sources
.explain [SELECT]   how this SELECT, or the last one, is answered: what each source is sent
.help               this text
.quit               leave (so does Ctrl-D); Ctrl-C stops a query
"""
LIVE = "live"
KEYWORDS = (
    "SELECT", "FROM", "WHERE", "GROUP BY", "ORDER BY", "HAVING", "LIMIT", "JOIN", "LEFT JOIN", "FULL JOIN", "USING",
    "ON", "AND", "OR", "NOT", "IN", "IS NULL", "IS NOT NULL", "BETWEEN", "LIKE", "CASE", "WHEN", "THEN", "ELSE", "END",
    "AS", "DISTINCT", "UNION ALL", "EXCEPT", "INTERSECT", "WITH", "OVER", "PARTITION BY", "DESC", "count", "sum", "avg",
    "min", "max", "median",
)  # fmt: skip


def shell(release: str | None) -> int:
    """Answer one SELECT after the other; the exit code is 2 if one of standard input's could not be answered."""
    dialogue = Dialogue(query_deployment(), release)
    is_prompt, failures = sys.stdin.isatty(), 0
    if is_prompt:
        console.print("FinSync: \\d lists the views, .help the commands, .quit leaves")
    for text in _prompted(dialogue) if is_prompt else _read(sys.stdin):
        try:
            if not dialogue.do(text):
                break
        except FinSyncError as error:
            failures += 1
            to_standard_error().print(printable(str(error)), soft_wrap=True)
        except KeyboardInterrupt:
            if not is_prompt:
                raise
            to_standard_error().print("stopped")
    return 2 if failures and not is_prompt else 0


@dataclass
class Dialogue:
    """What lasts from one input to the next: what is asked, and the last SELECT."""

    deployment: Deployment
    release: str | None = None
    last: str = ""

    def do(self, text: str) -> bool:
        """Do what the input asks for; false ends the dialogue. Raises FinSyncError."""
        command, _, rest = text.strip().partition(" ")
        rest = rest.strip().removesuffix(";")
        match command.lower().removesuffix(";"):
            case "" | ";":
                pass
            case ".quit" | ".exit" | "\\q":
                return False
            case ".help" | "\\?":
                write_text(HELP)
            case "\\d":
                self._describe(rest)
            case ".release":
                self._choose(rest)
            case ".explain":
                self._answer(rest or self.last, explain=True)
            case name if name.startswith((".", "\\")):
                raise QueryError(f"no command {command}", ".help lists them")
            case _:
                self.last = text
                self._answer(text)
        return True

    def _describe(self, name: str) -> None:
        if name and name not in VIEWS:
            raise QueryError(f"no view {name}", f"there are {', '.join(VIEWS)}")
        width = max(map(len, VIEWS))
        views = "".join(f"{view.name:{width}}  {view.description}\n" for view in VIEWS.values())
        write_text(view_lines(name) if name else views)

    def _choose(self, name: str) -> None:
        if name and name != LIVE:
            find_release(self.deployment.published, name)
        self.release = (None if name == LIVE else name) if name else self.release
        console.print(f"over release {self.release}" if self.release else "over the sources, live")

    def _answer(self, sql: str, explain: bool = False) -> None:
        with progress_shown() as progress:
            answer = answer_of(sql, self.deployment, release=self.release, explain=explain, progress=progress)
        if explain or is_explained(sql):
            return print_plan(answer, "table")
        print_table(answer.table)
        for source, reason in answer.missing.items():
            to_standard_error().print(f"missing: {source}: {reason}", soft_wrap=True)
        return None


def _is_whole(text: str) -> bool:
    """Whether the input has ended: a command after its line, a SELECT with its semicolon."""
    text = text.strip()
    is_command = text.startswith((".", "\\")) and not re.match(r"\.explain\s+\S", text)
    return not text or is_command or text.endswith(";")


def _read(lines: Iterable[str]) -> Iterator[str]:
    """The inputs in the lines; the last may lack its semicolon."""
    text = ""
    for number, line in enumerate(lines):
        text += line if number else line.removeprefix(BYTE_ORDER_MARK)
        if _is_whole(text):
            yield text
            text = ""
    if text.strip():
        yield text


def _prompted(dialogue: Dialogue) -> Iterator[str]:
    """The inputs that are typed, until Ctrl-D; Ctrl-C drops what is typed."""
    home().mkdir(parents=True, exist_ok=True)
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(home() / "query_history")),
        completer=Names(),
        complete_while_typing=False,
        multiline=True,
        key_bindings=_keys(),
        prompt_continuation="     ...> ",
    )
    while True:
        try:
            yield session.prompt(f"{dialogue.release or 'finsync'}> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_whole(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    return keys


class Names(Completer):
    """What may stand at the cursor: in quotes an item, else a view, a column of the views that are named, a keyword."""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """The names that begin like the word before the cursor, each with what it means."""
        word = re.search(r"\w*$", document.text_before_cursor)
        begun = word[0].lower() if word else ""
        for name, meaning in self._names(document).items():
            if name.lower().startswith(begun):
                yield Completion(name, start_position=-len(begun), display_meta=meaning)

    def _names(self, document: Document) -> dict[str, str]:
        views = {view.name: view.description for view in VIEWS.values()}
        if document.text_before_cursor.count("'") % 2:
            return {name: item.description for name, item in ITEMS.items()}
        if document.text_before_cursor.startswith("\\d"):
            return views
        named = [view for view in VIEWS.values() if view.name in document.text] or list(VIEWS.values())
        columns = {field.name: field.description for view in named for field in view.fields}
        return views | columns | dict.fromkeys(KEYWORDS, "")
