"""cluster.yaml on the stack of cluster/aws, launched by Ray's own code in a simulation of AWS (moto)."""

import ast
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

boto3 = pytest.importorskip("boto3", reason="needs boto3 (pip install '.[aws]')")
moto = pytest.importorskip("moto", reason="needs moto (pip install '.[dev]')")

aws_config = pytest.importorskip("ray.autoscaler._private.aws.config")
node_provider = pytest.importorskip("ray.autoscaler._private.aws.node_provider")

PROJECT = Path(__file__).parents[2]
STACK = PROJECT / "cluster" / "aws" / "stack.yaml"
REGION = "us-west-2"


def cluster_yaml() -> dict[str, Any]:
    return yaml.safe_load((PROJECT / "cluster.yaml").read_text())


def images() -> dict[str, str]:
    """Parameter of the stack -> an image of the simulation that stands for what AWS publishes there."""
    found = boto3.client("ec2", REGION).describe_images(Owners=["amazon"])["Images"]
    return {"CpuImage": found[0]["ImageId"], "GpuImage": found[1]["ImageId"]}


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A simulated account in which the stack was made; nothing leaves this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("botocore", "boto3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with moto.mock_aws():
        chosen = images()
        text = STACK.read_text()
        for name, image in chosen.items():  # the simulation knows none of the parameters that AWS publishes
            boto3.client("ssm", REGION).put_parameter(Name=f"/test/{name}", Value=image, Type="String")
            text = text.replace(parameters()[name], f"/test/{name}")
        boto3.client("cloudformation", REGION).create_stack(
            StackName="semray", TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        yield chosen


class _Tags(yaml.SafeLoader):
    """Reads a template's own tags (!Ref, !Sub) as what they stand before."""


def _value(loader: _Tags, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


_Tags.add_multi_constructor("!", _value)


def stack() -> dict[str, Any]:
    return yaml.load(STACK.read_text(), _Tags)


def parameters() -> dict[str, str]:
    return {name: parameter["Default"] for name, parameter in stack()["Parameters"].items()}


def bootstrapped() -> dict[str, Any]:
    config = prepare_config(cluster_yaml())
    validate_config(config)
    return aws_config.bootstrap_aws(config)


def test_launch_uses_the_stacks_images_network_and_profiles_and_opens_no_port(aws: dict[str, str]) -> None:
    config = bootstrapped()
    ec2 = boto3.client("ec2", REGION)
    groups = ec2.describe_security_groups()["SecurityGroups"]
    types = config["available_node_types"]
    expected = {"head": "CpuImage", "sandbox": "CpuImage", "a6000": "GpuImage"}
    assert {name: kind["node_config"]["ImageId"] for name, kind in types.items()} == {
        name: aws[image] for name, image in expected.items()
    }
    for kind in types.values():
        assert kind["node_config"]["ImageId"] not in aws_config.DEFAULT_AMI.values()
        (used,) = (group for group in groups if group["GroupId"] in kind["node_config"]["SecurityGroupIds"])
        ranges = [ip["CidrIp"] for rule in used["IpPermissions"] for ip in rule["IpRanges"]]
        assert ranges == []  # nobody from outside, ssh included
        assert [pair["GroupId"] for rule in used["IpPermissions"] for pair in rule["UserIdGroupPairs"]] == [
            used["GroupId"]
        ]
    assert not [group for group in groups if group["GroupName"].startswith("ray-autoscaler")]


def test_launch_starts_nodes_of_every_type_with_the_profile_that_they_need(aws: dict[str, str]) -> None:
    config = bootstrapped()
    provider = node_provider.AWSNodeProvider(config["provider"], config["cluster_name"])
    made: dict[str, Any] = {}
    for name, kind in config["available_node_types"].items():
        # As `ray up` does for the head, and the autoscaler on the head for the others.
        node = {**kind["node_config"], **(config["head_node"] if name == "head" else {})}
        created = provider.create_node(node, {"ray-user-node-type": name}, 1)
        (made[name],) = created.values()
    ec2 = boto3.client("ec2", REGION)
    ids = {instance.id: name for name, instance in made.items()}
    found = {
        ids[instance["InstanceId"]]: instance
        for reservation in ec2.describe_instances(InstanceIds=list(ids))["Reservations"]
        for instance in reservation["Instances"]
    }
    profiles = {name: instance["IamInstanceProfile"]["Arn"].rsplit("/", 1)[1] for name, instance in found.items()}
    assert profiles == {
        "head": f"semray-head-{REGION}",
        "sandbox": f"semray-node-{REGION}",
        "a6000": f"semray-node-{REGION}",
    }
    assert {instance["InstanceType"] for instance in found.values()} == {"m7i.xlarge", "c7i.8xlarge", "g6e.48xlarge"}
    assert found["sandbox"]["InstanceLifecycle"] == "spot"
    assert len({instance["SubnetId"] for instance in found.values()}) == 1


def test_head_may_start_nodes_and_pass_on_their_role_only(aws: dict[str, str]) -> None:
    iam = boto3.client("iam", REGION)
    document = iam.get_role_policy(RoleName=f"semray-head-{REGION}", PolicyName="autoscaler")["PolicyDocument"]
    statements = document["Statement"] if isinstance(document, dict) else ast.literal_eval(document)["Statement"]
    (passing,) = (one for one in statements if one["Action"] == "iam:PassRole")
    assert passing["Resource"] == iam.get_role(RoleName=f"semray-node-{REGION}")["Role"]["Arn"]
    assert not any(one["Resource"] == "*" and one["Action"] in ("*", "ec2:*") for one in statements)


def test_file_system_is_mounted_under_the_name_that_the_stack_gives_it(aws: dict[str, str]) -> None:
    route53 = boto3.client("route53", REGION)
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    (name,) = (record for record in records if record["Type"] == "CNAME")
    (system,) = boto3.client("efs", REGION).describe_file_systems()["FileSystems"]
    assert name["ResourceRecords"][0]["Value"].startswith(f"{system['FileSystemId']}.efs.{REGION}.")
    commands = " ".join(cluster_yaml()["initialization_commands"])
    assert f"{name['Name'].rstrip('.')}:/ /shared" in commands


def test_stack_is_valid_by_the_schemas_of_its_resources() -> None:
    lint = pytest.importorskip("cfnlint.api", reason="needs cfn-lint (pip install '.[dev]')")
    found = lint.lint_all(STACK.read_text())
    assert [str(match) for match in found if not match.rule.id.startswith("I")] == []


def test_images_are_named_and_recent() -> None:
    for name, path in parameters().items():
        if name.endswith("Image"):
            assert "ubuntu" in path
            assert "24.04" in path
    for kind in cluster_yaml()["available_node_types"].values():
        assert kind["node_config"].get("ImageId", "").lower() != "latest_dlami"
        assert set(kind["node_config"]["LaunchTemplate"]) == {"LaunchTemplateName", "Version"}
    assert os.environ.get("AWS_PROFILE") is None
