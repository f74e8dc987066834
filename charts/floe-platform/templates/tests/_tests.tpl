{{/*
Metadata of a test. A Pod rather than a Job, so that helm test --logs finds it; kept after the run, so that its log can
be read. One pod a test, so that the list of failures names what is broken.
(dict "context" $ "component" "test-dagster" "labels" .Values.tests.podLabels "annotations" .Values.tests.podAnnotations)
*/}}
{{- define "floe-platform.testMetadata" -}}
name: {{ include "floe-platform.componentName" . }}
namespace: {{ .context.Release.Namespace }}
labels:
  {{- include "floe-platform.chartLabels" .context | nindent 2 }}
  {{- include "floe-platform.podLabels" . | nindent 2 }}
annotations:
  helm.sh/hook: test
  helm.sh/hook-delete-policy: before-hook-creation
  {{- with include "floe-platform.meshAnnotations" . }}
  {{- . | trim | nindent 2 }}
  {{- end }}
  {{- with .annotations }}
  {{- tpl (toYaml .) $.context | nindent 2 }}
  {{- end }}
{{- end }}

