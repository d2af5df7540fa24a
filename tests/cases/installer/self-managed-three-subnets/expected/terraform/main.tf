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
  instance_type = "p5en.48xlarge"
  ebs_optimized = true
  update_default_version = true
  user_data = filebase64("${path.module}/user-data.mime")
  tags = {
    "gpunode.io/cluster" = "research"
  }
  image_id = "ami-0123456789abcdef0"

  iam_instance_profile {
    name = aws_iam_instance_profile.gpu_node.name
  }

  metadata_options {
    http_endpoint = "enabled"
    http_tokens = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags = "disabled"
  }

  block_device_mappings {
    device_name = "/dev/sda1"

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
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000a"
  }

  network_interfaces {
    network_card_index = 1
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 2
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 3
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 4
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 5
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 6
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 7
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000b"
  }

  network_interfaces {
    network_card_index = 8
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 9
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 10
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 11
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 12
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 13
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 14
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  network_interfaces {
    network_card_index = 15
    device_index = 1
    interface_type = "efa"
    delete_on_termination = true
    associate_public_ip_address = false
    security_groups = ["sg-0000000000000000a", "sg-0000000000000000b"]
    subnet_id = "subnet-0000000000000000c"
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
      "kubernetes.io/cluster/research" = "owned"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
      "kubernetes.io/cluster/research" = "owned"
    }
  }

  tag_specifications {
    resource_type = "network-interface"
    tags = {
      "Name" = "research-gpu-compute"
      "gpunode.io/cluster" = "research"
      "kubernetes.io/cluster/research" = "owned"
    }
  }

  instance_market_options {
    market_type = "spot"
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

resource "aws_autoscaling_group" "gpu" {
  name = "gpu-compute"
  min_size = 0
  desired_capacity = 0
  max_size = 10
  vpc_zone_identifier = ["subnet-0000000000000000a"]

  launch_template {
    id = aws_launch_template.gpu.id
    version = aws_launch_template.gpu.latest_version
  }

  tag {
    key = "gpunode.io/cluster"
    value = "research"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/enabled"
    value = "true"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/node-template/label/eks.amazonaws.com/compute-type"
    value = "gpu"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/node-template/label/nvidia.com/gpu"
    value = "true"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/node-template/resources/vpc.amazonaws.com/efa"
    value = "16"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/node-template/taint/nvidia.com/gpu"
    value = "true:NoSchedule"
    propagate_at_launch = false
  }

  tag {
    key = "k8s.io/cluster-autoscaler/research"
    value = "owned"
    propagate_at_launch = false
  }

  tag {
    key = "kubernetes.io/cluster/research"
    value = "owned"
    propagate_at_launch = false
  }

  lifecycle {
    ignore_changes = [desired_capacity]
  }
}

resource "aws_iam_instance_profile" "gpu_node" {
  name = aws_iam_role.gpu_node.name
  role = aws_iam_role.gpu_node.name
  tags = {
    "gpunode.io/cluster" = "research"
  }
}

resource "aws_eks_access_entry" "gpu_node" {
  cluster_name = "research"
  principal_arn = aws_iam_role.gpu_node.arn
  type = "EC2_LINUX"
  tags = {
    "gpunode.io/cluster" = "research"
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
