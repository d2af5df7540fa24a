# Bakes an image of a GPU node: an EKS image, the agent, and what `gpunode-agent install` puts in place.
# The commands are in ../README.md.

packer {
  required_version = ">= 1.9.0"
  required_plugins {
    amazon = {
      source  = "github.com/hashicorp/amazon"
      version = ">= 1.3.0"
    }
  }
}

variable "os" {
  type        = string
  description = "The image to begin with: al2023, ubuntu-22.04 or ubuntu-24.04."
  default     = "al2023"
  validation {
    condition     = contains(["al2023", "ubuntu-22.04", "ubuntu-24.04"], var.os)
    error_message = "The os must be al2023, ubuntu-22.04 or ubuntu-24.04."
  }
}

variable "kubernetes_version" {
  type        = string
  description = "The cluster's Kubernetes version, for example 1.34; the kubelet is that of the EKS image."
}

variable "instance_families" {
  type        = list(string)
  description = "The families that the image is for, for example [\"p5\", \"p5en\"]; they need the same kernel module."
}

variable "architecture" {
  type        = string
  description = "x86_64 or arm64, as the families are."
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture must be x86_64 or arm64."
  }
}

variable "agent" {
  type        = string
  description = "The gpunode-agent binary on this machine, of the same architecture."
}

variable "config" {
  type        = string
  description = "A file for /etc/gpunode/agent.toml, which the bake and every boot read; empty: the defaults."
  default     = ""
}

variable "builder_instance_type" {
  type        = string
  description = "The instance that the image is made on. It needs no GPU, but time to build kernel modules."
  default     = "m6i.2xlarge"
}

variable "region" {
  type        = string
  description = "Where the image is made."
}

variable "subnet_id" {
  type        = string
  description = "The builder's subnet; empty: the default one."
  default     = ""
}

variable "root_volume_gib" {
  type        = number
  description = "Size of the root volume; no instance can have a smaller one."
  default     = 100
}

variable "kms_key_id" {
  type        = string
  description = "Key of the root volume; empty: the account's own for EBS."
  default     = ""
}

variable "source_parameter" {
  type        = string
  description = "SSM parameter with the id of the image to begin with; empty: by os, version and architecture."
  default     = ""
}

locals {
  version = var.kubernetes_version
  ubuntu  = var.architecture == "arm64" ? "arm64" : "amd64"
  # Amazon's image carries driver and EFA already; Canonical's has neither.
  parameters = {
    "al2023"       = "/aws/service/eks/optimized-ami/${local.version}/amazon-linux-2023/${var.architecture}/nvidia/recommended/image_id"
    "ubuntu-22.04" = "/aws/service/canonical/ubuntu/eks/22.04/${local.version}/stable/current/${local.ubuntu}/hvm/ebs-gp2/ami-id"
    "ubuntu-24.04" = "/aws/service/canonical/ubuntu/eks/24.04/${local.version}/stable/current/${local.ubuntu}/hvm/ebs-gp3/ami-id"
  }
  parameter = var.source_parameter != "" ? var.source_parameter : local.parameters[var.os]
  user      = var.os == "al2023" ? "ec2-user" : "ubuntu"
  root      = var.os == "al2023" ? "/dev/xvda" : "/dev/sda1"
  families  = join(",", var.instance_families)
  built     = formatdate("YYYYMMDD-hhmmss", timestamp())
  tags = {
    "gpunode:os"                = var.os
    "gpunode:kubernetes"        = local.version
    "gpunode:instance-families" = join(" ", var.instance_families)
    "gpunode:source-image"      = data.amazon-parameterstore.source.value
  }
}

data "amazon-parameterstore" "source" {
  name   = local.parameter
  region = var.region
}

source "amazon-ebs" "node" {
  ami_name        = "gpunode-${var.os}-${local.version}-${var.architecture}-${local.built}"
  ami_description = "EKS ${local.version} GPU node on ${var.os}, prepared by gpunode-agent for ${local.families}"
  source_ami      = data.amazon-parameterstore.source.value
  instance_type   = var.builder_instance_type
  region          = var.region
  subnet_id       = var.subnet_id
  ssh_username    = local.user
  # Not kept in the image: `generalise` removes it, too.
  ssh_clear_authorized_keys = true

  # The builder, and every instance of the image unless its launch template says otherwise.
  imds_support = "v2.0"
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  launch_block_device_mappings {
    device_name           = local.root
    volume_type           = "gp3"
    volume_size           = var.root_volume_gib
    encrypted             = true
    kms_key_id            = var.kms_key_id
    delete_on_termination = true
  }

  tags            = local.tags
  snapshot_tags   = local.tags
  run_tags        = merge(local.tags, { "Name" = "gpunode image builder" })
  run_volume_tags = local.tags
}

build {
  sources = ["source.amazon-ebs.node"]

  provisioner "file" {
    source      = var.agent
    destination = "/tmp/gpunode-agent"
  }

  # An empty file says that there are no settings.
  provisioner "file" {
    content     = var.config == "" ? "" : file(var.config)
    destination = "/tmp/agent.toml"
  }

  provisioner "shell" {
    inline_shebang = "/bin/sh -eux"
    inline = [
      "cloud-init status --wait || true",
      "if [ -s /tmp/agent.toml ]; then sudo install -D -m 0644 /tmp/agent.toml /etc/gpunode/agent.toml; fi",
      "chmod 0755 /tmp/gpunode-agent",
      "sudo /tmp/gpunode-agent install --instance-family ${local.families}",
      "sudo cp /etc/gpunode/image.json /tmp/image.json",
      "sudo chmod 0644 /tmp/image.json",
    ]
  }

  provisioner "file" {
    direction   = "download"
    source      = "/tmp/image.json"
    destination = "image-${var.os}-${local.version}-${var.architecture}.json"
  }

  # The last thing: what follows would leave traces of its own.
  provisioner "shell" {
    inline_shebang = "/bin/sh -eux"
    inline = [
      "rm -f /tmp/gpunode-agent /tmp/agent.toml /tmp/image.json",
      "sudo /usr/local/bin/gpunode-agent generalise",
    ]
  }

  post-processor "manifest" {
    output     = "packer-manifest.json"
    strip_path = true
    custom_data = {
      os                 = var.os
      kubernetes_version = local.version
      instance_families  = local.families
      image_record       = "image-${var.os}-${local.version}-${var.architecture}.json"
    }
  }
}
