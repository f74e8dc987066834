{{- define "floe-jobs.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The stem of all names: the release's name where it contains the chart's name, else release and chart. */}}
{{- define "floe-jobs.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "floe-jobs.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
A name that Kubernetes takes and that begins with a letter. A name that is too long is cut and gets a hash of the whole, so
that names that differ in their end only stay apart. (dict "name" "daily_orders" "max" 63)
*/}}
{{- define "floe-jobs.validName" -}}
{{- $name := regexReplaceAll "[^a-z0-9]+" (lower .name) "-" | trimAll "-" }}
{{- if not (regexMatch "^[a-z]" $name) }}
{{- $name = printf "j-%s" $name }}
{{- end }}
{{- if gt (len $name) (int .max) }}
{{- $name = printf "%s-%s" ($name | trunc (int (sub .max 9)) | trimSuffix "-") (sha256sum .name | trunc 8) }}
{{- end }}
{{- $name }}
{{- end }}

{{/* Name of one of the chart's own objects. (dict "context" $ "suffix" "artifacts") */}}
{{- define "floe-jobs.objectName" -}}
{{- include "floe-jobs.validName" (dict "name" (printf "%s-%s" (include "floe-jobs.fullname" .context) .suffix) "max" 63) }}
{{- end }}

{{/* Labels that select; they must never change. */}}
{{- define "floe-jobs.selectorLabels" -}}
app.kubernetes.io/name: {{ include "floe-jobs.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels that say what chart and version an object is from. */}}
{{- define "floe-jobs.versionLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels of objects. (dict "context" $ "component" "dbt" "facts" …); facts may be left out. */}}
{{- define "floe-jobs.labels" -}}
{{ include "floe-jobs.versionLabels" .context }}
{{ include "floe-jobs.podLabels" . }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of pods: without versions, so that a new chart version alone reruns nothing. */}}
{{- define "floe-jobs.podLabels" -}}
{{ include "floe-jobs.selectorLabels" .context }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/part-of: floe
{{- with (.context.Values.global).environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with (.facts).product }}
floe.dev/product: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Image reference: global registry, then the image's own; digest before tag. (dict "context" $ "image" .Values.wait.image "key" "wait.image") */}}
{{- define "floe-jobs.image" -}}
{{- $registry := default .image.registry (.context.Values.global).imageRegistry }}
{{- $repository := required (printf "floe-jobs: %s.repository is needed: the image that holds the data product" .key) .image.repository }}
{{- $name := ternary (printf "%s/%s" $registry $repository) $repository (not (empty $registry)) }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}{{ else }}{{ printf "%s:%s" $name (required (printf "floe-jobs: %s.tag or %s.digest is needed; there is no default version of a data product" .key .key) .image.tag) }}{{ end }}
{{- end }}

{{- define "floe-jobs.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "floe-jobs.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Security context of a container that Pod Security "restricted" demands. */}}
{{- define "floe-jobs.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: {{ . }}
capabilities:
  drop: [ALL]
{{- end }}

{{- define "floe-jobs.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ int .runAsUser }}
runAsGroup: {{ int .runAsGroup }}
fsGroup: {{ int .fsGroup }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Resources: the job's own where it sets any, else those of the preset's row for jobs. (dict "context" $ "resources" …) */}}
{{- define "floe-jobs.resources" -}}
{{- if .resources }}
{{- toYaml .resources }}
{{- else }}
{{- $presets := dict
      "small" (list "100m" "256Mi" "500m" "512Mi")
      "medium" (list "250m" "512Mi" "1000m" "1Gi")
      "large" (list "500m" "1Gi" "2000m" "2Gi") }}
{{- $row := index $presets .context.Values.resourcesPreset -}}
requests:
  cpu: {{ index $row 0 }}
  memory: {{ index $row 1 }}
limits:
  cpu: {{ index $row 2 }}
  memory: {{ index $row 3 }}
{{- end }}
{{- end }}

{{/* Puts "from" over "into", in place: maps are merged, everything else (false, 0 and empty lists too) is replaced. */}}
{{- define "floe-jobs.merge" -}}
{{- $into := .into }}
{{- range $key, $value := .from }}
{{- if and (kindIs "map" $value) (kindIs "map" (get $into $key)) }}
{{- include "floe-jobs.merge" (dict "into" (get $into $key) "from" $value) }}
{{- else }}
{{- $_ := set $into $key $value }}
{{- end }}
{{- end }}
{{- end }}
