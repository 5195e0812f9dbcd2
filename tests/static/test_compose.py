"""The deployment files: pinned, healthy, scalable, and without a secret in them."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.temporal import DYNAMIC_CONFIG

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_TIME_JOBS = {"temporal-schema", "migrate"}
LASTING = sorted(SERVICES.keys() - ONE_TIME_JOBS)
OURS = ("migrate", "worker", "gateway")
EXACT_TAG = re.compile(r"^[\w./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)*$")
REQUIRED_VARIABLE = re.compile(r"\$\{\w+:\?[^}]+\}")


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def started_after(service: str) -> dict[str, str]:
    return {name: how["condition"] for name, how in SERVICES[service]["depends_on"].items()}


def test_the_whole_product_is_there() -> None:
    needed = {"database", "temporal", "temporal-ui", "migrate", "worker", "gateway", "prometheus"}
    assert needed <= SERVICES.keys()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_image_is_pinned_to_an_exact_version(service: str) -> None:
    assert EXACT_TAG.match(SERVICES[service]["image"])


def test_the_image_of_orderyard_is_built_on_a_pinned_python_from_the_hashed_lock_file() -> None:
    bases = re.findall(r"^FROM (\S+)", text_of("Dockerfile"), re.MULTILINE)
    assert bases
    assert all(EXACT_TAG.match(base) for base in bases)
    assert "--require-hashes -r /base.lock" in text_of("Dockerfile")


def test_the_image_of_orderyard_does_not_run_as_root_and_says_whether_it_is_healthy() -> None:
    instructions = text_of("Dockerfile").splitlines()
    assert "USER orderyard" in instructions
    assert any(line.startswith("HEALTHCHECK") for line in instructions)


def test_everything_the_image_copies_exists_and_is_let_through_to_the_build() -> None:
    allowed = set(re.findall(r"^!(.+)$", text_of(".dockerignore"), re.MULTILINE))
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text_of("Dockerfile"), re.MULTILINE)
    sources = {source for line in copies for source in line.split()}
    assert sources == allowed


@pytest.mark.parametrize(
    "command", ["worker.py --help", "starter.py schedules --help", "-c 'import gateway.__main__, stack.prepare'"]
)
def test_the_image_holds_every_module_that_its_commands_import(command: str, tmp_path: Path) -> None:
    copies = re.findall(r"^COPY (?!--from|requirements)(.+) \S+$", text_of("Dockerfile"), re.MULTILINE)
    for source in (source for line in copies for source in line.split()):
        (tmp_path / source).symlink_to(ROOT / source)
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    # Beside a symbolic link Python would look in the real file's directory; -P leaves only what the image has.
    argv = [sys.executable, "-P", *shlex.split(command)]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", LASTING)
def test_every_lasting_service_says_whether_it_is_healthy_and_comes_back(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"]
    assert SERVICES[service]["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", OURS)
def test_our_containers_can_change_nothing_but_what_they_must(service: str) -> None:
    assert SERVICES[service]["read_only"] is True
    assert SERVICES[service]["cap_drop"] == ["ALL"]


def test_nobody_starts_before_what_it_needs() -> None:
    assert started_after("temporal-schema") == {"temporal-database": "service_healthy"}
    assert started_after("temporal") == {"temporal-schema": "service_completed_successfully"}
    assert started_after("migrate") == {"database": "service_healthy", "temporal": "service_healthy"}
    for service in ("worker", "gateway"):
        assert started_after(service) == {"migrate": "service_completed_successfully"}


def test_the_worker_can_be_scaled() -> None:
    worker = SERVICES["worker"]
    assert "container_name" not in worker
    assert "ports" not in worker
    assert "hostname" not in worker


def test_prometheus_finds_every_replica_of_the_worker() -> None:
    jobs = {job["job_name"]: job for job in yaml.safe_load(text_of("deploy/prometheus.yml"))["scrape_configs"]}
    assert jobs["worker"]["dns_sd_configs"] == [
        {"names": ["worker"], "type": "A", "port": 9464, "refresh_interval": "10s"}
    ]


def test_passwords_come_from_variables_that_must_be_set() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|PWD|SECRET|TOKEN", name):
                assert REQUIRED_VARIABLE.fullmatch(value), name
            if "://" in value and "@" in value:
                assert REQUIRED_VARIABLE.search(value), name


def test_credentials_of_outside_systems_come_from_a_secret_file() -> None:
    assert REQUIRED_VARIABLE.fullmatch(COMPOSE["secrets"]["connections"]["file"])
    for service in ("worker", "gateway"):
        assert SERVICES[service]["secrets"] == ["connections"]


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_published_ports_are_for_this_host_alone(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


def test_the_files_that_services_mount_are_in_the_repository() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", []) if mount.startswith("./")]
    assert mounts
    assert all((ROOT / mount.split(":")[0]).is_file() for mount in mounts)


def test_the_deployed_server_has_fairness_switched_on_as_the_local_one_has() -> None:
    deployed = yaml.safe_load(text_of("deploy/temporal-dynamicconfig.yaml"))
    local = {key: yaml.safe_load(value) for key, value in DYNAMIC_CONFIG.items()}
    assert all(local[key] == values[0]["value"] for key, values in deployed.items())
    assert "matching.enableFairness" in deployed


def test_a_worker_has_its_long_documents_on_disk_and_not_in_memory() -> None:
    worker = SERVICES["worker"]
    assert worker["environment"]["TMPDIR"] in worker["volumes"]
    assert not any(mount.startswith(worker["environment"]["TMPDIR"]) for mount in worker["tmpfs"])
