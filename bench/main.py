"""Measures certctl and prints a report in Markdown; `bench/run` prepares everything and calls this."""
import argparse
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import counts
import micro
import scale
import size
import startup
from measure import ROOT, TARGET, Failed


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return f"{model}, {os.cpu_count()} cores, {gib:.0f} GiB; {system}, Linux {platform.release()}"


def load():
    busy = os.getloadavg()[0]
    return f"{busy:.1f}" + ("; **the machine was busy: only ratios count**" if busy > os.cpu_count() / 2 else "")


def said(*argv):
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def head(arguments):
    command = shlex.join(["bench/run", *arguments])
    commit = said("git", "describe", "--always", "--dirty")
    return (f"- Machine: {machine()}\n- Date: {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}; "
            f"commit {commit}; {said('rustc', '--version')}\n- Command: `{command}`\n- Load when it began: {load()}\n")


def in_memory(given, scratch):
    sizes, latencies = ((1, 10, 100), (0, 20)) if given.quick else ((1, 10, 100, 1000, 10_000), (0, 20, 100))
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        rounds = 2 if given.quick else 7
        return scale.report(given.certctl, given.sandbox, scratch, Path(memory), sizes, latencies, rounds)


PARTS = {
    "startup": ("Start-up and one download", lambda given, scratch: startup.report(
        given.certctl, given.sandbox, given.venv, scratch, 3 if given.quick else 21)),
    "scale": ("From one certificate to ten thousand", in_memory),
    "counts": ("Instructions", lambda given, scratch: counts.report(
        given.certctl, given.sandbox, scratch, given.accept)),
    "micro": ("Signing, verifying, storing", lambda given, scratch: micro.report()),
    "size": ("What it weighs", lambda given, scratch: size.report(scratch)),
}
# The others build for minutes.
QUICK = ("startup", "scale", "counts")


def main():
    what = "Measures certctl against what one would use instead."
    parser = argparse.ArgumentParser(prog="bench/run", description=what)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure, of {', '.join(PARTS)}; all of it")
    parser.add_argument("--quick", action="store_true", help="only whether the bench works and nothing costs much more")
    parser.add_argument("--accept", action="store_true", help="take the instruction counts as the new baseline")
    parser.add_argument("--certctl", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--sandbox", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--venv", type=Path, required=True, help=argparse.SUPPRESS)
    given = parser.parse_args()
    asked = [*(["--quick"] if given.quick else []), *given.parts]
    print(head(asked), flush=True)
    failed = []
    for part in given.parts or (QUICK if given.quick else PARTS):
        title, report = PARTS[part]
        print(f"bench: {part}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=TARGET) as scratch:
            try:
                print(f"## {title}\n\n{report(given, Path(scratch))}", flush=True)
            except Failed as error:
                print(f"bench: {part}: {error}", file=sys.stderr)
                failed.append(part)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
