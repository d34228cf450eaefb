"""The simulated clouds, running while something is measured."""
import json
import os
import subprocess
from collections import Counter
from pathlib import Path

# Says what the sandbox put into the environment, and keeps it running until stdin is closed.
HOLD = ["python3", "-c", "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()"]


class Sandbox:
    """`with Sandbox(program, scratch, ...) as sandbox`: `sandbox.variables` lead certctl to it."""

    def __init__(self, program, scratch, account="healthy", **options):
        self.log = Path(scratch) / "requests"
        self.log.touch()
        given = [f"--{name.replace('_', '-')}={value}" for name, value in options.items() if value is not True]
        given += [f"--{name}" for name, value in options.items() if value is True]
        self.argv = [program, "--account", account, "--log", self.log, *given, "--", *HOLD]
        self.read = 0

    def __enter__(self):
        # Without cargo's variable it takes the certctl that is there, instead of building one.
        environment = {name: value for name, value in os.environ.items() if name != "CARGO"}
        self.process = subprocess.Popen(self.argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        told = json.loads(self.process.stdout.readline())
        is_new = lambda name: name != "PATH" and environment.get(name) != told[name]
        self.variables = {name: told[name] for name in told if is_new(name)}
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def endpoint(self, cloud):
        """Scheme and host with port."""
        return self.variables[f"CERTCTL_{cloud.upper()}_ENDPOINT"].split("://")

    def seen(self):
        """How often each operation was called since this was last asked."""
        with open(self.log) as log:
            log.seek(self.read)
            lines = log.read().splitlines()
            self.read = log.tell()
        return tally(lines)


def tally(lines):
    """Operations in the sandbox's log, counted; what was refused counts as that."""
    calls = (line.split(" ") for line in lines)
    return Counter(operation.strip('"') if status == "200" else status for _, _, operation, status in calls)
