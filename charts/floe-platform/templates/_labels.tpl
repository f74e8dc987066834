{{/* Labels that select; they must never change. (dict "context" $ "component" "polaris") */}}
{{- define "floe-platform.selectorLabels" -}}
app.kubernetes.io/name: {{ include "floe-platform.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "floe-platform.chartLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels of objects. (dict "context" $ "component" "polaris") */}}
{{- define "floe-platform.labels" -}}
{{ include "floe-platform.chartLabels" .context }}
{{ include "floe-platform.selectorLabels" . }}
app.kubernetes.io/part-of: floe
{{- with .context.Values.global.environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Labels of pods: without chart and application version, so that a new chart version alone restarts nothing.
(dict "context" $ "component" "polaris" "labels" .Values.polaris.podLabels "job" false)
*/}}
{{- define "floe-platform.podLabels" -}}
{{ include "floe-platform.selectorLabels" . }}
app.kubernetes.io/part-of: floe
floe.dev/release: {{ .context.Release.Name }}
{{- with .context.Values.global.environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with include "floe-platform.meshLabels" . }}
{{ . | trim }}
{{- end }}
{{- with .labels }}
{{ tpl (toYaml .) $.context }}
{{- end }}
{{- end }}

{{/*
Annotations of pods, with their key; nothing at all where there are none.
(dict "context" $ "annotations" .Values.polaris.podAnnotations "checksums" (dict "config" "text to hash") "job" false)
*/}}
{{- define "floe-platform.podAnnotations" -}}
{{- $all := dict }}
{{- range $name, $text := .checksums }}
{{- $_ := set $all (printf "checksum/%s" $name) (sha256sum $text) }}
{{- end }}
{{- $all = merge $all (include "floe-platform.meshAnnotations" . | fromYaml) }}
{{- with .annotations }}
{{- $all = mergeOverwrite $all (tpl (toYaml .) $.context | fromYaml) }}
{{- end }}
{{- with $all }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
