"""The two pipes to the driver, `ecluse run --engine fd:IN,OUT`: a JSON object a line in each direction."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

from .failure import Failure

Request = dict[str, Any]


class Driver:
    """The driver's process, our child. It ends the run; when it ends, so do we."""

    def __init__(self, program: str, project: str, arguments: list[str]) -> None:
        asked, self._ask_end = os.pipe()
        self._answer_end, answered = os.pipe()
        command = [program, "-C", project, "run", *arguments, "--engine", f"fd:{self._answer_end},{self._ask_end}"]
        try:
            self.process = subprocess.Popen(command, pass_fds=(self._answer_end, self._ask_end), start_new_session=True)
        except OSError as error:
            raise Failure("usage", f"--ecluse {program}: {error.strerror}") from error
        os.close(self._ask_end)
        os.close(self._answer_end)
        self._in = os.fdopen(asked, "r", encoding="utf-8", newline="\n")
        self._out = os.fdopen(answered, "w", encoding="utf-8", newline="\n")
        self._lock = threading.Lock()

    def forward_signals(self) -> None:
        """Ctrl-C is the driver's to answer: it knows what was committed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda caught, _frame: self.process.send_signal(caught))

    def when_it_ends(self, act: Callable[[], None]) -> None:
        def wait() -> None:
            self.process.wait()
            act()

        threading.Thread(target=wait, daemon=True).start()

    def requests(self) -> Iterator[tuple[Request, list[Request]]]:
        """Each request, and the lines that belong to it."""
        while line := self._in.readline():
            request: Request = json.loads(line)
            yield request, [json.loads(self._in.readline()) for _ in range(request.get("count", 0))]

    def say_line(self, line: str) -> None:
        with self._lock:
            try:
                self._out.write(line + "\n")
                self._out.flush()
            except BrokenPipeError:
                pass  # it has ended, and said why

    def say(self, answer: dict[str, object]) -> None:
        self.say_line(json.dumps(answer))

    def fail(self, failure: Failure) -> None:
        self.say({"failed": failure.as_json()})

    def exit_code(self) -> int:
        """Of the run: the driver's own."""
        with self._lock:
            self._out.close()
        code = self.process.wait()
        return code if code >= 0 else 128 - code
