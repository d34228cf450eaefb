"""From one certificate to ten thousand: requests, wall, CPU and memory, against the ideal schedule.

The cloud is Huawei: it publishes no request rate that would be kept to, and its pages hold 50 rows.
"""
import http.client
import json
import math
import subprocess
import time
from statistics import median

from measure import Failed, clean, middle, ms, run, table, verdict
from sandbox import Sandbox

PAGE = 50
JOBS = 8
CONFIG = """dir = "{dir}"
[accounts.hw]
provider = "huawei"
"""


def ideal(kind, certificates, reply):
    """Pages one after the other, since each tells where the next begins; then the downloads, so many at a time."""
    pages = math.ceil(certificates / PAGE)
    downloads = math.ceil(certificates / JOBS) if kind == "first sync" else 0
    return (pages + downloads) * reply


def expected(kind, certificates):
    calls = {"ListCertificates": math.ceil(certificates / PAGE)}
    if kind == "first sync":
        calls["ExportCertificate"] = certificates
    return calls


def reply_time(host, tries=9):
    """How long one reply really takes, by a client that does nothing else. It is refused, in the same time."""
    connection, times = http.client.HTTPConnection(host), []
    for _ in range(tries):
        start = time.monotonic()
        connection.request("GET", "/v3/scm/certificates")
        connection.getresponse().read()
        times.append(time.monotonic() - start)
    return median(times)


def measured(certctl, sandbox, scratch, certificates, latency, rounds, disk):
    """Rows of figures for one size and latency: kind, ideal, median cost, slowest and requests."""
    with Sandbox(sandbox, scratch, account="bulk", bulk=certificates, latency=latency) as running:
        environment = clean(scratch, **running.variables)
        listing = [certctl, "list", "-p", "huawei", "-o", "json"]
        # The first time, the sandbox makes the certificates.
        listed = json.loads(subprocess.run(listing, env=environment, check=True, capture_output=True).stdout)
        names = [row["common_name"] for row in listed["certificates"]]
        reply = reply_time(running.endpoint("huawei")[1])
        running.seen()
        costs, calls = {}, {}
        for turn in range(rounds):
            place = disk / f"{certificates}-{latency}-{turn}"
            place.mkdir(parents=True)
            config = place / "certctl.toml"
            wanted = "".join(f'[[certificates]]\nname = "{name}"\n' for name in names)
            config.write_text(CONFIG.format(dir=place / "certs") + wanted)
            sync = [certctl, "sync", "-q", "-c", config]
            for kind, argv in (("list", listing), ("first sync", sync), ("no-op sync", sync)):
                costs.setdefault(kind, []).append(run(argv, environment))
                calls[kind] = running.seen()
                if calls[kind] != expected(kind, certificates):
                    raise Failed(f"{kind} of {certificates}: {dict(calls[kind])} and not {expected(kind, certificates)}")
            subprocess.run(["rm", "-rf", place], check=True)
    return [(kind, reply, ideal(kind, certificates, reply), costs[kind], calls[kind]) for kind in costs]


def report(certctl, sandbox, scratch, memory, sizes, latencies, most_rounds):
    """In memory; then one size on disk."""
    rows, growth = [], {}
    for latency in latencies:
        for certificates in sizes:
            rounds = max(1, min(most_rounds, 3000 // certificates))
            for figures in measured(certctl, sandbox, scratch, certificates, latency, rounds, memory):
                kind, reply, least, costs, calls = figures
                rss, wall = middle(costs, "rss"), middle(costs, "wall")
                if latency == latencies[0]:
                    growth.setdefault(kind, {})[certificates] = (rss, wall, middle(costs, "cpu"))
                # What a process costs however little there is to do is told in milliseconds; a share of it says little.
                rows.append([
                    certificates, latency, kind, sum(calls.values()), ms(least), ms(wall),
                    f"{wall / least:.2f}" if latency else "", ms(wall - least), ms(middle(costs, "cpu")), f"{rss:.1f}",
                ])
    head = ["certificates", "latency ms", "", "requests", "ideal ms", "wall ms", "wall ÷ ideal", "over ideal ms", "CPU ms",
            "peak RSS MB"]
    lines = [table(head, rows), f"What each certificate more costs, from {sizes[-3]} to {sizes[-1]}, without latency:\n",
             table(["", "RSS KB", "", "wall ms", "CPU ms", "CPU of the last ÷ of the size before, per certificate"],
                   [grown(kind, by_size) for kind, by_size in growth.items()])]
    size = min(1000, sizes[-1])
    lines += [f"On disk, {size} certificates without latency:\n", table(["", "wall ms", "CPU ms"], [
        [kind, ms(middle(costs, "wall")), ms(middle(costs, "cpu"))]
        for kind, _, _, costs, _ in measured(certctl, sandbox, scratch, size, 0, 1, scratch / "disk")])]
    return "\n".join(lines)


def grown(kind, by_size):
    sizes = sorted(by_size)
    first, before, last = sizes[-3:]
    each = [(more - less) / (last - first) for more, less in zip(by_size[last], by_size[first], strict=True)]
    linear = (by_size[last][2] / last) / (by_size[before][2] / before)
    kilobytes = each[0] * 1e6 / 1000
    return [kind, f"{kilobytes:.2f}", verdict(kilobytes, 2), ms(each[1]), ms(each[2]), f"{linear:.2f}"]
