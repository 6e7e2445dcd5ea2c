"""What is installed and run is fixed: packages by hash, actions of the workflow by commit, wherever they come from."""

import re
import tomllib

import pytest
from factories import PROJECT

LOCKS = {"dev": "requirements.lock", "pipeline": "requirements.pipeline.lock", "services": "requirements.services.lock"}
PROJECT_FILE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT_FILE["project"]["optional-dependencies"]


def locked(name: str) -> dict[str, tuple[str, str]]:
    """The version and the rest of each requirement in the lock, by its name."""
    text = (PROJECT / name).read_text(encoding="utf-8").replace(" \\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [re.fullmatch(r"([A-Za-z0-9._-]+)==(\S+) (.*)", line) for line in lines]
    return {canonical(line[1]): (line[2], line[3]) for line in found if line}


def hashes_of(rest: str) -> set[str]:
    """The hashes of a requirement; what else there is says on which systems it is needed, by development more often."""
    return set(re.findall(r"--hash=(\S+)", rest))


def canonical(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~;! ]", requirement)[0]).lower()


@pytest.mark.parametrize("name", LOCKS.values())
def test_every_package_of_a_lock_has_one_version_and_hashes_and_no_address(name: str):
    text = (PROJECT / name).read_text(encoding="utf-8")
    assert len(locked(name)) == len(re.findall("(?m)^[A-Za-z0-9]", text)) >= 20
    for package, (_, rest) in locked(name).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", rest), package
    assert "://" not in text
    assert not re.search(r"(?m)^\s*(-i|--[a-z-]*(index|links|host)[a-z-]*)\b", text)


@pytest.mark.parametrize(("extra", "name"), LOCKS.items())
def test_a_lock_has_what_its_extra_declares(extra: str, name: str):
    declared = [*EXTRAS[extra], *(EXTRAS["pipeline"] + EXTRAS["services"] if extra == "dev" else [])]
    assert {canonical(each) for each in declared} <= locked(name).keys()


@pytest.mark.parametrize("name", ["requirements.pipeline.lock", "requirements.services.lock"])
def test_the_images_get_the_versions_and_hashes_that_are_tested(name: str):
    everything = locked("requirements.lock")
    for package, (version, rest) in locked(name).items():
        assert version == everything[package][0], package
        assert hashes_of(rest) == hashes_of(everything[package][1]), package


def test_what_builds_the_project_is_locked_too():
    for name in ("requirements.lock", "requirements.pipeline.lock"):
        assert {canonical(each) for each in PROJECT_FILE["build-system"]["requires"]} | {"editables"} <= locked(
            name
        ).keys()


def test_the_environment_and_the_images_are_installed_with_hashes_alone():
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert "--no-deps --require-hashes --requirement requirements.lock" in makefile
    assert "--no-deps --no-build-isolation --editable ." in makefile
    for folder, extra in (("finsync_pipeline", "pipeline"), ("source_services", "services")):
        text = (PROJECT / folder / "Dockerfile").read_text(encoding="utf-8")
        installs = re.findall(r"pip (?:--python \S+ )?install ([^\\\n]+)", text)
        for options in installs:
            is_locked = "--require-hashes" in options and f"requirements.{extra}.lock" in options
            assert is_locked or "--no-deps --no-build-isolation" in options, options
        assert installs


def test_every_action_of_the_workflow_is_pinned_by_commit():
    uses = [
        line.split("uses:")[1].strip()
        for file in (PROJECT / ".github/workflows").glob("*.y*ml")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "uses:" in line
    ]
    assert uses
    for each in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each
