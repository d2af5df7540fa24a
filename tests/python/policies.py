"""What the rendered IAM policies allow and what they do not, by ministack's policy evaluator.

The evaluator is that of an emulator (PyPI: ministack), written from IAM's documentation: it knows conditions, set
operators and wildcards. IAM itself is asked nowhere. An action on several resources is allowed by IAM only if it is
on each, so such a call is one row for each resource.

Each row: decision, policies, action, resource, and what the request knows: `request` tags, the resource's `tags`, `context`.
"""

import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

ACCOUNT, REGION, CLUSTER = "012345678901", "us-west-2", "research"
OURS = {f"kubernetes.io/cluster/{CLUSTER}": "owned"}
OTHERS = {"kubernetes.io/cluster/other": "owned"}
POOL = {"karpenter.sh/nodepool": "gpu"}
KARPENTER_OURS = {**OURS, **POOL, "eks:eks-cluster-name": CLUSTER}
KARPENTER_OTHERS = {**OTHERS, **POOL, "eks:eks-cluster-name": "other"}
LB_OURS = {"elbv2.k8s.aws/cluster": CLUSTER}
LB_OTHERS = {"elbv2.k8s.aws/cluster": "other"}
FSX_OURS = {"gpunode.io/cluster": CLUSTER}
FSX_OTHERS = {"gpunode.io/cluster": "other"}
EFS = {"efs.csi.aws.com/cluster": "true"}
PROFILE = {"topology.kubernetes.io/region": REGION, "karpenter.k8s.aws/ec2nodeclass": "gpu"}
SCALED = {f"k8s.io/cluster-autoscaler/{CLUSTER}": "owned"}
SCALED_OTHERS = {"k8s.io/cluster-autoscaler/other": "owned"}

# Given by `installer s3-csi add`; the test writes it beside what is rendered.
ADDED = "s3-csi-added"

KARPENTER = [
    "karpenter-node-lifecycle",
    "karpenter-iam-integration",
    "karpenter-eks-integration",
    "karpenter-interruption",
    "karpenter-zonal-shift",
    "karpenter-resource-discovery",
]
LB = ["load-balancer-controller", "load-balancer-controller-look"]


def ec2(rest, account=ACCOUNT, region=REGION):
    return f"arn:aws:ec2:{region}:{account}:{rest}"


def elb(rest):
    return f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:{rest}"


def fsx(rest):
    return f"arn:aws:fsx:{REGION}:{ACCOUNT}:{rest}"


def efs(rest):
    return f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:{rest}"


def iam(rest):
    return f"arn:aws:iam::{ACCOUNT}:{rest}"


def asg(name):
    return f"arn:aws:autoscaling:{REGION}:{ACCOUNT}:autoScalingGroup:uuid:autoScalingGroupName/{name}"


def row(decision, policies, action, resource="*", **more):
    names = policies if isinstance(policies, list) else [policies]
    return decision, names, action, resource, more


def allow(*words, **more):
    return row("Allow", *words, **more)


def deny(*words, **more):
    return row("ImplicitDeny", *words, **more)


INSTANCE, VOLUME = ec2("instance/i-1"), ec2("volume/vol-1")
SNAPSHOT = ec2("snapshot/snap-1", account="")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{CLUSTER}"
CREATED = {"ec2:CreateAction": "RunInstances"}

def prefix(text):
    return {"s3:prefix": text}


