"""Judges a folder that `installer render all` wrote, by the tools that read each form.

Prints a line for each thing that was looked at, ends with 1 at the first that is wrong.
"""

import base64
import functools
import glob
import json
import os
import sys

import botocore.session
import botocore.validate
import cfnlint.api
import eksctl as eksctl_config
import hcl2
import kubernetes_validate
import parliament
import yaml

# What parliament says and is meant. A finding that is not here fails, and so does an entry that is not found.
# It judges each statement alone: actions on several kinds of resource have a statement for each kind.
SPLIT = "RESOURCE_MISMATCH"
# Actions that name no resource, or name resources that the driver finds at run time and others own.
ANY = "RESOURCE_STAR"
# Newer than parliament's list (2025-04): in the Load Balancer Controller's own policy.
NEWER = ("elasticloadbalancing:ModifyIpPools", "elasticloadbalancing:CreateAction")
MEANT = {
    ("ebs-csi", SPLIT),
    ("efs-csi", ANY),
    ("fsx-csi", SPLIT),
    ("karpenter-node-lifecycle", SPLIT),
    # The parameters are AWS's and have no account.
    ("karpenter-resource-discovery", SPLIT),
    # The one cluster is the condition.
    ("karpenter-zonal-shift", ANY),
    ("load-balancer-controller", SPLIT),
    ("load-balancer-controller-look", ANY),
}


def fail(message):
    print(message, file=sys.stderr)
    sys.exit(1)


def enums(shape, value, path):
    """botocore's validation knows types and required names, not the words that are allowed."""
    if shape.type_name == "structure":
        for name, inner in value.items():
            if name not in shape.members:
                fail(f"{path}: EC2 knows no {name}")
            enums(shape.members[name], inner, f"{path}.{name}")
    elif shape.type_name == "list":
        for place, inner in enumerate(value):
            enums(shape.member, inner, f"{path}[{place}]")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        fail(f"{path}: {value} is none of {shape.enum}")


@functools.cache
def model():
    return botocore.session.get_session().get_service_model("ec2")


def launch_template(folder):
    with open(f"{folder}/launch-template.json") as file:
        data = json.load(file)
    shape = model().shape_for("RequestLaunchTemplateData")
    report = botocore.validate.ParamValidator().validate(data, shape)
    if report.has_errors():
        fail(f"launch-template.json: {report.generate_report()}")
    enums(shape, data, "LaunchTemplateData")
    user_data = base64.b64decode(data["UserData"], validate=True)
    if len(user_data) > 16384:
        fail(f"launch-template.json: {len(user_data)} bytes of user data")
    with open(f"{folder}/user-data.mime", "rb") as file:
        if file.read() != user_data:
            fail("launch-template.json and user-data.mime differ")
    return data


def terraform(folder, data):
    with open(f"{folder}/terraform/main.tf") as file:
        text = file.read()
    module = hcl2.loads(text)
    kinds = {}
    for resource in module["resource"]:
        for kind, labels in resource.items():
            for label, body in labels.items():
                if label in kinds.setdefault(kind.strip('"'), {}):
                    fail(f"main.tf: two {kind} {label}")
                kinds[kind.strip('"')][label] = body
    (template,) = kinds["aws_launch_template"].values()
    found = [
        (i["network_card_index"], i["device_index"], i["interface_type"].strip('"')) for i in template["network_interfaces"]
    ]
    wanted = [
        (i["NetworkCardIndex"], i["DeviceIndex"], i["InterfaceType"]) for i in data["NetworkInterfaces"]
    ]
    if found != wanted:
        fail(f"main.tf has other interfaces than the template: {found}")
    named = set(part.split('"')[0] for part in text.split("${path.module}/")[1:])
    there = {
        os.path.relpath(path, f"{folder}/terraform")
        for path in glob.glob(f"{folder}/terraform/**", recursive=True)
        if os.path.isfile(path)
    }
    if named != there - {"main.tf"}:
        fail(f"main.tf names {sorted(named ^ (there - {'main.tf'}))}, or they are there without a reader")
    print("terraform:", len(module["resource"]), "resources, by an HCL parser; terraform itself did not look")


