"""Asks an emulator of AWS, and changes what a test wants changed behind the installer's back.

aws.py URL ACCOUNT inventory CLUSTER
aws.py URL ACCOUNT nodes CLUSTER
aws.py URL ACCOUNT signatures '[{"service": "ec2", "headers": {...}, "body": "Action=..."},
                                {"service": "s3", "method": "HEAD", "path": "/data", "headers": {...}, "body": ""}, ...]'
aws.py URL ACCOUNT forms '[["ec2", "create_launch_template", {...}], ...]'
aws.py URL ACCOUNT calls '[["iam", "create_role", {...}], ["eks", "create_cluster", {...}, "eu-west-1"], ...]'

URL is one for all services, or a JSON object of them by service, the one for all others under "".
"""

import json
import re
import sys

import boto3
from botocore import xform_name
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator


def plain(answer):
    """Without what differs from run to run, and as JSON has it."""
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items() if key != "ResponseMetadata"}
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return answer if isinstance(answer, (str, int, float, bool, type(None))) else str(answer)


def tags(pairs):
    return {pair["Key"]: pair["Value"] for pair in pairs}


def iam(client):
    for role in client.list_roles()["Roles"]:
        name = role["RoleName"]
        attached = client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        yield f"role/{name}", {
            "trust": role["AssumeRolePolicyDocument"],
            "attached": sorted(policy["PolicyArn"] for policy in attached),
            "inline": client.list_role_policies(RoleName=name)["PolicyNames"],
            "tags": tags(client.list_role_tags(RoleName=name)["Tags"]),
        }
    for profile in client.list_instance_profiles()["InstanceProfiles"]:
        roles = [role["RoleName"] for role in profile["Roles"]]
        yield f"instance-profile/{profile['InstanceProfileName']}", {"roles": roles, "tags": tags(profile.get("Tags", []))}
    for policy in client.list_policies(Scope="Local")["Policies"]:
        arn = policy["Arn"]
        version = client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        yield f"policy/{policy['PolicyName']}", {
            "document": version["PolicyVersion"]["Document"],
            "tags": tags(client.list_policy_tags(PolicyArn=arn)["Tags"]),
        }


def entries(client, cluster):
    for arn in client.list_access_entries(clusterName=cluster)["accessEntries"]:
        entry = client.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"]
        yield f"access-entry/{arn}", {"type": entry["type"], "tags": entry.get("tags")}


def eks(client, cluster):
    for name in client.list_addons(clusterName=cluster)["addons"]:
        addon = client.describe_addon(clusterName=cluster, addonName=name)["addon"]
        yield f"addon/{name}", {"configuration": addon.get("configurationValues"), "tags": addon.get("tags")}
    for summary in client.list_pod_identity_associations(clusterName=cluster)["associations"]:
        identity = summary["associationId"]
        found = client.describe_pod_identity_association(clusterName=cluster, associationId=identity)["association"]
        name = f"association/{found['namespace']}/{found['serviceAccount']}"
        yield name, {"role": found["roleArn"], "tags": found.get("tags")}
    yield from entries(client, cluster)


def events(sqs, client):
    for url in sqs.list_queues().get("QueueUrls", []):
        wanted = ["Policy", "MessageRetentionPeriod", "SqsManagedSseEnabled"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted).get("Attributes", {})
        if "Policy" in attributes:
            attributes["Policy"] = json.loads(attributes["Policy"])
        name = url.rsplit("/", 1)[1]
        yield f"queue/{name}", {"attributes": attributes, "tags": sqs.list_queue_tags(QueueUrl=url).get("Tags")}
    for rule in client.list_rules()["Rules"]:
        targets = client.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        yield f"rule/{rule['Name']}", {
            "pattern": json.loads(rule["EventPattern"]),
            "state": rule["State"],
            "targets": targets,
            "tags": tags(client.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]),
        }