S3_ADDED = [
    allow(ADDED, "s3:ListBucket", "arn:aws:s3:::data"),
    allow(ADDED, "s3:ListBucket", "arn:aws:s3:::more"),
    allow(ADDED, "s3:DeleteObject", "arn:aws:s3:::more/a"),
    allow(ADDED, "s3:ListBucket", "arn:aws:s3:::other", context=prefix("a/")),
    allow(ADDED, "s3:ListBucket", "arn:aws:s3:::other", context=prefix("b/c/d/")),
    allow(ADDED, "s3:PutObject", "arn:aws:s3:::other/a/x"),
    deny(ADDED, "s3:ListBucket", "arn:aws:s3:::other"),
    deny(ADDED, "s3:ListBucket", "arn:aws:s3:::other", context=prefix("")),
    deny(ADDED, "s3:ListBucket", "arn:aws:s3:::other", context=prefix("ab/")),
    deny(ADDED, "s3:ListBucket", "arn:aws:s3:::other2", context=prefix("a/")),
    deny(ADDED, "s3:GetObject", "arn:aws:s3:::other/ab/x"),
    deny(ADDED, "s3:GetObject", "arn:aws:s3:::other/b/x"),
    deny(ADDED, "s3:GetObject", "arn:aws:s3:::more2/a"),
    deny(ADDED, "s3:DeleteBucket", "arn:aws:s3:::more"),
    deny(ADDED, "s3:ListAllMyBuckets"),
]

# Of whoever runs the installer.
CALLER = ["installer-cluster", "installer-gpu", "installer-iam"]
CALLER_OURS, CALLER_OTHERS = ({"gpunode.io/cluster": f"{REGION}/{name}/gpu-compute"} for name in (CLUSTER, "other"))
PASSED = {"iam:PassedToService": "pods.eks.amazonaws.com"}
NODE_POLICY = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"

