"""Asks an emulator of AWS, and changes what a test wants changed behind the installer's back.

aws.py URL ACCOUNT inventory CLUSTER
aws.py URL ACCOUNT calls '[["iam", "create_role", {...}], ["eks", "create_cluster", {...}, "eu-west-1"], ...]'
"""

import json
import sys

import boto3
from botocore.config import Config


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
    for policy in client.list_policies(Scope="Local")["Policies"]:
        arn = policy["Arn"]
        version = client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        yield f"policy/{policy['PolicyName']}", {
            "document": version["PolicyVersion"]["Document"],
            "tags": tags(client.list_policy_tags(PolicyArn=arn)["Tags"]),
        }


def eks(client, cluster):
    for name in client.list_addons(clusterName=cluster)["addons"]:
        addon = client.describe_addon(clusterName=cluster, addonName=name)["addon"]
        yield f"addon/{name}", {"configuration": addon.get("configurationValues"), "tags": addon.get("tags")}
    for summary in client.list_pod_identity_associations(clusterName=cluster)["associations"]:
        identity = summary["associationId"]
        found = client.describe_pod_identity_association(clusterName=cluster, associationId=identity)["association"]
        name = f"association/{found['namespace']}/{found['serviceAccount']}"
        yield name, {"role": found["roleArn"], "tags": found.get("tags")}
    for arn in client.list_access_entries(clusterName=cluster)["accessEntries"]:
        entry = client.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"]
        yield f"access-entry/{arn}", {"type": entry["type"], "tags": entry.get("tags")}


def events(sqs, client):
    for url in sqs.list_queues().get("QueueUrls", []):
        wanted = ["Policy", "MessageRetentionPeriod", "SqsManagedSseEnabled"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted).get("Attributes", {})
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


def main():
    url, account, task, more = sys.argv[1:]
    # No region's file, no shared credentials: the access key is the account.
    session = boto3.Session(aws_access_key_id=account, aws_secret_access_key="none", region_name="us-west-2")
    once = Config(retries={"max_attempts": 0})
    client = lambda name, region=None: session.client(name, region_name=region, endpoint_url=url, config=once)
    if task == "inventory":
        found = dict(iam(client("iam")))
        found.update(eks(client("eks"), more))
        found.update(events(client("sqs"), client("events")))
        print(json.dumps(plain(found), sort_keys=True))
        return
    answers = []
    for service, operation, arguments, *region in json.loads(more):
        answers.append(plain(getattr(client(service, *region), operation)(**arguments)))
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
