{{- define "gpunode.name" -}}
gpunode-daemonset
{{- end -}}

{{- define "gpunode.selector" -}}
app.kubernetes.io/name: gpunode-daemonset
{{- end -}}

{{- define "gpunode.labels" -}}
{{ include "gpunode.selector" . }}
app.kubernetes.io/part-of: gpunode
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end -}}

{{- define "gpunode.conditions" -}}
['GPUHealthy', 'EFAHealthy', 'NodeStorageHealthy', 'NodeBootstrapped'
{{- if .Values.eksRepair }}, 'AcceleratedHardwareReady', 'NetworkingReady', 'StorageReady'{{ end }}]
{{- end -}}

{{- define "gpunode.runtimeClass" -}}
{{- .Values.runtimeClassName | default (eq .Values.devices "runtimeClass" | ternary "nvidia" "") -}}
{{- end -}}

{{- define "gpunode.check" -}}
{{- if not (has .Values.devices (list "cdi" "privileged" "runtimeClass")) }}
{{- fail (printf "devices is %q; it can be cdi, privileged or runtimeClass" .Values.devices) }}
{{- end }}
{{- if not (has .Values.monitor (list "none" "pod" "service")) }}
{{- fail (printf "monitor is %q; it can be none, pod or service" .Values.monitor) }}
{{- end }}
{{- end -}}