CALLER_ROWS = [
    allow(CALLER, "iam:CreateRole", iam("role/research-ebs-csi")),
    deny(CALLER, "iam:CreateRole", iam("role/research-2-ebs-csi")),
    deny(CALLER, "iam:UpdateAssumeRolePolicy", iam("role/admin")),
    deny(CALLER, "iam:PutRolePolicy", iam("role/research-ebs-csi")),
    allow(CALLER, "iam:AttachRolePolicy", iam("role/research-ebs-csi"), context={"iam:PolicyARN": iam("policy/research-ebs-csi")}),
    allow(CALLER, "iam:AttachRolePolicy", iam("role/research-karpenter-node"), context={"iam:PolicyARN": NODE_POLICY}),
    deny(CALLER, "iam:AttachRolePolicy", iam("role/research-ebs-csi"), context={"iam:PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
    deny(CALLER, "iam:CreatePolicyVersion", iam("policy/admin")),
    allow(CALLER, "iam:PassRole", iam("role/research-ebs-csi"), context=PASSED),
    deny(CALLER, "iam:PassRole", iam("role/research-ebs-csi"), context={"iam:PassedToService": "lambda.amazonaws.com"}),
    deny(CALLER, "iam:PassRole", iam("role/admin"), context=PASSED),
    allow(CALLER, "eks:CreateAddon", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/research"),
    deny(CALLER, "eks:CreateAddon", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/other"),
    allow(CALLER, "eks:DeleteNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/research/gpu-compute-a/u"),
    deny(CALLER, "eks:DeleteNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/research/eks-utils/u"),
    allow(CALLER, "sqs:DeleteQueue", QUEUE),
    deny(CALLER, "sqs:DeleteQueue", QUEUE + "2"),
    allow(CALLER, "ec2:DeleteSecurityGroup", ec2("security-group/sg-1"), tags=CALLER_OURS),
    deny(CALLER, "ec2:DeleteSecurityGroup", ec2("security-group/sg-1"), tags=CALLER_OTHERS),
    deny(CALLER, "ec2:DeleteSecurityGroup", ec2("security-group/sg-1")),
    allow(CALLER, "ec2:CreateLaunchTemplate", ec2("launch-template/*"), request=CALLER_OURS),
    deny(CALLER, "ec2:CreateLaunchTemplate", ec2("launch-template/*")),
    deny(CALLER, "ec2:ModifyLaunchTemplate", ec2("launch-template/lt-1"), tags=CALLER_OTHERS),
    allow(CALLER, "ec2:RunInstances", INSTANCE, context={"ec2:LaunchTemplate": ec2("launch-template/lt-1")}),
    deny(CALLER, "ec2:RunInstances", INSTANCE),
    deny(CALLER, "ec2:CreateTags", INSTANCE, request=CALLER_OURS),
    # With a managed group nobody has to change Auto Scaling groups and instance profiles.
    deny(CALLER, "autoscaling:DeleteAutoScalingGroup", asg("research-gpu-compute")),
    deny(CALLER, "iam:DeleteInstanceProfile", iam("instance-profile/research-gpu-compute-node")),
    allow(CALLER, "ec2:DescribeSubnets"),
    deny(CALLER, "ec2:DescribeSubnets", region="eu-west-1"),
]

ROWS = [
    *CALLER_ROWS,
    # EBS: volumes of this cluster, attached to instances of this cluster.
    allow("ebs-csi", "ec2:DescribeVolumes"),
    deny("ebs-csi", "ec2:DescribeVolumes", region="eu-west-1"),
    allow("ebs-csi", "ec2:CreateVolume", VOLUME, request=OURS),
    deny("ebs-csi", "ec2:CreateVolume", VOLUME, request=OTHERS),
    deny("ebs-csi", "ec2:CreateVolume", VOLUME),
    allow("ebs-csi", "ec2:DeleteVolume", VOLUME, tags=OURS),
    deny("ebs-csi", "ec2:DeleteVolume", VOLUME, tags=OTHERS),
    deny("ebs-csi", "ec2:DeleteVolume", VOLUME),
    allow("ebs-csi", "ec2:ModifyVolume", VOLUME, tags=OURS),
    allow("ebs-csi", "ec2:AttachVolume", VOLUME, tags=OURS),
    allow("ebs-csi", "ec2:AttachVolume", INSTANCE, tags=OURS),
    deny("ebs-csi", "ec2:AttachVolume", INSTANCE, tags=OTHERS),
    deny("ebs-csi", "ec2:DetachVolume", VOLUME, tags=OTHERS),
    allow("ebs-csi", "ec2:CreateSnapshot", SNAPSHOT, request=OURS),
    allow("ebs-csi", "ec2:CreateSnapshot", VOLUME, tags=OURS),
    deny("ebs-csi", "ec2:CreateSnapshot", VOLUME, tags=OTHERS),
    deny("ebs-csi", "ec2:DeleteSnapshot", SNAPSHOT, tags=OTHERS),
    allow("ebs-csi", "ec2:CreateTags", VOLUME, request=OURS, context={"ec2:CreateAction": "CreateVolume"}),
    deny("ebs-csi", "ec2:CreateTags", VOLUME, request=OURS),
    deny("ebs-csi", "ec2:CreateTags", INSTANCE, request=OURS, context={"ec2:CreateAction": "CreateVolume"}),
    deny("ebs-csi", "ec2:TerminateInstances", INSTANCE, tags=OURS),
    # Load balancers of this cluster.
    allow(LB, "elasticloadbalancing:DescribeLoadBalancers"),
    allow(LB, "elasticloadbalancing:CreateLoadBalancer", elb("loadbalancer/app/a/1"), request=LB_OURS),
    deny(LB, "elasticloadbalancing:CreateLoadBalancer", elb("loadbalancer/app/a/1"), request=LB_OTHERS),
    allow(LB, "elasticloadbalancing:DeleteLoadBalancer", elb("loadbalancer/net/a/1"), tags=LB_OURS),
    deny(LB, "elasticloadbalancing:DeleteLoadBalancer", elb("loadbalancer/net/a/1"), tags=LB_OTHERS),
    deny(LB, "elasticloadbalancing:DeleteLoadBalancer", elb("loadbalancer/net/a/1")),
    allow(LB, "elasticloadbalancing:RegisterTargets", elb("targetgroup/a/1"), tags=LB_OURS),
    deny(LB, "elasticloadbalancing:RegisterTargets", elb("targetgroup/a/1"), tags=LB_OTHERS),
    allow(LB, "elasticloadbalancing:CreateListener", elb("loadbalancer/app/a/1"), tags=LB_OURS),
    allow(LB, "elasticloadbalancing:ModifyRule", elb("listener-rule/app/a/1/2/3"), tags=LB_OURS),
    deny(LB, "elasticloadbalancing:ModifyRule", elb("listener-rule/app/a/1/2/3"), tags=LB_OTHERS),
    allow(LB, "ec2:CreateSecurityGroup", ec2("security-group/*"), request=LB_OURS),
    allow(LB, "ec2:CreateSecurityGroup", ec2("vpc/vpc-0123456789abcdef0")),
    deny(LB, "ec2:CreateSecurityGroup", ec2("vpc/vpc-other")),
    allow(LB, "ec2:AuthorizeSecurityGroupIngress", ec2("security-group/sg-1"), tags=OURS),
    deny(LB, "ec2:AuthorizeSecurityGroupIngress", ec2("security-group/sg-1"), tags=OTHERS),
    deny(LB, "ec2:DeleteSecurityGroup", ec2("security-group/sg-1"), tags=OURS),
    allow(LB, "ec2:DeleteSecurityGroup", ec2("security-group/sg-1"), tags=LB_OURS),
    deny(LB, "iam:CreateServiceLinkedRole", iam("role/aws-service-role/eks.amazonaws.com/x"),
         context={"iam:AWSServiceName": "eks.amazonaws.com"}),
    deny(LB, "ec2:TerminateInstances", INSTANCE, tags=OURS),
    # Cluster Autoscaler: groups with the tag of this cluster.
    allow("cluster-autoscaler", "autoscaling:DescribeAutoScalingGroups"),
    allow("cluster-autoscaler", "autoscaling:SetDesiredCapacity", asg("a"), tags=SCALED),
    deny("cluster-autoscaler", "autoscaling:SetDesiredCapacity", asg("a"), tags=SCALED_OTHERS),
    deny("cluster-autoscaler", "autoscaling:SetDesiredCapacity", asg("a")),
    allow("cluster-autoscaler", "autoscaling:TerminateInstanceInAutoScalingGroup", asg("a"), tags=SCALED),
    deny("cluster-autoscaler", "autoscaling:TerminateInstanceInAutoScalingGroup", asg("a"), tags=SCALED_OTHERS),
    deny("cluster-autoscaler", "autoscaling:DeleteAutoScalingGroup", asg("a"), tags=SCALED),
    allow("cluster-autoscaler", "eks:DescribeNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/{CLUSTER}/a/1"),
    deny("cluster-autoscaler", "eks:DescribeNodegroup", f"arn:aws:eks:{REGION}:{ACCOUNT}:nodegroup/other/a/1"),
    # Karpenter: instances, templates and profiles of this cluster.
    allow(KARPENTER, "ec2:RunInstances", INSTANCE, request=KARPENTER_OURS),
    deny(KARPENTER, "ec2:RunInstances", INSTANCE, request=KARPENTER_OTHERS),
    deny(KARPENTER, "ec2:RunInstances", INSTANCE, request=OURS),
    allow(KARPENTER, "ec2:RunInstances", ec2("image/ami-1", account="")),
    allow(KARPENTER, "ec2:RunInstances", ec2("placement-group/a")),
    allow(KARPENTER, "ec2:CreateFleet", ec2("launch-template/lt-1"), tags=KARPENTER_OURS),
    deny(KARPENTER, "ec2:CreateFleet", ec2("launch-template/lt-1"), tags=KARPENTER_OTHERS),
    allow(KARPENTER, "ec2:CreateLaunchTemplate", ec2("launch-template/lt-1"), request=KARPENTER_OURS),
    deny(KARPENTER, "ec2:CreateLaunchTemplate", ec2("launch-template/lt-1"), request=KARPENTER_OTHERS),
    allow(KARPENTER, "ec2:TerminateInstances", INSTANCE, tags=KARPENTER_OURS),
    deny(KARPENTER, "ec2:TerminateInstances", INSTANCE, tags=KARPENTER_OTHERS),
    deny(KARPENTER, "ec2:TerminateInstances", INSTANCE, tags=OURS),
    deny(KARPENTER, "ec2:TerminateInstances", INSTANCE),
    deny(KARPENTER, "ec2:DeleteLaunchTemplate", ec2("launch-template/lt-1"), tags=KARPENTER_OTHERS),
    allow(KARPENTER, "ec2:CreateTags", INSTANCE, request=KARPENTER_OURS, context=CREATED),
    deny(KARPENTER, "ec2:CreateTags", INSTANCE, request=KARPENTER_OURS),
    allow(KARPENTER, "ec2:CreateTags", INSTANCE, request={"Name": "a"}, tags=KARPENTER_OURS),
    deny(KARPENTER, "ec2:CreateTags", INSTANCE, request={"Name": "a"}, tags=KARPENTER_OTHERS),
    deny(KARPENTER, "ec2:CreateTags", INSTANCE, request={"owner": "a"}, tags=KARPENTER_OURS),
    # Nobody takes over an instance of another cluster by tagging it first.
    deny(KARPENTER, "ec2:CreateTags", INSTANCE, request=KARPENTER_OURS, tags=KARPENTER_OTHERS),
    allow(KARPENTER, "iam:PassRole", iam(f"role/{CLUSTER}-karpenter-node"),
          context={"iam:PassedToService": "ec2.amazonaws.com"}),
    deny(KARPENTER, "iam:PassRole", iam("role/admin"), context={"iam:PassedToService": "ec2.amazonaws.com"}),
    deny(KARPENTER, "iam:PassRole", iam(f"role/{CLUSTER}-karpenter-node"),
         context={"iam:PassedToService": "lambda.amazonaws.com"}),
    allow(KARPENTER, "iam:CreateInstanceProfile", iam("instance-profile/a"),
          request={**OURS, **PROFILE, "eks:eks-cluster-name": CLUSTER}),
    deny(KARPENTER, "iam:CreateInstanceProfile", iam("instance-profile/a"),
         request={**OTHERS, **PROFILE, "eks:eks-cluster-name": "other"}),
    allow(KARPENTER, "iam:AddRoleToInstanceProfile", iam("instance-profile/a"), tags={**OURS, **PROFILE}),
    deny(KARPENTER, "iam:AddRoleToInstanceProfile", iam("instance-profile/a"), tags={**OTHERS, **PROFILE}),
    deny(KARPENTER, "iam:DeleteInstanceProfile", iam("instance-profile/a")),
    allow(KARPENTER, "eks:DescribeCluster", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{CLUSTER}"),
    deny(KARPENTER, "eks:DescribeCluster", f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/other"),
    allow(KARPENTER, "sqs:ReceiveMessage", QUEUE),
    deny(KARPENTER, "sqs:ReceiveMessage", QUEUE + "2"),
    deny(KARPENTER, "sqs:SendMessage", QUEUE),
    allow(KARPENTER, "ssm:GetParameter", f"arn:aws:ssm:{REGION}::parameter/aws/service/eks/x"),
    deny(KARPENTER, "ssm:GetParameter", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/secret"),
    # EFS: the driver's own access points.
    allow("efs-csi", "elasticfilesystem:CreateAccessPoint", efs("file-system/fs-1"), request=EFS),
    deny("efs-csi", "elasticfilesystem:CreateAccessPoint", efs("file-system/fs-1")),
    deny("efs-csi", "elasticfilesystem:CreateAccessPoint", efs("file-system/fs-1"), request={**EFS, "a": "b"}),
    allow("efs-csi", "elasticfilesystem:DeleteAccessPoint", efs("access-point/fsap-1"), tags=EFS),
    deny("efs-csi", "elasticfilesystem:DeleteAccessPoint", efs("access-point/fsap-1")),
    deny("efs-csi", "elasticfilesystem:DeleteFileSystem", efs("file-system/fs-1"), tags=EFS),
    # FSx: Lustre file systems and ONTAP volumes of this cluster.
    allow("fsx-csi", "fsx:CreateFileSystem", fsx("file-system/fs-1"), request=FSX_OURS),
    deny("fsx-csi", "fsx:CreateFileSystem", fsx("file-system/fs-1"), request=FSX_OTHERS),
    allow("fsx-csi", "fsx:DeleteFileSystem", fsx("file-system/fs-1"), tags=FSX_OURS),
    deny("fsx-csi", "fsx:DeleteFileSystem", fsx("file-system/fs-1"), tags=FSX_OTHERS),
    deny("fsx-csi", "fsx:DeleteFileSystem", fsx("file-system/fs-1")),
    allow("fsx-csi", "fsx:CreateVolume", fsx("volume/fs-1/fsvol-1"), request=FSX_OURS),
    allow("fsx-csi", "fsx:CreateVolume", fsx("storage-virtual-machine/fs-1/svm-1"), tags=FSX_OURS),
    deny("fsx-csi", "fsx:CreateVolume", fsx("storage-virtual-machine/fs-1/svm-1"), tags=FSX_OTHERS),
    deny("fsx-csi", "fsx:DeleteVolume", fsx("volume/fs-1/fsvol-1"), tags=FSX_OTHERS),
    # S3: the named buckets.
    allow("s3-csi", "s3:ListBucket", "arn:aws:s3:::data"),
    allow("s3-csi", "s3:GetObject", "arn:aws:s3:::models/a/b"),
    allow("s3-csi", "s3:PutObject", "arn:aws:s3:::data/a"),
    deny("s3-csi", "s3:ListBucket", "arn:aws:s3:::data2"),
    deny("s3-csi", "s3:GetObject", "arn:aws:s3:::data2/a"),
    deny("s3-csi", "s3:ListAllMyBuckets"),
    deny("s3-csi", "s3:DeleteBucket", "arn:aws:s3:::data"),
    deny("s3-csi", "s3:PutBucketPolicy", "arn:aws:s3:::data"),
    # S3: what `s3-csi add` gave beside the bucket `data`: the bucket `more`, and `other` under a/ and b/c/.
    *S3_ADDED,
]


def decide(folder, names, action, resource, more):
    policies = []
    for name in names:
        with open(f"{folder}/policies/{name}.json") as file:
            policies.append(parse_policy_document(json.load(file)))
    known = {f"aws:resourcetag/{key}".lower(): value for key, value in more.get("tags", {}).items()}
    known.update({key.lower(): value for key, value in more.get("context", {}).items()})
    request = more.get("request", {})
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/role/session",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=more.get("region", REGION),
        secure_transport=True,
        request_tags=request,
        tag_keys=list(request),
        service_context=known,
    )
    return evaluate(context, policies)


def main():
    (folder,) = sys.argv[1:]
    wrong = []
    for decision, names, action, resource, more in ROWS:
        result = decide(folder, names, action, resource, more)
        if result.decision != decision:
            wrong.append(f"{names[0]}: {action} on {resource} {more}: {result.decision} by {result.matched_sid!r}, not {decision}")
    # No role may do everything, whatever its policies say.
    for names in {tuple(row[1]) for row in ROWS}:
        for action in ("iam:CreateUser", "ec2:TerminateInstances", "s3:DeleteBucket", "eks:DeleteCluster"):
            if decide(folder, names, action, "arn:aws:any:us-west-2:012345678901:thing/x", {}).decision == "Allow":
                wrong.append(f"{names}: {action}")
    if wrong:
        sys.exit("\n".join(wrong))
    allowed = sum(row[0] == "Allow" for row in ROWS)
    print(f"{len(ROWS)} requests: {allowed} allowed, {len(ROWS) - allowed} denied, as they should be")


if __name__ == "__main__":
    main()
