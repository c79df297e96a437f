"""Fixtures shared by the tests: one running server for those that can share one."""

import gc
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support import authority, memory, postgres, rsa_keys, schema
from tests.support.process import SesameProcess, running
from tests.support.recording import sitecustomize as recording
from tests.support.shuffling import shuffled
from tests.support.tenant import Tenant, tenant_of

LONGEST = (
    "model/test_hostile_values.py",
    "story/test_misconfigured.py",
    "docs/test_howtos.py",
    "story/test_terraform.py",
    "simulation/test_simulation.py",
    "console/test_browser.py",
    "console/test_flows_browser.py",
    "model/test_every_input_v2.py",
    "crash/test_kill_telling.py",
    "story/test_kit.py",
    "story/test_aws_cli.py",
    "policy/test_differential.py",
    "console/test_calls.py",
    "console/test_hostile_use.py",
    "story/test_delegate_matrix.py",
    "aws/test_query_model.py",
    "console/test_policy_browser.py",
    "cli/test_start.py",
    "story/test_seven_ways.py",
    "access/test_two_views.py",
    "crash/test_revocation.py",
    "story/test_who_is_told.py",
    "policy/test_analysis_brute_force.py",
    "policy/test_writing.py",
    "story/test_message_rules.py",
    "cli/test_backup.py",
    "console/test_walk.py",
    "crash/test_kill_points.py",
    "crash/test_power_cut.py",
    "story/test_stream.py",
    "story/test_two_instances.py",
    "server/test_start.py",
)
"""The files that take longest, begun first: a file stays with one worker, and none is to be left with it in the end."""

# No example is held to a time: the machine may have much else to do.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def sesame(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SesameProcess]:
    """A server in the development profile; tests make accounts of their own on it."""
    data: Path = tmp_path_factory.mktemp("sesame") / "data"
    soon = {
        "SESAME_SUBMISSION__FAILURE_DELAY_S": "0.05",
        "SESAME_ACCOUNTS__REFUSAL_STEP_S": "0.002",
        "SESAME_CONSOLE__PASSWORD_MEMORY_KIB": "64",
        "SESAME_CONSOLE__FAILURES_PER_NETWORK": "10000",
    }
    with running(data, **soon) as process:
        yield process


@pytest.fixture
def tenant(sesame: SesameProcess) -> Tenant:
    """A fresh account with example.com verified, and its clients."""
    return tenant_of(sesame)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        action="store_true",
        help="keep every statement that is run on the store, and prepare them all on PostgreSQL in the end",
    )
    parser.addoption(
        "--shuffle", metavar="SEED", help="run files, and the tests of each, in an order of chance"
    )


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Commands that are called in this process set it; what other tests make is not to be closed by that."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were found; or all as chance has it, by a seed."""
    seed = config.getoption("--shuffle")
    if seed is not None:
        items[:] = shuffled(items, random.Random(seed))
        return
    tests = Path(__file__).parent
    places = {tests / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What is loaded by now stays: to look for garbage in it again and again takes a fifth of all time."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Begin databases with the whole schema; record what this process and those that it starts run on the store."""
    schema.install()
    rsa_keys.install()
    if not hasattr(config, "workerinput"):
        authority.use(os.environ, rsa_keys.begin())
        memory.use(os.environ)
    if not config.getoption("--postgres"):
        return
    if not hasattr(config, "workerinput"):
        os.environ[recording.DIRECTORY] = tempfile.mkdtemp(prefix="sesame-statements-")
        Path(os.environ[recording.DIRECTORY]).chmod(0o1777)  # commands run as other users write there too
        paths = [str(Path(recording.__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    if not any(type(finder).__name__ == "_Finder" for finder in sys.meta_path):
        recording.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if not hasattr(config, "workerinput"):
        rsa_keys.end()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Prepare what was recorded; one statement that PostgreSQL refuses fails the run."""
    if not session.config.getoption("--postgres") or hasattr(session.config, "workerinput"):
        return
    directory = Path(os.environ.pop(recording.DIRECTORY))
    texts = {line for file in directory.iterdir() for line in file.read_text().splitlines()}
    shutil.rmtree(directory)
    binaries = postgres.programs()
    report = session.config.get_terminal_writer()
    if binaries is None:
        report.line("\nPostgreSQL is not installed: NO statement was prepared on it")
        return
    with postgres.running(binaries) as server:
        refused = postgres.refused(server, texts)
    report.line(f"\nPostgreSQL: {len(texts) - len(refused)} of {len(texts)} statements prepare")
    for sql, words in refused.items():
        report.line(f"  {words}: {sql}", red=True)
    if refused:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
