"""Fixtures that all tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real statements with known truth; tests that need it skip where it is not there."""
    if not SHARED.is_dir():
        pytest.skip("needs the real statements beside the project (../shared/data), which are not part of it")
    return SHARED
