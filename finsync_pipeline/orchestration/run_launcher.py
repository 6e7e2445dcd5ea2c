"""Runs in containers as `dagster.yaml` describes them, whatever the database says of a run.

Dagster's own launcher takes the image, the container's settings (mounts, user, entrypoint, networks, capabilities) and
the command from the run's row in the database, where its code location has stored them. So whoever can write that row
could start any container on the engine, and thus be root on its host. This launcher takes none of it from there: the
run's row says which job of our own code, and no more. It stops and asks about no container but the run's own.

`docker-compose.dev.yml` mounts other code into the runs by an environment variable of the daemon.
"""

import os
from typing import Any

from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.launcher.base import LaunchRunContext, ResumeRunContext
from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin
from dagster._core.storage.dagster_run import DagsterRun
from dagster_docker import DockerRunLauncher
from dagster_docker.container_context import DockerContainerContext

MODULE = "finsync_pipeline.definitions"
"""What a run loads. Dagster finds the object of the definitions in it."""

CODE_FOLDER_SETTING = "FINSYNC_RUN_CODE"
"""Names a folder of the host that takes the place of the package in the image, for development."""

PACKAGE = "/app/finsync_pipeline"

RUN_LABEL = "dagster/run_id"


class ConfiguredRunLauncher(DockerRunLauncher):
    """Dagster's launcher, which takes image, container and command from its own configuration alone."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if not self.image:
            raise ValueError("the run launcher in dagster.yaml has no image: runs get no other one")

    def get_container_context(self, dagster_run: DagsterRun) -> DockerContainerContext:
        """The container as it is configured; what the run's row says of it is not read."""
        settings = dict(self.container_kwargs)
        if code := os.environ.get(CODE_FOLDER_SETTING):
            settings["volumes"] = [*settings.get("volumes", []), f"{code}:{PACKAGE}:ro"]
        return DockerContainerContext(
            registry=self.registry, env_vars=self.env_vars, networks=self.networks, container_kwargs=settings
        )

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run in a container of its own."""
        super().launch_run(context._replace(dagster_run=self._of_our_code(context.dagster_run)))

    def resume_run(self, context: ResumeRunContext) -> None:
        """Start another container that goes on with the run."""
        super().resume_run(context._replace(dagster_run=self._of_our_code(context.dagster_run)))

    def _of_our_code(self, run: DagsterRun) -> DagsterRun:
        """The run with our image and the plain command in place of those that its row has."""
        code = RepositoryPythonOrigin("python", ModuleCodePointer(MODULE, "defs"), container_image=self.image)
        return run._replace(job_code_origin=JobPythonOrigin(run.job_name, code))

    def _get_container(self, run: DagsterRun | None) -> Any:
        """The run's container, or None if it is gone or the tag in the database names the container of another."""
        container = super()._get_container(run)  # type: ignore[no-untyped-call]
        return container if container and run and container.labels.get(RUN_LABEL) == run.run_id else None
