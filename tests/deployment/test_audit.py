"""`.ci/audit`: what it says and how it ends, with a pip-audit that finds what a test wants."""

import os
import subprocess
from pathlib import Path

import pytest
from factories import PROJECT

FOUND = "echo 'Found 2 known vulnerabilities in 1 package'; exit 1"
CLEAN = "echo 'No known vulnerabilities found'; exit 0"
UNREACHABLE = "echo 'ERROR:pip_audit._cli:connection error'; exit 1"


def audited(folder: Path, of_known: str, of_lock: str = "exit 9") -> "subprocess.CompletedProcess[str]":
    """The audit, where a `python3` makes a virtual environment with stand-ins of pip and pip-audit."""
    audit = folder / "pip-audit"
    audit.write_text(f'#!/bin/sh\ncase "$2" in *known.txt) {of_known};; *) {of_lock};; esac\n')
    python = folder / "python3"
    python.write_text(f'#!/bin/sh\nmkdir -p "$3/bin"; cp {audit} "$3/bin/"; ln -s /bin/true "$3/bin/pip"\n')
    for file in (audit, python):
        file.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}
    command = PROJECT / ".ci" / "audit"
    return subprocess.run([command], env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("of_known", [UNREACHABLE, CLEAN])
def test_a_database_that_does_not_have_what_is_known_is_named_and_no_failure(tmp_path: Path, of_known: str):
    done = audited(tmp_path, of_known)
    assert done.returncode == 0
    assert "Not looked up: known vulnerabilities, since pip-audit does not reach its database" in done.stdout


@pytest.mark.parametrize(("of_lock", "code"), [(FOUND, 1), (CLEAN, 0)])
def test_what_the_database_has_of_the_lock_decides(tmp_path: Path, of_lock: str, code: int):
    done = audited(tmp_path, FOUND, of_lock)
    assert done.returncode == code
    assert "nown vulnerabilities" in done.stdout


def test_no_address_of_a_registry_is_in_it():
    text = (PROJECT / ".ci" / "audit").read_text()
    assert "://" not in text
    assert "pypi" not in text.lower()
