"""Instructions, counted by callgrind: a regression shows in them whatever else the machine is doing.

They are compared with counts.json where the same compiler, valgrind and C library made both; else they are only told.
"""
import json
import platform
import re
import subprocess
from pathlib import Path

from measure import Failed, clean, table
from sandbox import Sandbox

BASELINE = Path(__file__).resolve().parent / "counts.json"
# Keys, ids and hashes differ from run to run; what is worth knowing is more than that.
TOLERANCE = 0.05
CERTIFICATES = 100


def made_with():
    """What the counts depend on beside certctl."""
    said = lambda *argv: subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    avx2 = "avx2" in Path("/proc/cpuinfo").read_text()
    return {"rustc": said("rustc", "--version"), "valgrind": said("valgrind", "--version"),
            "libc": " ".join(platform.libc_ver()), "machine": f"{platform.machine()}{' with AVX2' if avx2 else ''}"}


def counted(argv, environment, scratch):
    """The instructions of one run."""
    out = scratch / "callgrind"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *argv]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        raise Failed(f"{argv}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return total(out.read_text(errors="replace"))


def total(text):
    """What callgrind's file says that all of it came to."""
    return int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE).group(1))


def scenarios(certctl, sandbox, scratch):
    """Counts by scenario."""
    bare = clean(scratch)
    counts = {word: counted([certctl, word], bare, scratch) for word in ("--version", "--help")}
    with Sandbox(sandbox, scratch) as running:
        environment = clean(scratch, **running.variables)
        listing = [certctl, "list", "-p", "tencent", "-o", "json"]
        listed = json.loads(subprocess.run(listing, env=environment, check=True, capture_output=True).stdout)
        id = next(row["id"] for row in listed["certificates"] if row["alias"].startswith("plain"))
        download = [certctl, "download", "-p", "tencent", id, "-d", scratch / "out"]
        counts["list"] = counted(listing, environment, scratch)
        counts["download"] = counted(download, environment, scratch)
        counts["download again"] = counted(download, environment, scratch)
        counts["check"] = counted([certctl, "check", scratch / "out"], environment, scratch)
    with Sandbox(sandbox, scratch, account="bulk", bulk=CERTIFICATES) as running:
        environment = clean(scratch, **running.variables)
        config = scratch / "certctl.toml"
        names = [f"bulk-{number:04}.huawei.example" for number in range(1, CERTIFICATES + 1)]
        wanted = "".join(f'[[certificates]]\nname = "{name}"\n' for name in names)
        config.write_text(f'dir = "{scratch}/certs"\n[accounts.hw]\nprovider = "huawei"\n{wanted}')
        sync = [certctl, "sync", "-q", "-c", config]
        counts[f"first sync of {CERTIFICATES}"] = counted(sync, environment, scratch)
        counts[f"no-op sync of {CERTIFICATES}"] = counted(sync, environment, scratch)
    return counts


def report(certctl, sandbox, scratch, accept):
    counts, made = scenarios(certctl, sandbox, scratch), made_with()
    if accept:
        BASELINE.write_text(json.dumps({"made_with": made, "counts": counts}, indent=2) + "\n")
    baseline = json.loads(BASELINE.read_text())
    rows, worse = compare(baseline["counts"], counts)
    lines = [table(["", "million instructions", "baseline", "change"], rows)]
    if baseline["made_with"] != made:
        lines.append(f"Only told: the baseline was made with {', '.join(baseline['made_with'].values())}.\n")
    elif worse:
        raise Failed(f"more instructions than bench/counts.json allows: {', '.join(worse)}\n\n{lines[0]}\n"
                     "If that is meant: bench/run --accept counts")
    return "\n".join(lines)


def compare(baseline, counts):
    """Rows for a table, and what costs more than is tolerated."""
    rows, worse = [], []
    for name, count in counts.items():
        before = baseline.get(name)
        change = count / before - 1 if before else 0
        rows.append([name, f"{count / 1e6:.2f}", f"{before / 1e6:.2f}" if before else "", f"{change:+.1%}"])
        if change > TOLERANCE:
            worse.append(f"{name} ({change:+.1%})")
    return rows, worse
