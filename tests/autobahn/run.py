"""Runs cases of the Autobahn TestSuite against the driver, and judges the reports.

usage: run.py SUITE DRIVER RUN

SUITE is the directory that scripts/require-autobahn.sh fills, DRIVER the program made of driver.c,
RUN a name in runs.json. A run has parts, each with a server and a driver of its own, because a
server uses one core; two of them run side by side. All that a part leaves behind is in
SUITE, in work/RUN/PART.
"""
import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import time

from judge import judge, read_expected, select

HERE = pathlib.Path(__file__).parent
AGENT = "anyws"
SIDE_BY_SIDE = 2


class Server:
    """The fuzzing server of one part, as long as the `with` block. Ends with this process."""

    def __init__(self, suite, directory, part):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        # What it reads lies beside what it writes: it may be at work in a root of its own.
        shutil.copy(HERE / "server.py", directory)
        spec = {"cases": part["cases"], "tls": part.get("tls", False)}
        (directory / "spec.json").write_text(json.dumps(spec))
        self.errors = open(directory / "server.errors", "wb")
        self.process = subprocess.Popen(
            [suite / "python2.7", directory / "server.py", directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        port = self.process.stdout.readline().strip().decode()
        if not port:
            self.__exit__()
            complaint = (directory / "server.errors").read_text()
            raise SystemExit(f"the suite's server does not start:\n{complaint}")
        self.url = f"wss://localhost:{port}" if spec["tls"] else f"ws://127.0.0.1:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def run_part(suite, driver, directory, part, expected):
    """(how many cases got which behavior, a sentence for each fault, seconds)."""
    begun = time.monotonic()
    with Server(suite, directory, part) as server:
        options = ["--compress"]
        if part.get("partial"):
            options.append("--partial")
        if part.get("tls"):
            options += ["--ca", directory / "certificate.pem"]
        command = [driver, *options, server.url, AGENT]
        driven = subprocess.run(command, capture_output=True, text=True)
    counts, faults = judge(expected, directory / "reports", AGENT)
    if driven.returncode != 0 or driven.stderr:
        faults.append(f"the driver ended with {driven.returncode}: {driven.stderr.strip()}")
    return counts, faults, time.monotonic() - begun


def main():
    suite, driver, run = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    expected = read_expected(HERE / "expected.txt")
    parts = json.loads((HERE / "runs.json").read_text())[run]
    selected = {name: select(expected, part["cases"]) for name, part in parts.items()}
    left_out = expected.keys() - set().union(*selected.values())
    if run == "full" and left_out:
        raise SystemExit(f"the full run leaves out {sorted(left_out)}")

    failed = False
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        running = {
            name: pool.submit(run_part, suite, driver, suite / "work" / run / name, part,
                              selected[name])
            for name, part in parts.items()
        }
        for name, outcome in running.items():
            counts, faults, seconds = outcome.result()
            summary = ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common())
            print(f"autobahn {run} {name}: {sum(counts.values())} of {len(selected[name])} cases "
                  f"({summary}) in {seconds:.0f} s", flush=True)
            for fault in faults:
                print(f"  {fault}", flush=True)
            failed = failed or bool(faults)
    return 1 if failed else 0


sys.exit(main())
