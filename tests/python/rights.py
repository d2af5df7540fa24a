"""Judges recorded calls by the policies of whoever made them: ministack's policy evaluator, as in policies.py.

`rights.py FOLDER CALLS`: FOLDER has policies/installer-*.json, CALLS is a list of calls as the proxy of the test bed saw
them. Which resources a call is about, and what AWS asks for beside it, is as the Service Authorization Reference has it.
Fails at the first call that is not allowed, and at actions that are allowed and that no call needed.
"""

import json
import sys
from glob import glob
from urllib.parse import parse_qs, unquote

from ministack.core.iam_actions import extract_iam_action
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

REGION, CLUSTER, GROUP = "us-west-2", "research", "gpu-compute"
MARK = "gpunode.io/cluster"
OWNER = {MARK: f"{REGION}/{CLUSTER}/{GROUP}"}
# What an instance is started with, and what of it gets tags.
LAUNCHED = ["instance", "launch-template", "network-interface", "placement-group", "security-group", "subnet", "volume"]
TAGGED = ["instance", "network-interface", "volume"]
# IAM does not ask for a right to these.
FREE = {"sts:GetCallerIdentity"}


def scope(call):
    """The service that the request is signed for."""
    return call["headers"]["authorization"].split("Credential=")[1].split(",")[0].split("/")[3]


