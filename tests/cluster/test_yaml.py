"""The files of Ray's launcher: valid by its schema, and free of what looks right and cannot work."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

from ray_app.runner import AT_MOST

PROJECT = Path(__file__).parents[2]
LAUNCHERS = ("cluster.yaml", "cluster/on-premise.yaml")
# Names of images that are not what they say: Ray puts an Ubuntu 18.04 with CUDA 11.2 in their place.
STALE = re.compile(r"latest_dlami|18\.04|20\.04|rayproject/ray:latest", re.IGNORECASE)


def written(name: str) -> str:
    """What the file does, without what it says about it."""
    return "\n".join(line for line in (PROJECT / name).read_text().splitlines() if not line.lstrip().startswith("#"))


def loaded(name: str) -> dict[str, Any]:
    return yaml.safe_load((PROJECT / name).read_text())


def starts(name: str) -> list[str]:
    config = loaded(name)
    commands = [*config["head_start_ray_commands"], *config["worker_start_ray_commands"]]
    return [command for command in commands if "ray start" in command]


@pytest.mark.parametrize("name", LAUNCHERS)
def test_cluster_yaml_is_valid_for_ray_up(name: str) -> None:
    config = prepare_config(loaded(name))
    validate_config(config)
    assert config["max_workers"] >= 1


@pytest.mark.parametrize("name", [*LAUNCHERS, "cluster/aws/stack.yaml", "cluster/kuberay/Dockerfile"])
def test_images_are_none_that_ray_replaces_by_old_ones(name: str) -> None:
    assert STALE.findall(written(name)) == []


@pytest.mark.parametrize("text", ["ImageId: latest_dlami", "image: rayproject/ray:latest", "Ubuntu 18.04"])
def test_images_that_are_stale_are_seen(text: str) -> None:
    assert STALE.search(text)


def test_every_node_type_has_an_image_a_profile_and_a_network_of_its_own() -> None:
    """They come with launch templates, which the stack makes (tests/cluster/test_aws.py)."""
    stack = (PROJECT / "cluster/aws/stack.yaml").read_text()
    for kind in loaded("cluster.yaml")["available_node_types"].values():
        assert f"LaunchTemplateName: {kind['node_config']['LaunchTemplate']['LaunchTemplateName']}\n" in stack


@pytest.mark.parametrize("name", LAUNCHERS)
def test_every_node_gets_the_token_and_asks_for_it(name: str) -> None:
    assert loaded(name)["file_mounts"]["/home/ubuntu/.ray/auth_token"] == "~/.ray/auth_token"
    assert len(starts(name)) == 2
    assert all("RAY_AUTH_MODE=token" in command for command in starts(name))
    assert all(command.index("RAY_AUTH_MODE") < command.index("ray start") for command in starts(name))


@pytest.mark.parametrize("name", LAUNCHERS)
def test_the_dashboard_listens_on_the_heads_loopback_only(name: str) -> None:
    (head,) = (command for command in starts(name) if "--head" in command)
    assert "--dashboard-host=127.0.0.1" in head


def test_ssh_is_open_to_nobody() -> None:
    """Ray's own rule lets the world in: so the groups come with the stack, and ssh through Session Manager."""
    config = loaded("cluster.yaml")
    assert "security_group" not in config["provider"]
    assert "AWS-StartSSHSession" in config["auth"]["ssh_proxy_command"]
    assert config["auth"]["ssh_proxy_use_node_id"]
    assert "CidrIp" not in (PROJECT / "cluster/aws/stack.yaml").read_text()


@pytest.mark.parametrize("name", LAUNCHERS)
def test_program_models_and_runs_lie_where_all_nodes_see_them(name: str) -> None:
    for command in starts(name):
        assert "PATH=/shared/venv/bin" in command
        assert "SEMRAY_CACHE=/shared/" in command
    commands = loaded(name)["setup_commands"] + loaded(name).get("initialization_commands", [])
    assert any("mountpoint -q /shared" in command for command in commands)


@pytest.mark.parametrize("name", LAUNCHERS)
def test_workers_install_nothing_so_they_start_in_a_minute(name: str) -> None:
    config = loaded(name)
    assert any("make" in command for command in config["head_setup_commands"])
    for command in [*config["setup_commands"], *config.get("worker_setup_commands", [])]:
        assert "pip" not in command
        assert "make" not in command


@pytest.mark.parametrize("name", LAUNCHERS)
def test_commands_are_shell(name: str) -> None:
    config = loaded(name)
    for key in ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray"):
        for command in config.get(f"{key}_commands") or []:
            done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}: {done.stderr}"


def test_cluster_yaml_head_does_no_work_and_says_how_far_the_workers_grow() -> None:
    config = loaded("cluster.yaml")
    types = config["available_node_types"]
    head = types.pop(config["head_node_type"])["resources"]
    assert head["CPU"] == 0
    cpus = sum(
        kind["max_workers"] * kind["resources"]["CPU"] for kind in types.values() if "GPU" not in kind["resources"]
    )
    gpus = sum(kind["max_workers"] * kind["resources"].get("GPU", 0) for kind in types.values())
    assert {AT_MOST["CPU"]: cpus, AT_MOST["GPU"]: gpus} == {name: head[name] for name in AT_MOST.values()}
    assert config["max_workers"] == sum(kind["max_workers"] for kind in types.values())


def test_cluster_yaml_workers_scale_from_nothing() -> None:
    types = loaded("cluster.yaml")["available_node_types"]
    assert types["sandbox"]["min_workers"] == 0
    assert types["sandbox"]["max_workers"] > 1
    assert types["a6000"]["resources"]["GPU"] == 8


@pytest.mark.parametrize("name", LAUNCHERS)
def test_setup_uses_the_targets_of_the_makefile(name: str) -> None:
    commands = " ".join(loaded(name)["head_setup_commands"])
    (target,) = re.findall(r"make -C \S+ (\S+)", commands)
    assert f"\n{target}:" in (PROJECT / "Makefile").read_text()


def described() -> list[Path]:
    found = sorted(
        path for path in (PROJECT / "cluster").rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )
    return [PROJECT / "cluster.yaml", *found]


@pytest.mark.parametrize("path", described(), ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_file_says_first_what_was_run_with_it(path: Path) -> None:
    if path.stat().st_size < 200:
        pytest.skip("a file of names only")
    assert "Run with it:" in "\n".join(path.read_text().splitlines()[:25])
