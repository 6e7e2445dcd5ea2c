"""docker-compose.yml, dagster.yaml and the Dockerfiles agree with each other and with the code."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.instance import InstanceRef

from finsync_pipeline.definitions import defs as load_definitions
from finsync_pipeline.ops.create_pools import declared_pools, make_pools
from finsync_pipeline.orchestration.run_launcher import CODE_FOLDER_SETTING, PACKAGE, ConfiguredRunLauncher
from finsync_pipeline.settings import SETTINGS

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCE: dict[str, Any] = yaml.safe_load((PROJECT / "dagster.yaml").read_text(encoding="utf-8"))
LAUNCHER: dict[str, Any] = INSTANCE["run_launcher"]["config"]
RUNS: dict[str, Any] = LAUNCHER["container_kwargs"]
DOCKERFILES = {
    "finsync-pipeline": PROJECT / "finsync_pipeline" / "Dockerfile",
    "finsync-services": PROJECT / "source_services" / "Dockerfile",
    "finsync-gateway": PROJECT / "gateway" / "Dockerfile",
}
GATEWAY = "\n".join((PROJECT / "gateway" / file).read_text(encoding="utf-8") for file in ("nginx.conf", "stream.conf"))
FORWARD = (PROJECT / "gateway" / "forward.conf").read_text(encoding="utf-8")
ENGINE = (PROJECT / "gateway" / "engine.conf").read_text(encoding="utf-8")
PIPELINE = [name for name, service in SERVICES.items() if service["image"] == "finsync-pipeline"]
SOURCES = [name for name, service in SERVICES.items() if service["image"] == "finsync-services"]


def volumes(service: dict[str, Any]) -> dict[str, str]:
    """Target -> real name or path of what is mounted there; an anonymous volume has none."""
    mounts = {}
    for volume in service.get("volumes", []):
        if isinstance(volume, dict):
            mounts[volume["target"]] = volume["source"]
        elif ":" in volume:
            source, target = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[:2]
            mounts[target] = COMPOSE["volumes"].get(source, {}).get("name", source)
        else:
            mounts[volume] = ""
    return mounts


def test_it_is_the_ten_services_and_needs_no_version_key():
    assert sorted(PIPELINE) == ["api", "code", "daemon", "webserver"]
    assert sorted(SOURCES) == ["balance_sheet", "cash_flow", "pnl"]
    assert SERVICES.keys() - {*PIPELINE, *SOURCES} == {"postgres", "gateway", "engine"}
    assert "version" not in COMPOSE


def test_runs_get_every_setting_that_the_services_have():
    passed = LAUNCHER["env_vars"]
    assert sorted(passed) == sorted(set(passed))
    assert set(passed) == set(COMPOSE["x-settings"])
    for name in PIPELINE:
        assert set(passed) <= set(SERVICES[name]["environment"]), name


def test_every_setting_that_the_pipeline_reads_reaches_it():
    files = (PROJECT / "finsync_pipeline" / "defs" / "sources").glob("*/defs.yaml")
    urls = {url for file in files for url in re.findall(r"env\('(\w+)'", file.read_text(encoding="utf-8"))}
    assert len(urls) >= 3
    of_the_gateway = {name for name in SETTINGS if name.startswith("FINSYNC_WEB_")}
    of_the_api = {name for name in SETTINGS if name.startswith("FINSYNC_API_")}
    of_the_api |= {"FINSYNC_QUERY_CACHE_FOLDER", "FINSYNC_DAGSTER_URL", "FINSYNC_EXPLORER_TOKEN_FILE"}
    assert {*SETTINGS, *urls} - of_the_gateway - of_the_api <= set(LAUNCHER["env_vars"])
    assert of_the_gateway <= SERVICES["gateway"]["environment"].keys()
    assert of_the_api | {"FINSYNC_WEB_HOSTS"} <= SERVICES["api"]["environment"].keys()


def test_gateway_and_api_have_the_same_names_and_pages_and_the_api_believes_the_gateway_alone():
    gateway, api = SERVICES["gateway"]["environment"], SERVICES["api"]["environment"]
    for name in ("FINSYNC_API_ORIGINS", "FINSYNC_API_TOKEN_FILE"):
        assert gateway[name] == api[name] == f"${{{name}:-}}"
    assert api["FINSYNC_WEB_HOSTS"] == f"api.api,{gateway['FINSYNC_WEB_HOSTS']}"
    assert api["FINSYNC_API_PROXIES"] == "*", "who reaches its port is in test_each_network_connects_..."
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in FORWARD


def test_the_api_reads_the_outputs_and_writes_nothing_but_temporary_files():
    api = SERVICES["api"]
    assert api["volumes"] == ["data:/data:ro", "api:/tmp"]
    assert "tmpfs" not in api, "what DuckDB writes there would be memory"
    assert api["working_dir"] == "/tmp"
    assert api["environment"]["FINSYNC_QUERY_CACHE_FOLDER"].startswith("/tmp/")
    assert api["environment"]["FINSYNC_SERVICES_TOKEN_FILE"] == "/run/secrets/services_token"
    defaults = [int(SETTINGS[name].default) for name in ("FINSYNC_API_MEMORY", "FINSYNC_QUERY_MEMORY")]
    assert int(api["mem_limit"].removesuffix("g")) * 2**30 >= sum(defaults) + 2**30


def test_the_gateway_leads_to_the_api_where_it_listens():
    command = SERVICES["api"]["command"]
    assert f"set $page {command[command.index('--host') + 1]}:{command[command.index('--port') + 1]};" in GATEWAY


def test_urls_of_sources_are_names_and_ports_of_services():
    for name in SOURCES:
        host, _, port = COMPOSE["x-settings"][f"FINSYNC_{name.upper()}_URL"].removeprefix("http://").partition(":")
        assert host == name
        assert SERVICES[name]["command"] == [name]
        assert f"{port} {name};" in GATEWAY
        assert f"listen gateway.edge:{port};" in GATEWAY


def test_runs_find_network_and_volumes_under_their_real_names():
    code = SERVICES["code"]["networks"]
    assert LAUNCHER["networks"] == [COMPOSE["networks"][name]["name"] for name in code if name != "code"]
    named = dict(reversed(volume.split(":")[:2]) for volume in RUNS["volumes"] if ":" in volume)
    assert named == volumes(SERVICES["code"])
    assert named["/data"] == "finsync_data"
    for name in PIPELINE:
        if name != "api":
            assert named.items() <= volumes(SERVICES[name]).items(), name
    assert volumes(SERVICES["api"])["/data"] == named["/data"]
    assert COMPOSE["x-settings"]["FINSYNC_HOME"] == "/data"
    for setting in ("compute_logs", "local_artifact_storage"):
        assert INSTANCE[setting]["config"]["base_dir"].startswith("/data/")


def test_runs_have_the_image_of_the_code_location_and_say_so_themselves():
    assert LAUNCHER["image"] == SERVICES["code"]["image"]
    user = re.findall(r"^USER (\S+)$", DOCKERFILES[LAUNCHER["image"]].read_text(encoding="utf-8"), re.MULTILINE)
    assert [RUNS["user"]] == user


def test_each_image_is_built_once_and_never_pulled():
    for image, dockerfile in DOCKERFILES.items():
        users = [service for service in SERVICES.values() if service["image"] == image]
        builds = [service["build"] for service in users if "build" in service]
        assert [PROJECT / build.get("dockerfile", "gateway/Dockerfile") for build in builds] == [dockerfile]
        assert all(service["pull_policy"] == "never" for service in users)


def test_webserver_and_daemon_ask_the_code_location_where_it_listens():
    text = DOCKERFILES["finsync-pipeline"].read_text(encoding="utf-8")
    listening = SERVICES["code"]["command"]
    port = listening[listening.index("-p") + 1]
    host = listening[listening.index("-h") + 1]
    assert f"grpc_server: {{host: {host}, port: {port}, location_name: finsync}}" in text


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{FINSYNC_\w+:-\d+\}:\d+", port)


def test_nothing_is_published_but_the_gateway():
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["gateway"]
    assert [int(port.rpartition(":")[2]) for port in SERVICES["gateway"]["ports"]] == [3000, 3001, 5001, 5002, 5003]


def test_each_network_connects_those_who_need_each_other():
    on = {
        name: {service for service, each in SERVICES.items() if name in each["networks"]}
        for name in COMPOSE["networks"]
    }
    assert on == {
        "edge": {"gateway"},
        "web": {"gateway", "webserver"},
        "api": {"gateway", "api"},
        "code": {"webserver", "daemon", "code"},
        "database": {"webserver", "daemon", "code", "postgres"},
        "engine": {"webserver", "engine"},
        **{name: {name, "code", "api", "gateway"} for name in SOURCES},
        "outside": {"code", "api"},
    }


def test_there_is_no_way_out_of_the_networks():
    for name, network in COMPOSE["networks"].items():
        closed = network.get("internal"), network["driver_opts"].get("com.docker.network.bridge.inhibit_ipv4")
        if name == "edge":
            assert network["driver_opts"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}
        elif name == "outside":
            assert closed == ("${FINSYNC_CLOSED:-true}", "${FINSYNC_CLOSED:-true}")
        else:
            assert closed == (True, "true")


@pytest.mark.parametrize(
    ("name", "network"), [("code", "code"), ("webserver", "web"), ("api", "api"), ("gateway", "edge")]
)
def test_who_is_on_several_networks_listens_on_one(name, network):
    service = SERVICES[name]
    (address,) = service["networks"][network]["aliases"]
    others = [each for each, settings in service["networks"].items() if settings and "aliases" in settings]
    assert others == [network]
    if name == "gateway":
        listening = set(re.findall(r"^\s*listen ([\w.]+):", GATEWAY, re.MULTILINE))
        assert listening == {address, "127.0.0.1"}
    else:
        option = "--host" if name == "api" else "-h"
        assert service["command"][service["command"].index(option) + 1] == address


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_limited_watched_and_brought_up_again(name):
    service = SERVICES[name]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"] == {"driver": "local"}, "the default driver fills the disk"
    asks = "test" in service["healthcheck"] or "\nHEALTHCHECK" in DOCKERFILES[service["image"]].read_text()
    assert asks
    assert "start_interval" not in service["healthcheck"], "older engines refuse it"
    assert all(
        needed["condition"] == "service_healthy" and other in SERVICES
        for other, needed in service.get("depends_on", {}).items()
    )


@pytest.mark.parametrize("container", [*SERVICES.values(), RUNS], ids=[*SERVICES, "runs"])
def test_no_container_writes_elsewhere_or_gains_rights(container):
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in container


def test_each_source_service_writes_on_a_volume_of_its_own_and_no_file_without_end():
    named = [volumes(SERVICES[name])["/tmp"] for name in SOURCES]
    assert named == [f"finsync_{name}" for name in SOURCES]
    for name in SOURCES:
        assert set(volumes(SERVICES[name])) == {"/tmp", "/statements"}
        assert SERVICES[name]["ulimits"] == {"fsize": "${FINSYNC_SERVICES_FILE_BYTES:-8589934592}"}


def test_base_images_can_be_named_by_their_digests():
    assert SERVICES["postgres"]["image"] == "${POSTGRES_IMAGE:-postgres:15}"
    for name, file in DOCKERFILES.items():
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"^FROM (.+)$", text, re.MULTILINE) == ["${PYTHON_IMAGE}"]
        (build,) = [
            service["build"] for service in SERVICES.values() if service["image"] == name and "build" in service
        ]
        assert "PYTHON_IMAGE" in build["args"]


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_secrets_makes_what_is_missing_and_leaves_what_is_there(tmp_path):
    shutil.copy(PROJECT / "Makefile", tmp_path)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("FINSYNC_", "MAKE"))}
    make = ["make", "--no-print-directory", "-C", str(tmp_path), "secrets"]
    (tmp_path / ".env").write_text("DAGSTER_HOME=/somewhere\n", encoding="utf-8")
    subprocess.run(make, env=environment, check=True, capture_output=True)
    made = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "secrets").iterdir()}
    assert made.keys() == set(COMPOSE["secrets"])
    assert re.fullmatch(r"finsync:\{PLAIN\}[0-9a-f]{48}", made["web_users"])
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert len({text[-48:] for text in made.values()}) == 3
    (tmp_path / "secrets" / "services_token").unlink()
    subprocess.run(make, env=environment, check=True, capture_output=True)
    again = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "secrets").iterdir()}
    assert {name for name in made if made[name] != again[name]} == {"services_token"}
    settings = (tmp_path / ".env").read_text(encoding="utf-8")
    assert settings == "DAGSTER_HOME=/somewhere\nFINSYNC_SECRETS=./secrets\n"


def test_runs_are_limited_removed_and_spill_to_disk():
    assert RUNS["mem_limit"]
    assert RUNS["auto_remove"] is True
    assert RUNS["working_dir"] in RUNS["volumes"]
    assert INSTANCE["concurrency"]["runs"]["max_concurrent_runs"] == 2


def test_one_step_at_a_time_has_a_pool_and_a_run_whose_container_died_gives_it_back():
    assert INSTANCE["concurrency"]["pools"] == {"default_limit": 1, "granularity": "op"}
    assert INSTANCE["run_monitoring"]["free_slots_after_run_end_seconds"] > 0
    jobs = load_definitions().get_repository_def().get_all_jobs()
    pools = {node.name: node.definition.pools for job in jobs for node in job.nodes}
    assert pools["pnl_inventory"] == pools["pnl__raw"] == {"pnl_service"}
    assert pools["pnl_statements"] == {"pnl_statements"}
    assert pools["consolidated"] == {"consolidated"}
    assert declared_pools(load_definitions()) == set().union(*pools.values())


def test_pools_are_made_before_any_run_and_keep_a_limit_that_somebody_chose():
    with dg.DagsterInstance.ephemeral() as instance:
        make_pools(instance, ["pnl_service", "financials"])
        instance.event_log_storage.set_concurrency_slots("pnl_service", 3)
        make_pools(instance, ["pnl_service", "financials"])
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
    assert limits == {"pnl_service": 3, "financials": 1}
    assert "python -m finsync_pipeline.ops.create_pools &&" in SERVICES["code"]["entrypoint"][2]


@pytest.mark.parametrize("image", DOCKERFILES)
def test_images_end_as_a_user_who_is_not_root(image):
    text = DOCKERFILES[image].read_text(encoding="utf-8")
    uid, gid = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)[-1]
    assert int(uid) > 0
    assert int(gid) > 0


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_stays_root(name):
    service = SERVICES[name]
    if service.get("user", "1:1") == "0:0":
        assert service["entrypoint"][2].startswith("exec setpriv --reuid=10001 --regid=10001 ")
        assert set(service["cap_add"]) == {"SETUID", "SETGID"}
        assert service["healthcheck"]["test"][1:4] == ["setpriv", "--reuid=10001", "--regid=10001"]
        assert service["init"] is False, "docker-init would stay root"
    else:
        assert not re.match(r"(0|root)\b", service.get("user", "1:1"))
        assert "cap_add" not in service
    assert service.get("user") or service["image"] in DOCKERFILES


def test_only_who_starts_runs_has_the_docker_socket_and_who_lets_the_webserver_stop_them():
    have = [name for name, service in SERVICES.items() if "/var/run/docker.sock" in volumes(service)]
    assert sorted(have) == ["daemon", "engine"]
    assert "docker.sock" not in json.dumps(LAUNCHER)
    listening = re.findall(r"listen (\S+);", ENGINE)
    assert SERVICES["webserver"]["environment"]["DOCKER_HOST"] == f"tcp://{listening[0]}"
    assert SERVICES["engine"]["networks"] == {"engine": {"aliases": [listening[0].partition(":")[0]]}}


def test_the_password_is_a_file_and_stands_nowhere():
    names = ["postgres_password", "services_token", "web_users"]
    error = "There are no secrets yet. Run once: make secrets (or see docs/deployment.md)"
    assert COMPOSE["secrets"] == {name: {"file": f"${{FINSYNC_SECRETS:?{error}}}/{name}"} for name in names}
    have = {name: service["secrets"] for name, service in SERVICES.items() if service.get("secrets")}
    expected = {"code": names[:2], "postgres": names[:1], "gateway": names[2:], "api": names[1:2]}
    assert have == expected | dict.fromkeys(SOURCES, names[1:2])
    assert SERVICES["postgres"]["environment"] == {"POSTGRES_PASSWORD": "none"}, "the image asks for one"
    assert "ALTER ROLE postgres PASSWORD NULL;" in SERVICES["postgres"]["entrypoint"][2]
    for name, service in SERVICES.items():
        if name != "postgres":
            assert not re.search(r"PASS|SECRET|TOKEN(?!_FILE)", " ".join(service.get("environment", {}))), name
    assert not re.search(r"PASS|SECRET|TOKEN(?!_FILE)", " ".join(LAUNCHER["env_vars"]))
    database = INSTANCE["storage"]["custom"]["config"]["postgres_db"]
    assert "password" not in database
    assert database["params"]["passfile"].startswith("/private/")
    ignored = (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {"secrets", ".env"} <= set(ignored)


def test_dagster_and_postgres_mean_the_same_database():
    database = INSTANCE["storage"]["custom"]["config"]["postgres_db"]
    assert database["scheme"] == "postgresql+psycopg2"
    assert database["hostname"] in SERVICES
    users = SERVICES["postgres"]["entrypoint"][2]
    assert f"CREATE ROLE {database['username']} LOGIN PASSWORD" in users
    assert f"CREATE DATABASE {database['db_name']} OWNER {database['username']};" in users
    entry = f"{database['hostname']}:5432:{database['db_name']}:{database['username']}:"
    assert entry in SERVICES["code"]["entrypoint"][2]


def test_dagster_accepts_the_instance(tmp_path):
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    instance = InstanceRef.from_dir(str(tmp_path))
    launcher = instance.run_launcher
    assert type(launcher) is ConfiguredRunLauncher
    assert instance.settings["telemetry"] == {"enabled": False}
    assert instance.compute_log_manager is not None
    # What the command line of a run carries, for anybody to read
    assert "passfile" in json.dumps(instance.to_dict(), default=str)


def test_the_override_for_development_adds_code_to_the_volumes_of_a_run_and_keeps_the_others():
    override = yaml.safe_load((PROJECT / "docker-compose.dev.yml").read_text(encoding="utf-8"))["services"]
    assert override["daemon"]["environment"] == {CODE_FOLDER_SETTING: "${PWD}/finsync_pipeline"}
    assert override["code"]["volumes"] == [f"./finsync_pipeline:{PACKAGE}:ro"]
    assert override["api"] == {"volumes": override["code"]["volumes"]}
    assert override.keys() == {"code", "daemon", "api", *SOURCES}
    assert all(override[name]["volumes"] == ["./source_services:/app/source_services:ro"] for name in SOURCES)


@pytest.mark.parametrize(
    ("extra", "package", "not_imported"),
    [
        ("services", "source_services", set()),
        # Engines and servers that Dagster and the command start
        ("pipeline", "finsync_pipeline", {"dagster-webserver"}),
    ],
)
def test_each_image_installs_just_what_its_package_imports_in_versions_of_the_lock(
    extra: str, package: str, not_imported: set[str]
):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split("[<>=]", each)[0] for each in project["optional-dependencies"][extra]}
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in (PROJECT / package).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imported = {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    # By aiohttp, Dagster, requests and FastAPI
    brought_along = {"multidict", "dagster_shared", "urllib3", "starlette", "anyio"}
    others = imported - {package, *sys.stdlib_module_names} - brought_along
    named = {{"dotenv": "python-dotenv", "yaml": "pyyaml"}.get(name, name.replace("_", "-")) for name in others}
    assert named == declared - not_imported
    assert project["dependencies"] == ["finsync[pipeline,services]"]
    text = DOCKERFILES[f"finsync-{extra}"].read_text(encoding="utf-8")
    assert re.search(rf"--require-hashes -r \S*requirements\.{extra}\.lock", text)


def test_the_files_hold_no_path_of_a_machine_and_no_package_index():
    files = [PROJECT / "docker-compose.yml", PROJECT / "dagster.yaml", *DOCKERFILES.values()]
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"/(home|root|Users)/|--index.url|PIP_INDEX_URL=|find-links", text), file.name
    for service in SERVICES.values():
        for source in volumes(service).values():
            assert not source.startswith("/") or source == "/var/run/docker.sock"
