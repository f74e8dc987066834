{{/* Names of objects. Every component's name ends in the component, so that two of them never collide. */}}

{{- define "floe-platform.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The stem of all names: the release's name where it contains the chart's name or is its first part ("floe" of
"floe-platform"), else release and chart.
*/}}
{{- define "floe-platform.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "floe-platform.name" . }}
{{- if or (contains $name .Release.Name) (hasPrefix (printf "%s-" .Release.Name) $name) }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of one component's objects. The stem is cut, never the component.
Pass max 51 for what Kubernetes appends to (StatefulSet, CronJob); the dash comes on top.
(dict "context" $ "component" "retention" "max" 51)
*/}}
{{- define "floe-platform.componentName" -}}
{{- $room := sub (default 62 .max) (len .component) | int }}
{{- printf "%s-%s" (include "floe-platform.fullname" .context | trunc $room | trimSuffix "-") .component }}
{{- end }}

{{- define "floe-platform.webserverName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "dagster-webserver") }}
{{- end }}
{{- define "floe-platform.daemonName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "dagster-daemon") }}
{{- end }}
{{- define "floe-platform.dagsterInstanceName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "dagster-instance") }}
{{- end }}
{{- define "floe-platform.polarisName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "polaris") }}
{{- end }}
{{- define "floe-platform.postgresqlName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "postgresql" "max" 51) }}
{{- end }}
{{- define "floe-platform.marquezName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "marquez") }}
{{- end }}
{{- define "floe-platform.marquezWebName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "marquez-web") }}
{{- end }}
{{/* By the release alone: values of the collector, which know nothing of this chart's names, point to it. */}}
{{- define "floe-platform.jaegerName" -}}
{{- printf "%s-jaeger" .Release.Name }}
{{- end }}
{{- define "floe-platform.grafanaName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "grafana") }}
{{- end }}
{{- define "floe-platform.testsName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "tests") }}
{{- end }}

{{/* ServiceAccount of everything that does not talk to the Kubernetes API. */}}
{{- define "floe-platform.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "floe-platform.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}
