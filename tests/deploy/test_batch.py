"""What `deploy/` ships for runs on clusters: commands that there are, no rights, and room for the workers."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import Any

import pytest
import typer
import yaml
from shipped import DEPLOY, ROOT, text

from mien.cli.verbs import app

WORKER_BYTES = 600e6  # docs/scale.md


def kuberay() -> tuple[Any, Any]:
    """The job, and who may reach it."""
    job, policy = yaml.safe_load_all(text("kuberay.yaml"))
    return job, policy


def pods() -> list[Any]:
    cluster = kuberay()[0]["spec"]["rayClusterSpec"]
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


@pytest.mark.parametrize("name", ["kuberay.yaml", "batch.slurm"])
def test_the_command_and_its_options_are_there(name: str) -> None:
    (line,) = re.findall(r"mien (batch [^|&\n]*)", text(name))
    command: Any = typer.main.get_command(app)
    verb, *words = shlex.split(line)
    options = {option for parameter in command.commands[verb].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert {"--resume", "--ray", "--out"} <= {*words}


def test_the_clusters_ray_is_the_tested_one() -> None:
    (tested,) = re.findall(r"^ray==(.*)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    assert kuberay()[0]["spec"]["rayClusterSpec"]["rayVersion"] == tested


def test_pods_have_no_rights_and_room_for_a_worker_a_core() -> None:
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
        limits = container["resources"]["limits"]
        assert int(limits["memory"].removesuffix("Gi")) * 2**30 >= int(limits["cpu"]) * WORKER_BYTES
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]


def test_none_but_its_own_pods_reach_the_cluster() -> None:
    _, policy = kuberay()
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert policy["spec"]["podSelector"] == policy["spec"]["ingress"][0]["from"][0]["podSelector"]


def test_the_script_for_slurm_is_one_and_ray_asks_for_its_token() -> None:
    subprocess.run(["sh", "-n", DEPLOY / "batch.slurm"], check=True)
    assert "RAY_AUTH_MODE=token" in text("batch.slurm")
    assert "RAY_USAGE_STATS_ENABLED=0" in text("batch.slurm")
