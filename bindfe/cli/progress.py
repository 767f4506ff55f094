"""Live progress: what is stored so far, drawn about once a second while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bindfe.errors import BindfeError

if TYPE_CHECKING:
    from bindfe.campaign.status import TaskStatus
    from bindfe.protocol import Protocol
    from bindfe.store import Run

_SECONDS_BETWEEN_ESTIMATES = 20.0


class LiveProgress:
    """A table of legs and repeats that follows the run directory; plain lines where there is no terminal."""

    def __init__(self, *, quiet: bool) -> None:
        """Draw nothing if ``quiet``; the answer itself is printed by the command."""
        self._console = Console(stderr=True, quiet=quiet)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._stage, self._began = "", time.monotonic()

    def __enter__(self) -> LiveProgress:
        """Start drawing."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop drawing."""
        if self._live.is_started:
            self._live.stop()

    def stage(self, words: str) -> None:
        """Say that a stage begins."""
        self._stage = words
        seconds = time.monotonic() - self._began
        self._console.print(f"[dim]{seconds:6.0f} s[/dim]  {words}", highlight=False)

    def ticker(self, run: Run) -> Callable[[], None]:
        """A function that redraws; called about twice a second while sampling goes on."""
        follower = _Follower(run)
        plain_every = 30.0 if not self._console.is_terminal else 0.0
        last_plain = time.monotonic()

        def tick() -> None:
            nonlocal last_plain
            if self._console.quiet:
                return
            if self._live.is_started:
                self._live.update(Group(Text(self._stage), follower.draw()), refresh=True)
            elif time.monotonic() - last_plain > plain_every:
                last_plain = time.monotonic()
                self._console.print(f"         {follower.sentence()}", highlight=False)

        return tick


class _Follower:
    """Reads a run's status, and now and then its estimate so far."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._estimates: dict[str, str] = {}
        self._last = time.monotonic()

    def _look(self) -> tuple[tuple[TaskStatus, ...], Protocol]:
        """Status of every task; the legs may have been prepared since the last look."""
        from bindfe.campaign.pipeline import ligands_of, protocol_of
        from bindfe.campaign.status import run_status

        protocol = protocol_of(self._run)
        return run_status(self._run, protocol, ligands_of(self._run)), protocol

    def _refresh_estimates(self, statuses: tuple[TaskStatus, ...], protocol: Protocol) -> None:
        from bindfe.campaign.analysis import provisional_estimate

        if time.monotonic() - self._last < _SECONDS_BETWEEN_ESTIMATES:
            return
        for name in dict.fromkeys(status.task.ligand for status in statuses):
            try:
                value, error = provisional_estimate(self._run, protocol, name)
            except BindfeError:  # too few samples yet: the next look may find enough
                continue
            self._estimates[name] = f"{value:.2f} +- {error:.2f} kcal/mol"
        self._last = time.monotonic()

    def draw(self) -> RenderableType:
        statuses, protocol = self._look()
        self._refresh_estimates(statuses, protocol)
        table = status_table(statuses, protocol)
        lines = [Text(f"{name}: {text} so far") for name, text in self._estimates.items()]
        return Group(table, *lines)

    def sentence(self) -> str:
        statuses, protocol = self._look()
        self._refresh_estimates(statuses, protocol)
        done, goal = sum(s.cycles for s in statuses), sum(s.goal for s in statuses)
        left = [s.seconds_left for s in statuses if s.seconds_left]
        words = [f"{100 * done / max(goal, 1):.0f} % of the cycles"]
        if left:
            words.append(f"about {max(left):.0f} s left")
        words += [f"{name} {text}" for name, text in self._estimates.items()]
        return ", ".join(words)


def status_table(statuses: tuple[TaskStatus, ...], protocol: Protocol) -> Table:
    """Leg, repeat, progress, speed and time left of every task."""
    table = Table(box=None, header_style="bold")
    for title in ("ligand", "leg", "repeat", "stage", "cycles", "ns/day", "left"):
        table.add_column(title, justify="right" if title in ("repeat", "cycles", "ns/day", "left") else "left")
    for status in statuses:
        speed, left = status.ns_per_day(protocol), status.seconds_left
        table.add_row(
            status.task.ligand,
            status.task.kind.value,
            str(status.task.repeat),
            status.stage,
            f"{status.cycles}/{status.goal}",
            f"{speed:.1f}" if speed else "",
            f"{left:.0f} s" if left else "",
        )
    return table
