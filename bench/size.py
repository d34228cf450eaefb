"""What the binary weighs: its size, its dependencies, how long it takes to build, and what of that is whose.

A clean build with its symbols kept: cargo says how long each crate took, and the symbols say how many bytes of code
came from it. With thin LTO functions of one crate go into another's, so that is an estimate. A dependency is charged
with all that only it brings.
"""
import json
import os
import re
import subprocess
import time
from collections import Counter

from measure import ROOT, table

TARGET = "x86_64-unknown-linux-gnu"


def cargo(*arguments, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(["cargo", *arguments], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)


def tree():
    """The direct dependencies of the binary, and what each crate depends on, by name."""
    metadata = json.loads(cargo("metadata", "--locked", "--format-version=1", f"--filter-platform={TARGET}").stdout)
    names = {package["id"]: package["name"] for package in metadata["packages"]}
    needs = {}
    for node in metadata["resolve"]["nodes"]:
        kinds = lambda dep: {kind["kind"] for kind in dep["dep_kinds"]}
        needs[names[node["id"]]] = {names[dep["pkg"]] for dep in node["deps"] if kinds(dep) - {"dev"}}
    return needs


def reachable(needs, start, without=None):
    """All that `start` needs, except through `without`."""
    found, ahead = set(), [start]
    while ahead:
        for name in needs.get(ahead.pop(), ()):
            if name != without and name not in found:
                found.add(name)
                ahead.append(name)
    return found


def only_by(needs, root):
    """By direct dependency, itself and what would be gone without it."""
    everything = reachable(needs, root)
    return {name: everything - reachable(needs, root, without=name) for name in needs[root]}


def durations(html):
    """Seconds by crate, from cargo's report on its build."""
    units = json.loads(re.search(r"UNIT_DATA = (\[.*?\]);", html, re.DOTALL).group(1))
    seconds = Counter()
    for unit in units:
        seconds[unit["name"]] += unit["duration"]
    return seconds


def code(lines):
    """Bytes of code by crate, from `nm --print-size`."""
    size = Counter()
    for line in lines:
        fields = line.split(maxsplit=3)
        if len(fields) == 4 and fields[2] in "tT":
            size[crate(fields[3])] += int(fields[1], 16)
    return size


def crate(symbol):
    """The crate that a mangled name begins with; C and assembly are ring's, but for the C library's few."""
    if not symbol.startswith("_ZN"):
        return "ring" if "ring_core" in symbol or symbol.startswith(("x25519_", "fe_", "sha", "aes", "bn_")) else "other"
    rest = symbol[3:]
    digits = re.match(r"\d+", rest).group()
    first = rest[len(digits):len(digits) + int(digits)]
    # `<T as Trait>::f` is taken for the crate of T, or of the trait where T is the language's own.
    words = [word for word in re.split(r"\$[A-Za-z0-9]+\$|\.\.|\.| as ", first) if word and word != "_"]
    found = [word for word in words if word not in ("dyn", "mut", "const")]
    return found[0] if found else "other"


def report(scratch):
    start = time.monotonic()
    cargo("build", "--locked", "--release", "--bin", "certctl", "--timings", "--target-dir", str(scratch),
          CARGO_PROFILE_RELEASE_STRIP="none")
    took = time.monotonic() - start
    binary = scratch / "release" / "certctl"
    symbols = subprocess.run(["nm", "--print-size", binary], check=True, capture_output=True, text=True).stdout
    sizes = code(symbols.splitlines())
    subprocess.run(["strip", binary], check=True)
    seconds = durations((scratch / "cargo-timings" / "cargo-timing.html").read_text())
    needs = tree()
    direct = only_by(needs, "certctl")
    rows = []
    for name, brought in direct.items():
        weight = sum(sizes[one.replace("-", "_")] for one in brought)
        rows.append((sum(seconds[one] for one in brought), weight, name, len(brought)))
    rows.sort(reverse=True)
    everything = reachable(needs, "certctl")
    own = [[f"`{name}`", count, f"{spent:.1f}", f"{weight / 1000:.0f}"] for spent, weight, name, count in rows]
    facts = [
        ["binary, stripped, MB", f"{binary.stat().st_size / 1e6:.2f}"],
        ["code of all crates, MB", f"{sum(sizes.values()) / 1e6:.2f}"],
        ["of it the standard library's, KB", f"{sum(sizes[one] for one in ('std', 'core', 'alloc')) / 1000:.0f}"],
        ["of it certctl's own, KB", f"{sizes['certctl'] / 1000:.0f}"],
        ["crates named", len(direct)],
        ["crates in all", len(everything)],
        ["clean build, s", f"{took:.0f}"],
        ["of it certctl itself and linking, s", f"{seconds['certctl']:.0f}"],
        ["processor seconds of all crates", f"{sum(seconds.values()):.0f}"],
    ]
    return "\n".join([table(["", ""], facts), table(
        ["With what it alone brings", "crates", "build s", "code KB"], own)])
