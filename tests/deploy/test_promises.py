"""What the files of `deploy/` promise: no rights, no writing, bounds, and settings and paths that there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from served import Served, get, serving
from shipped import ROOT, assigned, compose, kubernetes, steps, text, unit

from mien.intake import read_size
from mien.service import problems
from mien.service.settings import PREFIX, Settings, read_settings

MEMORY = 512 * 2**20
PORT = 8000


def image() -> dict[str, str]:
    """The instructions of the stage that ships, the last of equals."""
    found = steps(text("Dockerfile"))
    last = max(number for number, (word, _) in enumerate(found) if word == "FROM")
    return dict(found[last:])


def container() -> Any:
    (only,) = kubernetes()["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


ENVIRONMENTS = {
    "Dockerfile": assigned(image()["ENV"]),
    "compose.yaml": compose()["services"]["mien"]["environment"],
    "mien.service": dict(line.split("=", 1) for line in unit()["Environment"]),
    "kubernetes.yaml": {each["name"]: each["value"] for each in container()["env"]},
}


def bytes_of(size: str) -> int:
    """A size with a unit of 1024, as each of these files writes it."""
    found = re.fullmatch(r"(\d+)([kmg])i?", size.lower())
    assert found, size
    return int(found[1]) << {"k": 10, "m": 20, "g": 30}[found[2]]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_setting_is_one(name: str) -> None:
    given = {key: str(value) for key, value in ENVIRONMENTS[name].items() if key.startswith(PREFIX)}
    assert given != {}
    assert read_settings(given).port == PORT


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "mien.service", "kubernetes.yaml", "nginx.conf"])
def test_every_setting_that_a_comment_names_is_one(name: str) -> None:
    named = re.findall(rf"{PREFIX}([A-Z_]*[A-Z])\b", text(name))
    others = {"PORT"} if name == "kubernetes.yaml" else set()
    assert {each.lower() for each in {*named} - others} <= {*Settings.model_fields}


def test_the_image() -> None:
    shipped = image()
    user, _, group = shipped["USER"].partition(":")
    assert min(int(user), int(group)) > 0
    assert shipped["EXPOSE"] == str(PORT)
    assert shipped["STOPSIGNAL"] == "SIGTERM"
    assert shipped["CMD"] == '["mien", "serve"]'  # no shell between it and the signal
    assert [rest.split()[0] for word, rest in steps(text("Dockerfile")) if word == "FROM"] == ["${PYTHON}"] * 2


def test_what_an_image_is_made_of_is_not_ignored() -> None:
    kept = [line[1:] for line in text("Dockerfile.dockerignore").splitlines() if line.startswith("!")]
    copied = [rest.split()[:-1] for word, rest in steps(text("Dockerfile")) if word == "COPY" and "--" not in rest]
    assert sorted(kept) == sorted(name for names in copied for name in names)
    assert [name for name in kept if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["mien", "nginx"])
def test_the_containers_of_compose(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 128
    assert bytes_of(service["mem_limit"]) <= MEMORY
    assert {"privileged", "cap_add", "user"} & {*service} == set()


def test_the_network_of_compose() -> None:
    networks, services = compose()["networks"], compose()["services"]
    (subnet,) = networks["inside"]["ipam"]["config"]
    addresses = [services[name]["networks"]["inside"]["ipv4_address"] for name in ("nginx", "mien")]
    assert services["mien"]["environment"]["MIEN_SERVE_TRUSTED_PROXIES"] == addresses[0]
    gateway = ip_network(subnet["subnet"])[1]
    assert len({gateway, *map(ip_address, addresses)}) == 3
    assert all(ip_address(address) in ip_network(subnet["subnet"]) for address in addresses)
    assert networks["inside"]["internal"] is True
    assert list(services["mien"]["networks"]) == ["inside"]
    assert "ports" not in services["mien"]


def test_the_pods() -> None:
    spec, only = kubernetes()["Deployment"]["spec"]["template"]["spec"], container()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" == image()["USER"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert bytes_of(only["resources"]["requests"]["memory"]) <= bytes_of(only["resources"]["limits"]["memory"])
    assert bytes_of(only["resources"]["limits"]["memory"]) == MEMORY
    assert only["ports"] == [{"name": "http", "containerPort": PORT}]


def test_the_manifest_speaks_of_the_same_pods() -> None:
    objects = kubernetes()
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    chosen = [objects["Deployment"]["spec"]["selector"], objects["PodDisruptionBudget"]["spec"]["selector"]]
    assert [each["matchLabels"] for each in chosen] == [labels] * 2
    assert objects["Service"]["spec"]["selector"] == labels
    policy = objects["NetworkPolicy"]["spec"]
    assert (policy["podSelector"]["matchLabels"], policy["egress"]) == (labels, [])
    assert policy["policyTypes"] == ["Ingress", "Egress"]


def test_the_unit() -> None:
    found = unit()
    assert found["ExecStart"] == ["/opt/mien/bin/mien serve"]
    for name in ("DynamicUser", "MemoryDenyWriteExecute", "NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert found[name] == ["yes"], name
    assert found["ProtectSystem"] == ["strict"]
    assert found["CapabilityBoundingSet"] == [""]
    assert (found["LimitFSIZE"], found["LimitCORE"]) == (["0"], ["1"])
    assert bytes_of(found["MemoryMax"][0]) == MEMORY
    assert found["KillMode"] == ["mixed"]  # a helper that is told to stop would take its images along


@pytest.mark.parametrize("name", ["compose.yaml", "mien.service", "kubernetes.yaml"])
def test_the_workers_and_what_they_read_fit_into_the_memory(name: str) -> None:
    page = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    (told,) = re.findall(
        r"At most about (\d+) MB and (\d+) MB for each worker.*? (\d+) MB for each\s+worker's file", page
    )
    base, each, file = (1e6 * int(number) for number in told)
    given = {key: str(value) for key, value in ENVIRONMENTS[name].items() if key.startswith(PREFIX)}
    if name == "kubernetes.yaml":  # the service counts the cores that it may use
        given["MIEN_SERVE_THREADS"] = container()["resources"]["limits"]["cpu"]
    assert "MIEN_SERVE_THREADS" in given  # or they are as many as the machine's cores
    settings = read_settings(given)
    assert base + settings.max_memory + settings.max_decoded + settings.threads * (each + file) <= MEMORY


def test_there_is_time_to_finish() -> None:
    grace_s, pod = Settings().grace_s, kubernetes()["Deployment"]["spec"]["template"]["spec"]
    assert int(unit()["TimeoutStopSec"][0]) > grace_s
    assert int(compose()["services"]["mien"]["stop_grace_period"].removesuffix("s")) > grace_s
    waits_s = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > waits_s + grace_s


def test_nginx_leaves_limits_to_the_service() -> None:
    found = dict(re.findall(r"^\s*(\w+) ([^;{]+);", text("nginx.conf"), re.M))
    settings = Settings()
    assert read_size(found["client_max_body_size"] + "b", of="bytes") > settings.max_memory
    assert float(found["client_body_timeout"].removesuffix("s")) >= settings.upload_s
    most_s = settings.upload_s + settings.max_files * settings.deadline_s
    assert float(found["proxy_read_timeout"].removesuffix("s")) > most_s
    assert (found["proxy_request_buffering"], found["proxy_buffering"]) == ("off", "off")
    assert {value for name, value in re.findall(r"(access_log) ([^;]+);", text("nginx.conf"))} == {"off"}


@pytest.fixture(scope="module")
def running() -> Iterator[Served]:
    with serving() as served:
        yield served


def test_every_path_that_is_asked_for_is_there(running: Served) -> None:
    probes = [container()[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    scraped = kubernetes()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    health = re.findall(r"'(/\w+)'", image()["HEALTHCHECK"])
    assert health != []
    for path in {*probes, *health, scraped["prometheus.io/path"]}:
        assert get(f"{running.url}{path}").status_code == 200, path


def test_what_is_to_be_watched_is_there(running: Served) -> None:
    page, shown = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"), get(f"{running.url}/metrics").text
    named, known = set(re.findall(r"`((?:mien|process)_\w+)", page)), set(re.findall(r"^# TYPE (\w+)", shown, re.M))
    assert named != set()
    assert named <= known
    kinds = {each.name for each in vars(problems).values() if isinstance(each, problems.Kind)}
    assert set(re.findall(r'kind="([^"]+)"', page)) <= kinds
