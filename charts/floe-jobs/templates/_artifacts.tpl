{{/* The compiled artifacts as JSON, "{}" where this chart does not see them (an existing ConfigMap or claim, or none). */}}
{{- define "floe-jobs.document" -}}
{{- $artifacts := .Values.artifacts }}
{{- if $artifacts.json }}
{{- $document := fromJson $artifacts.json }}
{{- if and (hasKey $document "Error") (eq (len $document) 1) }}
{{- fail (printf "floe-jobs: artifacts.json is not a JSON object: %s" $document.Error) }}
{{- end }}
{{- $artifacts.json }}
{{- else }}
{{- toJson (default dict $artifacts.content) }}
{{- end }}
{{- end }}

{{/* "true" where jobs get an artifact file at all. */}}
{{- define "floe-jobs.hasArtifacts" -}}
{{- $artifacts := .Values.artifacts }}
{{- if or $artifacts.json $artifacts.content $artifacts.existingConfigMap $artifacts.existingClaim }}true{{ end }}
{{- end }}

{{/* "true" where the chart makes the artifacts' ConfigMap. */}}
{{- define "floe-jobs.ownArtifacts" -}}
{{- if or .Values.artifacts.json .Values.artifacts.content }}true{{ end }}
{{- end }}

{{/* dbt's profiles as JSON, "{}" where they lie elsewhere or nowhere. */}}
{{- define "floe-jobs.profiles" -}}
{{- $profiles := .Values.profiles }}
{{- if or (not $profiles.enabled) $profiles.existingConfigMap $profiles.existingSecret }}{}
{{- else if $profiles.content }}{{ toJson $profiles.content }}
{{- else }}{{ default dict (include "floe-jobs.document" . | fromJson).dbt_profiles | toJson }}
{{- end }}
{{- end }}

{{/*
What templates need to know of artifacts and values, as JSON, so that a large document is read once per template:
product (label), hasArtifacts, hasProfiles, checksums, environment, jobs.
*/}}
{{- define "floe-jobs.facts" -}}
{{- $document := include "floe-jobs.document" . | fromJson }}
{{- $profiles := include "floe-jobs.profiles" . }}
{{- $facts := dict
      "hasArtifacts" (eq (include "floe-jobs.hasArtifacts" .) "true")
      "hasProfiles" (and .Values.profiles.enabled (or .Values.profiles.existingConfigMap .Values.profiles.existingSecret (ne $profiles "{}")))
      "environment" (include "floe-jobs.platformEnv" (dict "context" . "document" $document) | fromYaml)
      "jobs" (include "floe-jobs.jobs" (dict "context" . "document" $document) | fromYaml) }}
{{- $checksums := dict }}
{{- if include "floe-jobs.ownArtifacts" . }}{{ $_ := set $checksums "checksum/artifacts" (include "floe-jobs.document" . | sha256sum) }}{{ end }}
{{- if ne $profiles "{}" }}{{ $_ := set $checksums "checksum/profiles" (sha256sum $profiles) }}{{ end }}
{{- $_ := set $facts "checksums" $checksums }}
{{- $_ := set $facts "product" (include "floe-jobs.product" $document) }}
{{- toJson $facts }}
{{- end }}

{{/* Name of the data product as a label's value, of a document. */}}
{{- define "floe-jobs.product" -}}
{{- with (default dict .metadata).product_name }}
{{- regexReplaceAll "[^A-Za-z0-9_.-]+" . "-" | trunc 63 | trimAll "-_." }}
{{- end }}
{{- end }}

{{/*
Places in a document that hold a credential in plain text, one per line: keys that name one, with a text that is no reference
(env_var(…), ${…}, a template). (dict "at" "artifacts" "value" …)
*/}}
{{- define "floe-jobs.literalSecrets" -}}
{{- $at := .at }}
{{- if kindIs "map" .value }}
{{- range $key, $value := .value }}
{{- $place := printf "%s.%s" $at $key }}
{{- if kindIs "string" $value }}
{{- if and (regexMatch "(^|[_.-])(password|passwd|passphrase|pwd|pass|secret|token|api_?key|private_?key|access_?key|account_?key|signing_?key|credentials?)$" (snakecase $key)) $value (not (regexMatch "env_var\\(|\\$\\{|\\{\\{" $value)) }}
{{ $place }}
{{- end }}
{{- else }}
{{- include "floe-jobs.literalSecrets" (dict "at" $place "value" $value) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range $index, $value := .value }}
{{- include "floe-jobs.literalSecrets" (dict "at" (printf "%s[%d]" $at $index) "value" $value) }}
{{- end }}
{{- end }}
{{- end }}
