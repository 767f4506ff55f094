"""Kill a run with SIGKILL at random moments, run it again, and compare with the uninterrupted result.

    python benchmarks/kill.py protocols/smoke.yaml --kills 20

Each trial starts in an empty directory, is killed once at a moment drawn from the whole length of an
uninterrupted run, is looked at (every file that is there must be readable), and is run again to its end.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bindfe.store import read_arrays, read_plain


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What one kill did."""

    after: float
    """When the run was killed [s]."""
    kept: int
    """Chunks that were stored by then."""
    identical: bool
    """Whether the run, continued, gave the uninterrupted result."""


def start(protocol: Path, out: Path) -> subprocess.Popen[bytes]:
    """``bindfe run`` in a process of its own."""
    command = [sys.executable, "-m", "bindfe.cli", "run", str(protocol), "--out", str(out), "--quiet"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(protocol: Path, out: Path) -> float:
    """Run to the end; returns the wall time [s]."""
    began = time.perf_counter()
    process = start(protocol, out)
    _, stderr = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"bindfe run ended with {process.returncode}: {stderr.decode()}")
    return time.perf_counter() - began


def content(out: Path) -> tuple[object, dict[str, bytes]]:
    """The answer and the energies behind it; wall times are left out."""
    energies = {}
    for path in sorted(out.rglob("chunk-*.npz")):
        arrays = read_arrays(path)
        energies[str(path.relative_to(out))] = b"".join(
            arrays[name].tobytes() for name in sorted(arrays) if name != "wall_seconds"
        )
    return read_plain(out / "prediction.json"), energies


def check_readable(out: Path) -> int:
    """Read every stored file; returns the number of chunks."""
    for path in out.rglob("*.npz"):
        if not path.name.startswith("."):
            read_arrays(path)
    for path in out.rglob("*.json"):
        if not path.name.startswith("."):
            json.loads(path.read_text())
    return len(list(out.rglob("chunk-*.npz")))


def kill_once(protocol: Path, out: Path, *, after: float, reference: object) -> Trial:
    """Start, kill, look, continue, compare."""
    process = start(protocol, out)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = check_readable(out) if out.exists() else 0
    finish(protocol, out)
    identical = content(out) == reference
    return Trial(after=after, kept=kept, identical=identical)


def kill_trials(protocol: Path, *, kills: int, seed: int) -> tuple[Trial, ...]:
    """An uninterrupted run and ``kills`` interrupted ones, printed as they end."""
    rng = np.random.default_rng(seed)
    trials = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        finish(protocol, Path(scratch) / "warm")  # fills the parameter cache
        seconds = finish(protocol, whole)
        reference = content(whole)
        print(f"uninterrupted: {seconds:.1f} s")
        for number in range(kills):
            out = Path(scratch) / f"kill-{number}"
            trial = kill_once(protocol, out, after=float(rng.uniform(0.1, seconds)), reference=reference)
            shutil.rmtree(out)
            trials.append(trial)
            print(
                f"kill {number + 1:2d} after {trial.after:5.1f} s, {trial.kept:2d} chunks stored: "
                f"{'identical' if trial.identical else 'DIFFERENT'}",
                flush=True,
            )
    return tuple(trials)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("protocol", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    trials = kill_trials(arguments.protocol, kills=arguments.kills, seed=arguments.seed)
    same = sum(trial.identical for trial in trials)
    print(f"{same} of {len(trials)} identical to the uninterrupted run")
    raise SystemExit(same != len(trials))


if __name__ == "__main__":
    main()
