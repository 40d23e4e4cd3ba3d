# Copyright: (c) 2026, tenantvault contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate: every check of ``make test``, each also by itself.

    gate.py test              everything, in two lanes side by side
    gate.py PART [PART ...]   some of it, one after the other

Each step prints one line when it ends. Its whole output is in .build/logs and is shown only when it failed.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import get_pip
import tree

ROOT = tree.ROOT
LOGS = tree.BUILD / "logs"
BIN = ROOT / ".venvs/dev/bin"
OLDEST_BIN = ROOT / ".venvs/oldest/bin"
CLAMAV_FILES = ("clamd", "/usr/share/clamav-testfiles")
CLAMAV_PACKAGES = ("clamav", "clamav-daemon", "clamav-testfiles")
COPY = tree.copy_path()
ARTEFACT = tree.BUILD / "artefact" / f"{'-'.join((*tree.collection_name(), tree.collection_version()))}.tar.gz"
PACKAGE = ".".join(("ansible_collections", *tree.collection_name()))
SHOWN_LOG_LINES = 400
PYTEST = ("-m", "pytest", "-n", "2", "--durations", "5")
# What ansible-test and pip say while everything is well; it would only bury the findings.
NOISE = re.compile(
    r"^(WARNING: Location |Looking in |Collecting |Requirement already |Processing |\s+(Downloading|Using cached|━)|Installing |"
    r"Successfully |Using cached |Running sanity test |WARNING: Skipping sanity test |WARNING: Using locale |See documentation for help|$)"
)
PYTEST_CLOSING_LINE = re.compile(r"^=+ .* in [0-9.]+s.*=+$")


@dataclasses.dataclass(frozen=True)
class Step:
    """One command of the gate.

    ``folder`` is where it runs, ``closing`` whether it ends with pytest's own summary, ``programs`` where it finds its
    interpreter and tools first.
    """

    name: str
    says: str
    command: tuple[str, ...]
    folder: pathlib.Path = ROOT
    closing: bool = False
    programs: pathlib.Path = BIN


def tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def present(*names: str) -> tuple[str, ...]:
    """Those of these files and folders that this checkout has."""
    return tuple(name for name in names if (ROOT / name).exists())


def pytest_step(name: str, says: str, *arguments: str, programs: pathlib.Path = BIN) -> Step:
    return Step(name, says, (str(programs / "python"), *PYTEST, *arguments), closing=True, programs=programs)


SOURCES = present("plugins", "tests", "tools", "docs/recovery")
TYPED_TEST_PACKAGES = tuple(path.removeprefix("tests/") for path in present("tests/tenant", "tests/benchmark", "tests/golden"))
UNIT = present("tests/unit", "tests/tenant_tests")
INTEGRATION = ("--dist", "loadfile", *present("tests/integration"))

PARTS: dict[str, tuple[Step, ...]] = {
    "format-check": (
        Step("format", "ruff finds every file formatted", tool("ruff", "format", "--check", "--output-format", "concise", *SOURCES)),
    ),
    "lint": (
        Step("ruff", "ruff has nothing to say", tool("ruff", "check", "--output-format", "concise", *SOURCES)),
        Step("reuse", "every file states its licence", tool("reuse", "lint", "--lines"), COPY),
        Step("changelog", "changelog fragments are well formed", tool("antsibull-changelog", "lint"), COPY),
        Step(
            "build",
            "the collection builds",
            tool("ansible-galaxy", "collection", "build", "--force", "--output-path", str(ARTEFACT.parent)),
            COPY,
        ),
        Step(
            "install",
            "the built collection installs",
            tool("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", str(tree.BUILD / "installed"), str(ARTEFACT)),
        ),
        Step(
            "ansible-lint",
            "ansible-lint, profile production",
            tool("ansible-lint", "--offline", "--profile", "production", "--strict"),
            COPY,
        ),
    ),
    "types": (
        Step(
            "types",
            "mypy agrees with every annotation",
            tool("mypy", "-p", f"{PACKAGE}.plugins", *(word for name in TYPED_TEST_PACKAGES for word in ("-p", name))),
        ),
        Step("types-recovery", "mypy agrees with the recovery tool", tool("mypy", "docs/recovery/m365_recover.py")),
    ),
    "docs-lint": (
        Step("docs", "plugin and collection docs are in order", tool("antsibull-docs", "lint-collection-docs", "--plugin-docs", "."), COPY),
    ),
    "sanity": (Step("sanity", "ansible-test sanity, all of its tests", tool("ansible-test", "sanity", "--local", "--color", "no"), COPY),),
    "unit": (pytest_step("unit", "unit tests", *UNIT),),
    "integration": (
        pytest_step("integration", "playbooks against the tenant", *INTEGRATION),
        Step("demo", "the demo tells its story to the end", (str(BIN / "python"), "tools/demo.py")),
    ),
    "hosts": (pytest_step("hosts", "roles and timers on machines that systemd has booted", "-n", "0", *present("tests/hosts")),),
    "oldest": (
        pytest_step("oldest-unit", "unit tests with the oldest supported libraries", *UNIT, programs=OLDEST_BIN),
        pytest_step("oldest-play", "playbooks with the oldest supported ansible-core", *INTEGRATION, programs=OLDEST_BIN),
    ),
}