def cloudformation(folder, region):
    with open(f"{folder}/cloudformation.json") as file:
        text = file.read()
    # UltraServer types are in no region's list: DescribeInstanceTypes, which it is made from, does not show them.
    meant = [("E3628", "'p6e-")]
    for problem in cfnlint.api.lint(text, regions=[region]):
        if not any(problem.rule.id == rule and problem.message.startswith(start) for rule, start in meant):
            fail(f"cloudformation.json: {problem.rule.id} {problem.message[:300]} {problem.path}")
    # A linter that finds nothing in anything proves nothing.
    broken = json.loads(text)
    broken["Resources"]["GpuLaunchTemplate"]["Properties"]["LaunchTemplateData"]["NoSuchField"] = 1
    if not any("NoSuchField" in problem.message for problem in cfnlint.api.lint(json.dumps(broken), regions=[region])):
        fail("cfn-lint lets a field pass that does not exist")
    print("cloudformation:", len(json.loads(text)["Resources"]), "resources, cfn-lint")


def policies(folder):
    found = set()
    names = [os.path.basename(path)[: -len(".json")] for path in sorted(glob.glob(f"{folder}/policies/*.json"))]
    for name in names:
        # Trusts and the queue's policy are resource policies, which parliament does not know.
        if name.endswith("trust") or name == "karpenter-queue":
            continue
        with open(f"{folder}/policies/{name}.json") as file:
            result = parliament.analyze_policy_string(file.read())
        for finding in result.findings:
            if (name, finding.issue) in MEANT:
                found.add((name, finding.issue))
            elif not any(new in f"{finding.detail} {finding.location}" for new in NEWER):
                fail(f"{name}.json: {finding.issue} {finding.detail} {finding.location}")
    stale = {entry for entry in MEANT if entry[0] in names} - found
    if stale:
        fail(f"parliament does not say this any more: {sorted(stale)}")
    print("policies:", len(names), "files, parliament", parliament.__version__)


def kubernetes(folder):
    known, custom = 0, 0
    paths = sorted(glob.glob(f"{folder}/kubernetes/*.yaml"))
    for path in paths:
        with open(path) as file:
            for document in yaml.safe_load_all(file):
                group = document["apiVersion"].split("/")[0]
                if group in ("karpenter.sh", "karpenter.k8s.aws"):
                    custom += 1
                    continue
                kubernetes_validate.validate(document, "1.34", strict=True)
                known += 1
    print("kubernetes:", known, "objects by the schemas of 1.34,", custom, "of Karpenter as YAML only")


def charts(folder):
    """The charts are not at hand: what is given to them is a mapping, and says for which chart."""
    paths = sorted(glob.glob(f"{folder}/charts/*.values.yaml"))
    for path in paths:
        name = os.path.basename(path)[: -len(".values.yaml")]
        with open(path) as file:
            text = file.read()
        if not isinstance(yaml.safe_load(text), dict) or f"helm upgrade --install {name} " not in text:
            fail(f"{path} has no values of the chart {name}")
    print("charts:", len(paths), "files of values, as YAML; helm did not look")


def eksctl(folder):
    path = f"{folder}/eksctl.yaml"
    if not os.path.exists(path):
        print("eksctl: not rendered")
        return
    with open(path) as file:
        config = yaml.safe_load(file)
    wrong = eksctl_config.wrong_or_blind(config)
    if wrong:
        fail(f"eksctl.yaml: {wrong}")
    print("eksctl:", len(config["managedNodeGroups"]), "node groups, by the fields of eksctl's schema; eksctl itself did not look")


def main():
    folder, region = sys.argv[1:]
    data = launch_template(folder)
    print("launch template: EC2's model of botocore", botocore.__version__)
    terraform(folder, data)
    cloudformation(folder, region)
    policies(folder)
    kubernetes(folder)
    charts(folder)
    eksctl(folder)


if __name__ == "__main__":
    main()
