"""What `deploy/` ships for runs on clusters: commands that there are, no rights, and room for the workers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
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
    (line,) = re.findall(r"mien (batch [^'&\n]*)", text(name))
    command: Any = typer.main.get_command(app)
    verb, *words = shlex.split(line)
    options = {option for parameter in command.commands[verb].params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert {"--resume", "--ray", "--out"} <= {*words}


@pytest.mark.parametrize("submitted", [False, True])
@pytest.mark.parametrize(("code", "told"), [(0, 0), (1, 0), (2, 1), (137, 1)])
def test_a_run_with_unreadable_images_is_no_failure(code: int, told: int, submitted: bool, tmp_path: Path) -> None:
    command = tmp_path / "mien"
    command.write_text(f'#!/bin/sh\n[ "$1 $7" = "batch auto" ] && exit {code}\n', encoding="utf-8")
    command.chmod(0o755)
    entrypoint = kuberay()[0]["spec"]["entrypoint"]
    if submitted:  # by a shell and `ray job submit`; else as it is
        joined = "import subprocess, sys; print(subprocess.list2cmdline(sys.argv[1:]))"
        submit = f"{shlex.join([sys.executable, '-c', joined])} {entrypoint}"
        entrypoint = subprocess.run(submit, shell=True, check=True, capture_output=True, text=True).stdout
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(entrypoint, shell=True, check=False, env={**os.environ, "PATH": path})
    assert done.returncode == told


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