# Two cores, two lanes: static checks beside tests, so that neither waits for the other.
LANES = (("format-check", "lint", "types", "docs-lint", "sanity", "hosts"), ("unit", "integration"))


def main(arguments: list[str]) -> int:
    wanted = arguments or ["test"]
    lanes = LANES if wanted == ["test"] else (tuple(wanted),)
    unknown = [part for lane in lanes for part in lane if part not in PARTS]
    if unknown:
        print(f"There is no part {unknown[0]}. Parts: test, {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    started = time.monotonic()
    steps = [[step for part in lane for step in PARTS[part]] for lane in lanes]
    prepare({part for lane in lanes for part in lane})
    if len(lanes) > 1:
        print(
            f"{sum(map(len, steps))} steps in {len(lanes)} lanes, each says a line when it ends; their output is in .build/logs", flush=True
        )
    with concurrent.futures.ThreadPoolExecutor(len(steps)) as pool:
        failed = [name for names in pool.map(run_lane, steps) for name in names]
    took = duration(time.monotonic() - started)
    title = "make test" if wanted == ["test"] else f"make {' '.join(wanted)}"
    if failed:
        print(f"{title}: FAILED after {took}: {', '.join(failed)}")
        return 1
    count = sum(map(len, steps))
    print(f"{title}: passed, {count} {'steps' if count > 1 else 'step'} in {took}")
    return 0


def run_lane(steps: list[Step]) -> list[str]:
    """Run every step, whatever became of the one before; return the names of those that failed."""
    return [step.name for step in steps if not run_step(step)]


def run_step(step: Step) -> bool:
    started = time.monotonic()
    log = LOGS / f"{step.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            step.command,
            cwd=step.folder,
            env=environment(step.programs),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        RUNNING.add(process.pid)
        code = process.wait()
        RUNNING.discard(process.pid)
    lines = readable(log)
    took = duration(time.monotonic() - started)
    closing = [line for line in lines if PYTEST_CLOSING_LINE.match(line)][-1:] if step.closing else []
    with SCREEN:
        if code == 0:
            print(f"ok      {step.name:13} {step.says}  ({took})")
        else:
            print(f"----- {step.name}: {' '.join(step.command)}")
            print("\n".join([line for line in lines if step.closing or not NOISE.match(line)][-SHOWN_LOG_LINES:]))
            print(f"FAILED  {step.name:13} exit code {code}, whole log in {log.relative_to(ROOT)}  ({took})")
        print(*closing, sep="\n", end="\n" if closing else "", flush=True)
    return code == 0


SCREEN = threading.Lock()
RUNNING: set[int] = set()


def stop_everything(signal_number: int, _frame: object) -> None:
    """Take the steps along: each runs in a session of its own, which a signal to us alone would leave behind."""
    for pid in tuple(RUNNING):
        os.killpg(pid, signal.SIGTERM)
    os._exit(128 + signal_number)


def readable(log: pathlib.Path) -> list[str]:
    """The log with paths of this checkout instead of its copy, so that an editor finds them."""
    text = log.read_text(encoding="utf-8", errors="replace")
    for prefix in (f"{COPY}/", f"{COPY.relative_to(tree.BUILD.parent)}/"):
        text = text.replace(prefix, "")
    return text.splitlines()


def environment(programs: pathlib.Path = BIN) -> dict[str, str]:
    """Real interpreters only, the collection from the copy, nothing from the user's own Ansible settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANSIBLE_", "PYENV_", "PYTEST_")) and name != "VIRTUAL_ENV"
    }
    return kept | {
        "ANSIBLE_COLLECTIONS_PATH": str(tree.BUILD),
        "ANSIBLE_HOME": str(tree.BUILD / "ansible-home"),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "NO_COLOR": "1",
        "MYPYPATH": f"{tree.BUILD}:{ROOT / 'tests'}",
        "PATH": os.pathsep.join(search_path(programs)),
        "PYTHONPATH": f"{tree.BUILD}:{ROOT / 'tests'}",
    }


def search_path(programs: pathlib.Path) -> list[str]:
    inherited = [folder for folder in os.environ["PATH"].split(os.pathsep) if not re.search(r"/shims(/|$)", folder)]
    return list(dict.fromkeys([str(programs), *INTERPRETER_FOLDERS, *inherited]))


INTERPRETER_FOLDERS: list[str] = []


def prepare(parts: set[str]) -> None:
    """Everything that steps need before the first of them starts."""
    os.chdir(ROOT)
    LOGS.mkdir(parents=True, exist_ok=True)
    for reason in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(reason, stop_everything)
    tree.make_copy()
    found = subprocess.run(["sh", "tools/pythons.sh"], check=True, capture_output=True, text=True).stdout
    INTERPRETER_FOLDERS.extend(os.path.dirname(line.split(" ", 1)[1]) for line in found.splitlines())
    if "sanity" in parts:
        note = get_pip.provide(next(BIN.parent.glob("lib/python3.*/site-packages/ansible_test")))
        if note:
            print(f"note    {'sanity':13} {note}")
        provide_program("shellcheck", "ansible-test checks no shell script", needed=False)
    if parts & {"unit", "integration", "oldest", "hosts"}:
        provide_program("restic", "tests that let restic judge our repositories are skipped", needed=bool(os.environ.get("CI")))
    if parts & {"unit", "integration", "oldest"}:
        provide_program("strace", "the test that sees our syncs reach the kernel is skipped", needed=bool(os.environ.get("CI")))
        for name in ("rclone", "onedrive"):
            provide_program(name, f"tests in which {name} reads the test tenant's drives are skipped", needed=bool(os.environ.get("CI")))
        for file in CLAMAV_FILES:
            provide_program(file, "tests of the malware scan are skipped", needed=bool(os.environ.get("CI")), packages=CLAMAV_PACKAGES)
        provide_program("chromium", "nobody looks at the HTML report", needed=bool(os.environ.get("CI")))
        provide_program("7zz", "7-Zip does not judge our encrypted zips", needed=bool(os.environ.get("CI")), packages=("7zip",))
    if "hosts" in parts:
        for name, package in (("systemd-nspawn", "systemd-container"), ("mmdebstrap", "mmdebstrap"), ("ssh", "openssh-client")):
            provide_program(name, "tests of roles and timers are skipped", needed=bool(os.environ.get("CI")), packages=(package,))


def provide_program(path: str, without: str, *, needed: bool, packages: tuple[str, ...] = ()) -> None:
    """Install a system package, of that name where none is given, where we may; else say what its absence means."""
    name = os.path.basename(path)
    packages = packages or (name,)
    if is_there(path):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"note    {name:13} not on this machine: installing the system package {' '.join(packages)}", flush=True)
        with (LOGS / f"install-{name}.log").open("wb") as log:
            for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages]):
                subprocess.run(
                    command,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
                    check=False,
                )
    if is_there(path):
        return
    if needed:
        raise SystemExit(f"FAILED  {name}: it is not on this machine and could not be installed (log in {LOGS.relative_to(ROOT)}).")
    print(f"WARNING {name:13} not on this machine: {without}.", flush=True)


def is_there(path: str) -> bool:
    """A program that can be found, or a folder by its path. Daemons lie in /usr/sbin, which not everybody searches."""
    if os.path.isabs(path):
        return os.path.isdir(path)
    return bool(shutil.which(path, path=os.pathsep.join((os.environ["PATH"], "/usr/sbin"))))


def duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