def nodes(ec2, scaling, client, cluster):
    """What the GPU node groups are made of; `ids` are what differs from account to account, with a name for each."""
    network = client.describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]
    ids = {network["clusterSecurityGroupId"]: "the cluster's"}
    yield "ids", ids
    for group in ec2.describe_security_groups()["SecurityGroups"]:
        ids[group["GroupId"]] = group["GroupName"]
        if group["GroupName"] != "default":
            yield f"security-group/{group['GroupName']}", {
                "in": group["IpPermissions"],
                "out": group["IpPermissionsEgress"],
                "tags": tags(group.get("Tags", [])),
            }
    for group in ec2.describe_placement_groups()["PlacementGroups"]:
        what = {"strategy": group["Strategy"], "tags": tags(group.get("Tags", []))}
        yield f"placement-group/{group['GroupName']}", what
    numbers = {}
    for template in ec2.describe_launch_templates()["LaunchTemplates"]:
        identity, number = template["LaunchTemplateId"], str(template["DefaultVersionNumber"])
        asked = ec2.describe_launch_template_versions(LaunchTemplateId=identity, Versions=[number])
        version = asked["LaunchTemplateVersions"][0]
        numbers[identity, number] = version.get("VersionDescription")
        yield f"template/{template['LaunchTemplateName']}", {
            "data": version["LaunchTemplateData"],
            "says": version.get("VersionDescription"),
            "tags": tags(template.get("Tags", [])),
        }
    yield from entries(client, cluster)
    for group in scaling.describe_auto_scaling_groups()["AutoScalingGroups"]:
        template = group.get("LaunchTemplate", {})
        says = numbers.get((template.get("LaunchTemplateId"), template.get("Version")), "not the default")
        sizes = [group[name] for name in ["MinSize", "DesiredCapacity", "MaxSize"]]
        what = {"sizes": sizes, "subnets": group["VPCZoneIdentifier"], "tags": tags(group["Tags"]), "template": says}
        yield f"scaling-group/{group['AutoScalingGroupName']}", what
    for name in client.list_nodegroups(clusterName=cluster)["nodegroups"]:
        group = client.describe_nodegroup(clusterName=cluster, nodegroupName=name)["nodegroup"]
        wanted = ["amiType", "capacityType", "labels", "nodeRepairConfig", "nodeRole", "scalingConfig", "subnets", "tags", "taints"]
        template = group.get("launchTemplate", {})
        # By what it says, as numbers differ from run to run.
        says = numbers.get((template.get("id"), template.get("version")), "not the default")
        yield f"node-group/{name}", {**{key: group.get(key) for key in wanted}, "template": says}


def forms(session, calls):
    """Forms without what every request has."""
    for service, operation, arguments in calls:
        model = session._session.get_service_model(service)
        name = next(name for name in model.operation_names if xform_name(name) == operation)
        operation = model.operation_model(name)
        report = ParamValidator().validate(arguments, operation.input_shape)
        if report.has_errors():
            raise SystemExit(report.generate_report())
        body = create_serializer(model.metadata["protocol"]).serialize_to_request(arguments, operation)["body"]
        # JSON is bytes.
        yield body.decode() if isinstance(body, bytes) else body


def signature(session, request):
    """The signature of a request with the time and the signed headers that it has."""
    headers = request["headers"]
    signed = re.search("SignedHeaders=([^,]+)", headers["authorization"]).group(1).split(";")
    url = f"http://{headers['host']}{request.get('path', '/')}"
    made = AWSRequest(request.get("method", "POST"), url, {name: headers[name] for name in signed}, request["body"])
    made.context["timestamp"] = headers["x-amz-date"]
    region = re.search("Credential=[^/]+/[0-9]+/([^/]+)/", headers["authorization"]).group(1)
    signer = SigV4Auth(session.get_credentials(), request["service"], region)
    return signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made)


def main():
    url, account, task, more = sys.argv[1:]
    # No region's file, no shared credentials: the access key is the account.
    session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="none", region_name="us-west-2")
    once = Config(retries={"max_attempts": 0})
    urls = json.loads(url) if url.startswith("{") else {"": url}
    place = lambda name: urls.get(name, urls[""])
    client = lambda name, region=None: session.client(name, region_name=region, endpoint_url=place(name), config=once)
    if task == "inventory":
        found = dict(iam(client("iam")))
        found.update(eks(client("eks"), more))
        found.update(events(client("sqs"), client("events")))
        print(json.dumps(plain(found), sort_keys=True))
        return
    if task == "nodes":
        found = dict(nodes(client("ec2"), client("autoscaling"), client("eks"), more))
        found.update((name, value) for name, value in iam(client("iam")))
        print(json.dumps(plain(found), sort_keys=True))
        return
    if task == "signatures":
        print(json.dumps([signature(session, request) for request in json.loads(more)]))
        return
    if task == "forms":
        print(json.dumps(list(forms(session, json.loads(more)))))
        return
    answers = []
    for service, operation, arguments, *region in json.loads(more):
        answers.append(plain(getattr(client(service, *region), operation)(**arguments)))
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
