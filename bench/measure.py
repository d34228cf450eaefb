"""Runs commands and says what they cost; medians, ratios and tables of that."""
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "bench"


@dataclass(frozen=True)
class Cost:
    """What one command cost, with all that it started: seconds, seconds, MB."""
    wall: float
    cpu: float
    rss: float
    code: int = 0

    @classmethod
    def read(cls, line):
        code, wall, user, system, rss = map(int, line.split())
        return cls(wall / 1e9, (user + system) / 1e6, rss * 1024 / 1e6, code)

    def __add__(self, other):
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.rss, other.rss))


class Failed(Exception):
    """A command that is measured must do what it is meant to."""


def run(argv, environment, codes=(0,)):
    """Runs a command to its end. What it prints goes nowhere, unless it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        report, output = Path(scratch) / "report", Path(scratch) / "output"
        with open(output, "wb") as sink:
            measured = [TARGET / "measure", report, *argv]
            nothing = subprocess.DEVNULL
            done = subprocess.run(measured, env=environment, stdin=nothing, stdout=sink, stderr=sink, check=False)
        cost = Cost.read(report.read_text()) if done.returncode == 0 else Cost(0, 0, 0, 125)
        if cost.code not in codes:
            raise Failed(f"{' '.join(map(str, argv))}: exit {cost.code}: {output.read_text(errors='replace')[-2000:]}")
    return cost


def paired(contestants, rounds):
    """Lets all take turns, in another order each time: what disturbs the machine then disturbs them all.

    `contestants` are functions by name; the result has a list of costs by name, in rounds.
    """
    names, costs = list(contestants), {name: [] for name in contestants}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            costs[name].append(contestants[name]())
    return costs


def middle(costs, of):
    """The median of one figure: "wall", "cpu" or "rss"."""
    return median(getattr(cost, of) for cost in costs)


def ratio(costs, others, of):
    """The median of the rounds' ratios."""
    return median(getattr(one, of) / getattr(other, of) for one, other in zip(costs, others, strict=True))


def spread(costs, others, of):
    """Between which ratios the middle half of the rounds lies."""
    ratios = sorted(getattr(one, of) / getattr(other, of) for one, other in zip(costs, others, strict=True))
    quarter = len(ratios) // 4
    return ratios[quarter], ratios[-1 - quarter]


def table(head, rows):
    """A Markdown table; the first column is text, the others are figures."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"


def verdict(value, goal, at_most=True):
    """A figure with its goal, and whether it meets it."""
    met = value <= goal if at_most else value >= goal
    return f"{'met' if met else '**missed**'} ({'≤' if at_most else '≥'} {goal:g})"


def ms(seconds):
    """Milliseconds, to three digits."""
    value = seconds * 1000
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def clean(home, **variables):
    """An environment with nothing of the user's."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **variables}
