// Read for its custom resource definitions, its chart and its list of calls: nothing is built of it.
module gpunode.io/tests/kube/karpenter

go 1.26.0

require github.com/aws/karpenter-provider-aws v1.14.0
