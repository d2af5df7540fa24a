# Made by `installer render terraform`; the settings are the source.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

provider "aws" {
  region = "us-west-2"
}

resource "aws_launch_template" "gpu" {
  name = "research-research-b300"
  instance_type = "p6-b300.48xlarge"
  ebs_optimized = true
  update_default_version = true
  user_data = filebase64("${path.module}/user-data.mime")
  tags = {
    "gpunode.io/cluster" = "research"
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens = "required"
    http_put_response_hop_limit = 2
    instance_metadata_tags = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type = "gp3"
      volume_size = 200
      iops = 3000
      throughput = 125
      encrypted = true
      delete_on_termination = true
    }
  }

  block_device_mappings {
    device_name = "/dev/sdf"

    ebs {
      volume_type = "gp3"
      volume_size = 1000
      iops = 16000
      throughput = 1000
      encrypted = true
      delete_on_termination = true
    }
  }

  network_interfaces {
    network_card_index = 0
    device_index = 0
    interface_type = "interface"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 1
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 2
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 3
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 4
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 5
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 6
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 7
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 8
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 9
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 10
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 11
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 12
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 13
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 14
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 15
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  network_interfaces {
    network_card_index = 16
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      "Name" = "research-research-b300"
      "gpunode.io/cluster" = "research"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      "Name" = "research-research-b300"
      "gpunode.io/cluster" = "research"
    }
  }

  tag_specifications {
    resource_type = "network-interface"
    tags = {
      "Name" = "research-research-b300"
      "gpunode.io/cluster" = "research"
    }
  }

  placement {
    group_name = "research-b300"
  }
}

