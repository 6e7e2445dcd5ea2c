"""Secrets that are missing, or not those that the other side has: said clearly, and nothing is published."""

import subprocess

import pytest
from deployment.engine import needs_docker
from deployment.stack import made_secrets

ANEW = ("up", "--wait", "--no-deps", "--force-recreate")

pytestmark = needs_docker


@pytest.fixture(scope="module")
def other_secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The setting that names a folder of other secrets."""
    return {"FINSYNC_SECRETS": str(made_secrets(tmp_path_factory.mktemp("others") / "secrets", "another"))}


def test_without_secrets_nothing_starts(stack, tmp_path):
    with pytest.raises(AssertionError, match=r"does not exist: .*/(postgres_password|services_token|web_users)"):
        stack.compose(*ANEW, "code", settings={"FINSYNC_SECRETS": str(tmp_path)})
    stack.compose(*ANEW, "code")


def test_in_a_fresh_clone_one_line_says_what_to_do(stack):
    for command in (["build"], ["up", "--detach"]):
        with pytest.raises(AssertionError, match=r"There are no secrets yet\. Run once: make secrets"):
            stack.compose(*command, settings={"FINSYNC_SECRETS": ""})


def test_a_service_that_has_another_token_is_not_extracted_from(stack, other_secrets):
    before = stack.tables(), stack.releases()
    stack.compose(*ANEW, "pnl", settings=other_secrets)
    run = stack.finished(stack.work_on("pnl"))
    assert run.status == "FAILURE"
    errors = stack.errors(run.id)
    assert "Source 'pnl' at http://pnl:5001: the service returned 401" in errors
    assert "Check that /private/services_token contains the current token of the service" in errors
    assert (stack.tables(), stack.releases()) == before
    stack.compose(*ANEW, "pnl")
    stack.succeeded(stack.work_on("pnl"))


def test_another_password_of_the_database_keeps_the_code_location_down_and_is_told_in_its_log(stack, other_secrets):
    known = stack.runs().keys()
    with pytest.raises(AssertionError, match="code"):
        stack.compose(*ANEW, "--wait-timeout", "25", "code", settings=other_secrets)
    told = subprocess.run(["docker", "logs", stack.container("code")], capture_output=True, text=True, check=True)
    assert "password authentication failed for user" in told.stdout + told.stderr
    stack.compose(*ANEW, "code")
    stack.wait_healthy("webserver", "daemon")
    assert stack.runs().keys() >= known
    stack.succeeded(stack.work_on("pnl"))
