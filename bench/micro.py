"""The criterion benchmarks of bench/micro, as a table."""
import json
import os
import subprocess

from measure import ROOT, TARGET, table

BUILT = TARGET / "micro"


def report():
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILT)}
    argv = ["cargo", "bench", "--locked", "--manifest-path", ROOT / "bench" / "micro" / "Cargo.toml", "--", "--noplot"]
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
    rows = [read(path) for path in sorted((BUILT / "criterion").glob("*/*/new"))]
    return table(["", "µs", "95 % of means"], [
        [name, f"{point / 1000:.2f}", f"{low / 1000:.2f} to {high / 1000:.2f}"] for name, point, low, high in rows])


def read(path):
    """Name, median and the bounds of the mean, in ns."""
    name = json.loads((path / "benchmark.json").read_text())["full_id"]
    estimates = json.loads((path / "estimates.json").read_text())
    bounds = estimates["mean"]["confidence_interval"]
    return name, estimates["median"]["point_estimate"], bounds["lower_bound"], bounds["upper_bound"]
