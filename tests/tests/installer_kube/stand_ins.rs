//! Small charts that stand in for the real ones.

/// The charts of the DRA drivers, with the versions that are installed.
pub(crate) const DRIVERS: [(&str, &str); 2] = [("dra-driver-nvidia-gpu", "0.4.1"), ("aws-dranet", "1.0.0")];

/// Of a stand-in: the account that the real one has, too, and the values as they came.
pub(crate) const TEMPLATE: &str = "apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Chart.Name }}, namespace: {{ .Release.Namespace }}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Chart.Name }}, namespace: {{ .Release.Namespace }}}
data: {values: {{ .Values | toJson | quote }}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Chart.Name }}}}
  template:
    metadata: {labels: {app: {{ .Chart.Name }}}}
    spec: {containers: [{name: it, image: none.invalid/none}]}
";

/// Of a stand-in of a DRA driver: its daemons, and the class that the real chart makes.
pub(crate) const DRIVER_TEMPLATE: &str = "apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Chart.Name }}, namespace: {{ .Release.Namespace }}}
data: {values: {{ .Values | toJson | quote }}}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: {{ .Chart.Name }}.stand-in}
spec: {selectors: [{cel: {expression: 'device.driver == \"none\"'}}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
  labels: {app.kubernetes.io/instance: {{ .Release.Name }}}
spec:
  selector: {matchLabels: {app: {{ .Chart.Name }}}}
  template:
    metadata: {labels: {app: {{ .Chart.Name }}}}
    spec: {containers: [{name: it, image: none.invalid/none}]}
";
