"""The help of the command line."""

import re

import pytest

from finsync_pipeline.cli import main


@pytest.fixture
def finsync_help(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """What `--help` prints of each command; of all of them under the empty name."""

    def printed(*arguments: str) -> str:
        with pytest.raises(SystemExit):
            main([*arguments, "--help"])
        return capsys.readouterr().out

    overview = printed()
    commands = re.findall(r"^    ([a-z][\w-]*)(?: |$)", overview, re.MULTILINE)
    return {"": overview} | {command: printed(command) for command in commands}
