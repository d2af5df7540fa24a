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
  name = "research-gpu-compute"
  instance_type = "p6e-gb200.36xlarge"
  ebs_optimized = true
  update_default_version = true
  user_data = filebase64("${path.module}/user-data.mime")
  tags = {
    "gpunode.io/cluster" = "research"
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens = "required"
    http_put_response_hop_limit = 1
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

  network_interfaces {
    network_card_index = 0
    device_index = 0
    interface_type = "interface"
    delete_on_termination = true
    associate_public_ip_address = false
  }

  network_interfaces {
    network_card_index = 1
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 2
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 3
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 4
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 5
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 6
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 7
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 8
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 9
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 10
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 11
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 12
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 13
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 14
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 15
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  network_interfaces {
    network_card_index = 16
    device_index = 0
    interface_type = "efa-only"
    delete_on_termination = true
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
    }
  }

  tag_specifications {
    resource_type = "network-interface"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
    }
  }

  instance_market_options {
    market_type = "capacity-block"
  }

  capacity_reservation_specification {
    capacity_reservation_target {
      capacity_reservation_id = "cr-0123456789abcdef0"
    }
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

resource "aws_eks_node_group" "gpu_compute" {
  cluster_name = "research"
  node_group_name = "gpu-compute"
  node_role_arn = aws_iam_role.gpu_node.arn
  subnet_ids = ["subnet-0000000000000000a"]
  capacity_type = "CAPACITY_BLOCK"
  labels = {
    "nvidia.com/gpu" = "true"
  }
  tags = {
    "gpunode.io/cluster" = "research"
    "k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa" = "16"
  }
  ami_type = "AL2023_ARM_64_NVIDIA"
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
    enabled = false
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
