"""Start-up and one download, against the clouds' own tools, and curl and the disk as the floor."""
import json
import os
import subprocess
from itertools import count
from pathlib import Path

import floor
import sign
from measure import Cost, Failed, clean, middle, ms, paired, ratio, run, spread, table, verdict
from sandbox import Sandbox

PEERS = Path(__file__).resolve().parent / "peers"
SYSTEM_ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")


def trust(scratch, root, venv):
    """One bundle for all: the system's roots and the sandbox's. The tools that know only certifi's get it there."""
    bundle = scratch / "roots.pem"
    bundle.write_bytes(SYSTEM_ROOTS.read_bytes() + Path(root).read_bytes())
    for known in venv.glob("lib/python3*/site-packages/certifi/cacert.pem"):
        known.write_bytes(bundle.read_bytes())
    return bundle


class Scene:
    """Who downloads what, from where."""

    def __init__(self, sandbox, scratch, certctl, venv):
        self.sandbox, self.scratch, self.certctl, self.numbers = sandbox, scratch, certctl, count()
        self.bundle = trust(scratch, sandbox.variables["SSL_CERT_FILE"], venv)
        self.variables = {**sandbox.variables, "SSL_CERT_FILE": str(self.bundle)}
        self.environment = clean(scratch, **self.variables)
        self.peers = {**self.environment, "PATH": f"{venv}/bin:{self.environment['PATH']}"}

    def new(self):
        """A directory that nobody has used yet."""
        path = self.scratch / f"out-{next(self.numbers)}"
        path.mkdir()
        return path

    def id(self, provider):
        argv = [self.certctl, "list", "-p", provider, "-o", "json"]
        listed = json.loads(subprocess.run(argv, env=self.environment, check=True, capture_output=True).stdout)
        return next(row["id"] for row in listed["certificates"] if row["alias"].startswith("plain"))

    def download(self, provider, id):
        return run([self.certctl, "download", "-p", provider, id, "-d", self.new()], self.environment)

    def content(self, provider, id):
        """The files that certctl makes of it, to be written without it."""
        out = self.new()
        run([self.certctl, "download", "-p", provider, id, "-d", out], self.environment)
        version = next(out.glob("*/current"))
        return {path.name: path.read_bytes() for path in version.iterdir()}

    def write(self, files):
        return Cost(floor.write(self.new(), "name", files), 0, 0)

    def curl(self, arguments):
        return run(["curl", "-sS", "--fail", "--cacert", self.bundle, "-o", self.scratch / "reply", *arguments],
                   self.environment)


def tencent(scene):
    id, (scheme, host) = scene.id("tencent"), scene.sandbox.endpoint("tencent")
    keys = [scene.variables[f"TENCENTCLOUD_SECRET_{name}"] for name in ("ID", "KEY")]
    files, body = scene.content("tencent", id), json.dumps({"CertificateId": id})
    environment = {**scene.peers, "TENCENTCLOUD_REGION": "ap-guangzhou"}
    script = PEERS / "tccli.sh"
    return {
        "certctl": lambda: scene.download("tencent", id),
        "tccli": lambda: run([script, id, scene.new(), host], environment),
        "curl": lambda: scene.curl(sign.tencent(scheme, host, *keys, "DownloadCertificate", body)),
        "writes": lambda: scene.write(files),
    }


def jdcloud(scene):
    id, (scheme, host) = scene.id("jdcloud"), scene.sandbox.endpoint("jdcloud")
    keys = [scene.variables[name] for name in ("JDCLOUD_ACCESS_KEY_ID", "JDCLOUD_SECRET_ACCESS_KEY")]
    files = scene.content("jdcloud", id)
    config = scene.scratch / ".jdc" / "config"
    config.parent.mkdir()
    config.write_text(f"[default]\naccess_key = {keys[0]}\nsecret_key = {keys[1]}\nregion_id = cn-north-1\n"
                      f"endpoint = {host}\nscheme = {scheme}\ntimeout = 20\n")
    (config.parent / "current").write_text("default")
    script, environment = PEERS / "jdc.sh", {**scene.peers, "REQUESTS_CA_BUNDLE": str(scene.bundle)}
    path = f"/v1/sslCert/{id}:download"
    return {
        "certctl": lambda: scene.download("jdcloud", id),
        "jdc": lambda: run([script, id, scene.new()], environment),
        "curl": lambda: scene.curl(sign.jdcloud(scheme, host, *keys, path, "serverType=Nginx")),
        "writes": lambda: scene.write(files),
    }


def words(scene, word, peers):
    """The same word to all of them."""
    programs = {"certctl": scene.certctl, "curl": "curl", **{peer: peer for peer in peers}}
    return {name: lambda program=program: run([program, word], scene.peers) for name, program in programs.items()}


def report(certctl, sandbox, venv, scratch, rounds):
    """The part of the report, in Markdown."""
    lines = []
    with Sandbox(sandbox, scratch, tls=True) as running:
        scene = Scene(running, scratch, certctl, venv)
        for word in ("--version", "--help"):
            costs = paired(words(scene, word, ["tccli", "jdc"] if word == "--version" else ["jdc"]), rounds)
            lines += [f"### `{word}`\n", compare(costs)]
        for title, peer, made in (("Tencent", "tccli", tencent), ("JD Cloud", "jdc", jdcloud)):
            contestants = made(scene)
            running.seen()
            costs = paired(contestants, rounds)
            calls = running.seen()
            if set(calls) - {"DownloadCertificate", "downloadCert"} or sum(calls.values()) != 3 * rounds:
                raise Failed(f"{title}: not one request each: {calls}")
            lines += [f"### One download from {title}\n", compare(costs), goals(costs, peer)]
    return "\n".join(lines)


def compare(costs):
    ours = costs["certctl"]
    rows = []
    for name, theirs in costs.items():
        figures = [ms(middle(theirs, "wall"))]
        if name == "writes":
            rows.append([name, *figures, "", "", f"{ratio(theirs, ours, 'wall'):.2f}", ""])
            continue
        figures += [ms(middle(theirs, "cpu")), f"{middle(theirs, 'rss'):.1f}"]
        rows.append([name, *figures, f"{ratio(theirs, ours, 'wall'):.2f}", f"{ratio(theirs, ours, 'cpu'):.2f}"])
    return table(["", "wall ms", "CPU ms", "peak RSS MB", "wall ÷ certctl's", "CPU ÷ certctl's"], rows)


def goals(costs, peer):
    ours, least = costs["certctl"], [curl + writes for curl, writes in zip(costs["curl"], costs["writes"], strict=True)]
    cpu, wall, rss = ratio(costs[peer], ours, "cpu"), ratio(ours, least, "wall"), middle(ours, "rss")
    low, high = spread(ours, least, "wall")
    return table(["Goal", "Measured", ""], [
        [f"{peer}'s CPU time ÷ certctl's", f"{cpu:.0f}", verdict(cpu, 100, at_most=False)],
        ["certctl's wall time ÷ (curl's and the writes')", f"{wall:.2f} ({low:.2f} to {high:.2f})", verdict(wall, 1.2)],
        ["certctl's peak RSS, MB", f"{rss:.1f}", verdict(rss, 12)],
    ])