resource "aws_iam_role" "gpu_node" {
  name = "research-gpu-node"
  assume_role_policy = file("${path.module}/policies/ec2-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "gpu_node" {
  for_each = toset(["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly","arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy","arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy","arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"])
  role = aws_iam_role.gpu_node.name
  policy_arn = each.value
}

resource "aws_eks_node_group" "research_b300" {
  cluster_name = "research"
  node_group_name = "research-b300"
  node_role_arn = aws_iam_role.gpu_node.arn
  subnet_ids = ["subnet-0000000000000000a"]
  capacity_type = "ON_DEMAND"
  labels = {
    "nvidia.com/gpu" = "true"
  }
  tags = {
    "gpunode.io/cluster" = "research"
    "k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa" = "16"
  }
  ami_type = "AL2023_x86_64_NVIDIA"
  depends_on = [aws_iam_role_policy_attachment.gpu_node]

  launch_template {
    id = aws_launch_template.gpu.id
    version = aws_launch_template.gpu.latest_version
  }

  scaling_config {
    min_size = 0
    desired_size = 0
    max_size = 10
  }

  taint {
    key = "nvidia.com/gpu"
    value = "true"
    effect = "NO_SCHEDULE"
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}

resource "aws_eks_addon" "eks_pod_identity_agent" {
  cluster_name = "research"
  addon_name = "eks-pod-identity-agent"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_eks_addon" "aws_ebs_csi_driver" {
  cluster_name = "research"
  addon_name = "aws-ebs-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags = {
    "gpunode.io/cluster" = "research"
  }
  configuration_values = "{\"controller\":{\"k8sTagClusterId\":\"research\"}}"
}

resource "aws_eks_addon" "aws_efs_csi_driver" {
  cluster_name = "research"
  addon_name = "aws-efs-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_eks_addon" "aws_fsx_csi_driver" {
  cluster_name = "research"
  addon_name = "aws-fsx-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags = {
    "gpunode.io/cluster" = "research"
  }
  configuration_values = "{\"controller\":{\"extraTags\":{\"gpunode.io/cluster\":\"research\"}}}"
}

resource "aws_eks_addon" "aws_mountpoint_s3_csi_driver" {
  cluster_name = "research"
  addon_name = "aws-mountpoint-s3-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "ebs_csi" {
  name = "research-ebs-csi"
  assume_role_policy = file("${path.module}/policies/ebs-csi-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "ebs_csi" {
  name = "research-ebs-csi"
  policy = file("${path.module}/policies/ebs-csi.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "ebs_csi" {
  role = aws_iam_role.ebs_csi.name
  policy_arn = aws_iam_policy.ebs_csi.arn
}

resource "aws_eks_pod_identity_association" "ebs_csi_controller_sa" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "ebs-csi-controller-sa"
  role_arn = aws_iam_role.ebs_csi.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "load_balancer_controller" {
  name = "research-load-balancer-controller"
  assume_role_policy = file("${path.module}/policies/load-balancer-controller-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "load_balancer_controller" {
  name = "research-load-balancer-controller"
  policy = file("${path.module}/policies/load-balancer-controller.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "load_balancer_controller" {
  role = aws_iam_role.load_balancer_controller.name
  policy_arn = aws_iam_policy.load_balancer_controller.arn
}

resource "aws_iam_policy" "load_balancer_controller_look" {
  name = "research-load-balancer-controller-look"
  policy = file("${path.module}/policies/load-balancer-controller-look.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "load_balancer_controller_look" {
  role = aws_iam_role.load_balancer_controller.name
  policy_arn = aws_iam_policy.load_balancer_controller_look.arn
}

resource "aws_eks_pod_identity_association" "aws_load_balancer_controller" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "aws-load-balancer-controller"
  role_arn = aws_iam_role.load_balancer_controller.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "cluster_autoscaler" {
  name = "research-cluster-autoscaler"
  assume_role_policy = file("${path.module}/policies/cluster-autoscaler-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "cluster_autoscaler" {
  name = "research-cluster-autoscaler"
  policy = file("${path.module}/policies/cluster-autoscaler.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "cluster_autoscaler" {
  role = aws_iam_role.cluster_autoscaler.name
  policy_arn = aws_iam_policy.cluster_autoscaler.arn
}

resource "aws_eks_pod_identity_association" "cluster_autoscaler" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "cluster-autoscaler"
  role_arn = aws_iam_role.cluster_autoscaler.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "karpenter" {
  name = "research-karpenter"
  assume_role_policy = file("${path.module}/policies/karpenter-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "karpenter_node_lifecycle" {
  name = "research-karpenter-node-lifecycle"
  policy = file("${path.module}/policies/karpenter-node-lifecycle.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_node_lifecycle" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_node_lifecycle.arn
}

resource "aws_iam_policy" "karpenter_iam_integration" {
  name = "research-karpenter-iam-integration"
  policy = file("${path.module}/policies/karpenter-iam-integration.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_iam_integration" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_iam_integration.arn
}

resource "aws_iam_policy" "karpenter_eks_integration" {
  name = "research-karpenter-eks-integration"
  policy = file("${path.module}/policies/karpenter-eks-integration.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_eks_integration" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_eks_integration.arn
}

resource "aws_iam_policy" "karpenter_interruption" {
  name = "research-karpenter-interruption"
  policy = file("${path.module}/policies/karpenter-interruption.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_interruption" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_interruption.arn
}

resource "aws_iam_policy" "karpenter_zonal_shift" {
  name = "research-karpenter-zonal-shift"
  policy = file("${path.module}/policies/karpenter-zonal-shift.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_zonal_shift" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_zonal_shift.arn
}

resource "aws_iam_policy" "karpenter_resource_discovery" {
  name = "research-karpenter-resource-discovery"
  policy = file("${path.module}/policies/karpenter-resource-discovery.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_resource_discovery" {
  role = aws_iam_role.karpenter.name
  policy_arn = aws_iam_policy.karpenter_resource_discovery.arn
}

resource "aws_eks_pod_identity_association" "karpenter" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "karpenter"
  role_arn = aws_iam_role.karpenter.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "efs_csi" {
  name = "research-efs-csi"
  assume_role_policy = file("${path.module}/policies/efs-csi-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "efs_csi" {
  name = "research-efs-csi"
  policy = file("${path.module}/policies/efs-csi.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "efs_csi" {
  role = aws_iam_role.efs_csi.name
  policy_arn = aws_iam_policy.efs_csi.arn
}

resource "aws_eks_pod_identity_association" "efs_csi_controller_sa" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "efs-csi-controller-sa"
  role_arn = aws_iam_role.efs_csi.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_eks_pod_identity_association" "efs_csi_node_sa" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "efs-csi-node-sa"
  role_arn = aws_iam_role.efs_csi.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "fsx_csi" {
  name = "research-fsx-csi"
  assume_role_policy = file("${path.module}/policies/fsx-csi-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "fsx_csi" {
  name = "research-fsx-csi"
  policy = file("${path.module}/policies/fsx-csi.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "fsx_csi" {
  role = aws_iam_role.fsx_csi.name
  policy_arn = aws_iam_policy.fsx_csi.arn
}

resource "aws_eks_pod_identity_association" "fsx_csi_controller_sa" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "fsx-csi-controller-sa"
  role_arn = aws_iam_role.fsx_csi.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "s3_csi" {
  name = "research-s3-csi"
  assume_role_policy = file("${path.module}/policies/s3-csi-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_policy" "s3_csi" {
  name = "research-s3-csi"
  policy = file("${path.module}/policies/s3-csi.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "s3_csi" {
  role = aws_iam_role.s3_csi.name
  policy_arn = aws_iam_policy.s3_csi.arn
}

resource "aws_eks_pod_identity_association" "s3_csi_driver_sa" {
  cluster_name = "research"
  namespace = "kube-system"
  service_account = "s3-csi-driver-sa"
  role_arn = aws_iam_role.s3_csi.arn
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role" "karpenter_node" {
  name = "research-karpenter-node"
  assume_role_policy = file("${path.module}/policies/ec2-trust.json")
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_iam_role_policy_attachment" "karpenter_node" {
  for_each = toset(["arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly","arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy","arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy","arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"])
  role = aws_iam_role.karpenter_node.name
  policy_arn = each.value
}

resource "aws_eks_access_entry" "karpenter_node" {
  cluster_name = "research"
  principal_arn = aws_iam_role.karpenter_node.arn
  type = "EC2_LINUX"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_sqs_queue" "karpenter" {
  name = "research"
  message_retention_seconds = 300
  sqs_managed_sse_enabled = true
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_sqs_queue_policy" "karpenter" {
  queue_url = aws_sqs_queue.karpenter.url
  policy = file("${path.module}/policies/karpenter-queue.json")
}

resource "aws_cloudwatch_event_rule" "karpenter_health" {
  name = "research-karpenter-health"
  event_pattern = "{\"detail-type\":[\"AWS Health Event\"],\"source\":[\"aws.health\"]}"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_cloudwatch_event_target" "karpenter_health" {
  rule = aws_cloudwatch_event_rule.karpenter_health.name
  arn = aws_sqs_queue.karpenter.arn
}

resource "aws_cloudwatch_event_rule" "karpenter_spot_interruption" {
  name = "research-karpenter-spot-interruption"
  event_pattern = "{\"detail-type\":[\"EC2 Spot Instance Interruption Warning\"],\"source\":[\"aws.ec2\"]}"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_cloudwatch_event_target" "karpenter_spot_interruption" {
  rule = aws_cloudwatch_event_rule.karpenter_spot_interruption.name
  arn = aws_sqs_queue.karpenter.arn
}

resource "aws_cloudwatch_event_rule" "karpenter_rebalance" {
  name = "research-karpenter-rebalance"
  event_pattern = "{\"detail-type\":[\"EC2 Instance Rebalance Recommendation\"],\"source\":[\"aws.ec2\"]}"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_cloudwatch_event_target" "karpenter_rebalance" {
  rule = aws_cloudwatch_event_rule.karpenter_rebalance.name
  arn = aws_sqs_queue.karpenter.arn
}

resource "aws_cloudwatch_event_rule" "karpenter_state_change" {
  name = "research-karpenter-state-change"
  event_pattern = "{\"detail-type\":[\"EC2 Instance State-change Notification\"],\"source\":[\"aws.ec2\"]}"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_cloudwatch_event_target" "karpenter_state_change" {
  rule = aws_cloudwatch_event_rule.karpenter_state_change.name
  arn = aws_sqs_queue.karpenter.arn
}

resource "aws_cloudwatch_event_rule" "karpenter_capacity_reservation" {
  name = "research-karpenter-capacity-reservation"
  event_pattern = "{\"detail-type\":[\"EC2 Capacity Reservation Instance Interruption Warning\"],\"source\":[\"aws.ec2\"]}"
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_cloudwatch_event_target" "karpenter_capacity_reservation" {
  rule = aws_cloudwatch_event_rule.karpenter_capacity_reservation.name
  arn = aws_sqs_queue.karpenter.arn
}
