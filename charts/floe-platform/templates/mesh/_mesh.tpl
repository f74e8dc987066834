{{/*
What a service mesh wants on pods. Sidecars of Kubernetes (initContainers that restart always) let Jobs end and init
containers speak; without them (serviceMesh.nativeSidecars false) Jobs stay outside the mesh and the waits go around it.
*/}}

{{/* (dict "context" $ "job" false) */}}
{{- define "floe-platform.meshLabels" -}}
{{- $mesh := .context.Values.serviceMesh }}
{{- if and $mesh.enabled (eq $mesh.type "istio") }}
sidecar.istio.io/inject: {{ or (not .job) $mesh.nativeSidecars | quote }}
{{- end }}
{{- end }}

{{- define "floe-platform.meshAnnotations" -}}
{{- $mesh := .context.Values.serviceMesh }}
{{- if $mesh.enabled }}
{{- $inside := or (not .job) $mesh.nativeSidecars }}
{{- if eq $mesh.type "linkerd" }}
linkerd.io/inject: {{ ternary "enabled" "disabled" $inside }}
{{- if $inside }}
config.linkerd.io/opaque-ports: "5432"
{{- if $mesh.nativeSidecars }}
config.beta.linkerd.io/proxy-enable-native-sidecar: "true"
{{- else }}
config.linkerd.io/skip-outbound-ports: {{ include "floe-platform.waitedPorts" .context | quote }}
{{- end }}
{{- end }}
{{- else if $inside }}
{{- if $mesh.nativeSidecars }}
sidecar.istio.io/nativeSidecar: "true"
{{- else }}
traffic.sidecar.istio.io/excludeOutboundPorts: {{ include "floe-platform.waitedPorts" .context | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Ports that init containers wait for. */}}
{{- define "floe-platform.waitedPorts" -}}
{{- include "floe-platform.databasePort" . }},{{ .Values.marquez.service.port }}
{{- end }}

{{/* HTTP services that the mesh routes, as a YAML list of {component, service, port}. */}}
{{- define "floe-platform.meshServices" -}}
{{- if .Values.dagster.enabled }}
- {component: dagster-webserver, service: {{ include "floe-platform.webserverName" . }}, port: {{ .Values.dagster.webserver.service.port }}}
{{- end }}
{{- if .Values.polaris.enabled }}
- {component: polaris, service: {{ include "floe-platform.polarisName" . }}, port: {{ .Values.polaris.service.port }}}
{{- end }}
{{- if .Values.marquez.enabled }}
- {component: marquez, service: {{ include "floe-platform.marquezName" . }}, port: {{ .Values.marquez.service.port }}}
{{- end }}
{{- if include "floe-platform.grafanaEnabled" . }}
- {component: grafana, service: {{ include "floe-platform.grafanaName" . }}, port: {{ .Values.grafana.service.port }}}
{{- end }}
{{- end }}

{{/* What Linkerd reads on Services, where Istio has objects of its own. */}}
{{- define "floe-platform.meshServiceAnnotations" -}}
{{- $mesh := .Values.serviceMesh }}
{{- if and $mesh.enabled (eq $mesh.type "linkerd") -}}
retry.linkerd.io/http: gateway-error
retry.linkerd.io/limit: {{ $mesh.retries | quote }}
timeout.linkerd.io/request: {{ $mesh.timeout }}
balancer.linkerd.io/failure-accrual: consecutive
{{- end }}
{{- end }}

{{/* Annotations of a Service, with their key. (dict "context" $ "annotations" .Values.x.service.annotations) */}}
{{- define "floe-platform.serviceAnnotations" -}}
{{- with merge dict .annotations (include "floe-platform.meshServiceAnnotations" .context | fromYaml) -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
