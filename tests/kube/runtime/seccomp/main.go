// Command seccomp prints the system calls that containerd lets a container make whose profile is RuntimeDefault
// (linux.seccomp of the OCI runtime specification). Its arguments are the container's capabilities.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
)

func main() {
	container := &specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: os.Args[1:]}}}
	if err := json.NewEncoder(os.Stdout).Encode(seccomp.DefaultProfile(container)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