class Judge:
    def __init__(self, folder, account):
        self.account, self.used, self.wrong = account, set(), []
        self.policies = []
        for path in sorted(glob(f"{folder}/policies/installer-*.json")):
            with open(path) as file:
                self.policies.append(json.load(file))
        self.parsed = [parse_policy_document(policy) for policy in self.policies]

    def arn(self, service, rest, region=REGION):
        return f"arn:aws:{service}:{region}:{self.account}:{rest}"

    def iam_arn(self, rest):
        return self.arn("iam", rest, "")

    def needs(self, action, resource="*", tags=None, request=None, **context):
        known = {f"aws:resourcetag/{key}".lower(): value for key, value in (tags or {}).items()}
        known.update({key.replace("__", ":").lower(): value for key, value in context.items()})
        request = request or {}
        asked = EvalContext(
            principal_arn=self.iam_arn("user/operator"),
            principal_type="User",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=REGION,
            secure_transport=True,
            request_tags=request,
            tag_keys=list(request),
            service_context=known,
        )
        self.used.add(action)
        result = evaluate(asked, self.parsed)
        if result.decision != "Allow":
            self.wrong.append(f"{action} on {resource} {known} {request}: {result.decision}")

    def call(self, call):
        service, form = scope(call), parse_qs(call["body"]) if call["form"] else {}
        method, path = ("POST", "/") if " " not in call["operation"] else call["operation"].split(" ", 1)
        action = extract_iam_action(service, method, path, call["headers"], call["body"].encode(), form)
        if action is None and service == "servicequotas":
            action = f"{service}:{call['operation']}"
        if action is None:
            sys.exit(f"nobody knows what {call['operation']} of {service} takes")
        if action in FREE:
            return
        said = {name: values[0] for name, values in form.items()}
        if not form:
            said = json.loads(call["body"]) if call["body"].strip() else {}
        getattr(self, service)(action, said, unquote(path))

    def iam(self, action, said, _):
        operation = action.split(":")[1]
        if operation == "SimulatePrincipalPolicy":
            return self.needs(action, said["PolicySourceArn"])
        if "InstanceProfileName" in said:
            arn = self.iam_arn(f"instance-profile/{said['InstanceProfileName']}")
            self.needs(action, arn)
            if operation == "AddRoleToInstanceProfile":
                self.passes(said["RoleName"], "ec2.amazonaws.com")
        elif "RoleName" in said:
            arn = self.iam_arn(f"role/{said['RoleName']}")
            self.needs(action, arn, **({"iam__policyarn": said["PolicyArn"]} if "PolicyArn" in said else {}))
        else:
            arn = said.get("PolicyArn") or self.iam_arn(f"policy/{said['PolicyName']}")
            self.needs(action, arn)
        if "Tags.member.1.Key" in said:
            self.needs(f"iam:Tag{operation.removeprefix('Create')}", arn)

    def passes(self, role, service):
        self.needs("iam:PassRole", self.iam_arn(f"role/{role.split('/')[-1]}"), iam__passedtoservice=service)

    def sqs(self, action, said, _):
        arn = self.arn("sqs", said.get("QueueName") or said["QueueUrl"].split("/")[-1])
        self.needs(action, arn)
        if "tags" in said:
            self.needs("sqs:TagQueue", arn)

    def events(self, action, said, _):
        name = said.get("Name") or said.get("Rule") or said["ResourceARN"].split("/")[-1]
        arn = self.arn("events", f"rule/{name}")
        self.needs(action, arn)
        if said.get("Tags"):
            self.needs("events:TagResource", arn)

    def eks(self, action, said, path):
        kinds = {"addons": "addon", "pod-identity-associations": "podidentityassociation",
                 "node-groups": "nodegroup", "access-entries": "access-entry"}
        parts = path.strip("/").split("/")
        if action == "eks:DescribeClusterVersions":
            return self.needs(action)
        # The path has the ARN.
        if parts[0] == "tags":
            return self.needs(action, "/".join(parts[1:]))
        kind = kinds.get(parts[2]) if len(parts) > 2 else None
        # Of all these a list and a new one are the cluster's.
        if len(parts) < 4:
            self.needs(action, self.arn("eks", f"cluster/{parts[1]}"))
        elif kind == "access-entry":
            self.needs(action, self.arn("eks", f"access-entry/{parts[1]}/role/{self.account}/{parts[-1]}/uuid"))
        else:
            self.needs(action, self.arn("eks", f"{kind}/{parts[1]}/{parts[3]}/uuid"))
        if "tags" in said:
            self.needs("eks:TagResource", self.arn("eks", f"{kind}/{parts[1]}/new/uuid"))
        if "roleArn" in said and kind == "podidentityassociation":
            self.passes(said["roleArn"], "pods.eks.amazonaws.com")
        if action == "eks:CreateNodegroup":
            # Which of the two it is, AWS says differently in different places.
            for service in ("ec2.amazonaws.com", "eks.amazonaws.com"):
                self.passes(said["nodeRole"], service)
            self.launches("eks-nodegroup.amazonaws.com", "AWSServiceRoleForAmazonEKSNodegroup")

    def launches(self, service, role):
        """Of who makes a group that starts instances from a template."""
        template = self.arn("ec2", "launch-template/lt-1")
        images = [f"arn:aws:ec2:{REGION}::image/ami-1", f"arn:aws:ec2:{REGION}:999999999999:capacity-reservation/cr-1"]
        for resource in images + [self.arn("ec2", f"{kind}/x-1") for kind in LAUNCHED]:
            self.needs("ec2:RunInstances", resource, ec2__launchtemplate=template)
        for kind in TAGGED:
            self.needs("ec2:CreateTags", self.arn("ec2", f"{kind}/x-1"), ec2__createaction="RunInstances")
        linked = self.iam_arn(f"role/aws-service-role/{service}/{role}")
        self.needs("iam:CreateServiceLinkedRole", linked, iam__awsservicename=service)

    def ec2(self, action, said, _):
        operation = action.split(":")[1]
        if operation.startswith("Describe"):
            return self.needs(action)
        kind = next(kind for word, kind in [("LaunchTemplate", "launch-template"), ("PlacementGroup", "placement-group"),
                                            ("SecurityGroup", "security-group")] if word in operation)
        # A placement group is called by its name.
        arn = self.arn("ec2", f"{kind}/{said['GroupName'] if kind == 'placement-group' else 'x-1'}")
        if "TagSpecification.1.Tag.1.Key" not in said:
            return self.needs(action, arn, tags=OWNER)
        request = {said["TagSpecification.1.Tag.1.Key"]: said["TagSpecification.1.Tag.1.Value"]}
        self.needs(action, arn, request=request)
        self.needs("ec2:CreateTags", arn, request=request, ec2__createaction=operation)
        if "VpcId" in said:
            self.needs(action, self.arn("ec2", f"vpc/{said['VpcId']}"))

    def autoscaling(self, action, said, _):
        if ":Describe" in action:
            return self.needs(action)
        name = said.get("AutoScalingGroupName") or said["Tags.member.1.ResourceId"]
        arn = self.arn("autoscaling", f"autoScalingGroup:uuid:autoScalingGroupName/{name}")
        self.needs(action, arn)
        if action == "autoscaling:CreateAutoScalingGroup":
            self.needs("autoscaling:CreateOrUpdateTags", arn)
            self.launches("autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling")

    def servicequotas(self, action, *_):
        self.needs(action)

    def s3(self, action, _, path):
        self.needs(action, f"arn:aws:s3:::{path.strip('/').split('/')[0]}")

    def unused(self):
        statements = [statement for policy in self.policies for statement in policy["Statement"]]
        allowed = {action for statement in statements for action in statement["Action"]}
        return sorted(allowed - self.used)


def main():
    folder, path, account = sys.argv[1:]
    with open(path) as file:
        calls = json.load(file)
    judge = Judge(folder, account)
    for call in calls:
        judge.call(call)
    if judge.wrong:
        sys.exit("not allowed:\n" + "\n".join(sorted(set(judge.wrong))))
    if judge.unused():
        sys.exit(f"allowed, and never needed: {judge.unused()}")
    print(len(calls), "calls,", len(judge.used), "actions, each allowed and needed")


if __name__ == "__main__":
    main()
