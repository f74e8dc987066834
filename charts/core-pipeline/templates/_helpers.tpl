{{- define "core-pipeline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name where it names the chart already, else release and chart. 50 characters leave room for "-hooks-scripts". */}}
{{- define "core-pipeline.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := include "core-pipeline.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* What finds the pods of one component. Dict: context, component. */}}
{{- define "core-pipeline.selectorLabels" -}}
app.kubernetes.io/name: {{ include "core-pipeline.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of pods: the five recommended ones; not the chart's version, which would replace pods for nothing. Dict: context, component. */}}
{{- define "core-pipeline.podLabels" -}}
{{ include "core-pipeline.selectorLabels" . }}
app.kubernetes.io/version: {{ default .context.Chart.AppVersion .context.Values.image.tag | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/part-of: core-pipeline
{{- end }}

{{/* Labels of objects. Dict: context, component. */}}
{{- define "core-pipeline.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "core-pipeline.podLabels" . }}
{{- with .context.Values.environment }}
floe.dev/environment: {{ . }}
{{- end }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* name, namespace and labels. Dict: context, component, name (a suffix, may be missing). */}}
{{- define "core-pipeline.metadata" -}}
name: {{ include "core-pipeline.fullname" .context }}{{ with .name }}-{{ . }}{{ end }}
namespace: {{ .context.Release.Namespace }}
labels:
  {{- include "core-pipeline.labels" . | nindent 2 }}
{{- end }}

{{- define "core-pipeline.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "core-pipeline.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Dict: context, image. An empty tag means the chart's appVersion. */}}
{{- define "core-pipeline.image" -}}
{{- $registry := default .image.registry (.context.Values.global).imageRegistry }}
{{- $name := .image.repository }}
{{- if $registry }}{{ $name = printf "%s/%s" $registry .image.repository }}{{ end }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}{{ else }}{{ printf "%s:%s" $name (default .context.Chart.AppVersion .image.tag) }}{{ end }}
{{- end }}

{{- define "core-pipeline.imagePullSecrets" -}}
{{- with concat .Values.imagePullSecrets (default list (.Values.global).imagePullSecrets) | uniq }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* A value as text. Whole numbers come as floats and would be written 1e+06. */}}
{{- define "core-pipeline.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* A quantity of CPU in thousandths. */}}
{{- define "core-pipeline.millicores" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text | float64 | int64 }}{{ else }}{{ mulf (float64 $text) 1000.0 | int64 }}{{ end }}
{{- end }}

{{/* A quantity of memory in bytes. */}}
{{- define "core-pipeline.bytes" -}}
{{- $text := include "core-pipeline.text" . }}
{{- $number := regexFind "^[0-9.]+" $text | float64 }}
{{- $factor := get (dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0) (regexReplaceAll "^[0-9.]+" $text "") }}
{{- mulf $number $factor | int64 }}
{{- end }}

{{/* Size of Node's heap in mebibytes, from the memory limit. */}}
{{- define "core-pipeline.heapMebibytes" -}}
{{- $bytes := include "core-pipeline.bytes" .Values.resources.limits.memory | int64 }}
{{- div (mul $bytes (int64 .Values.heap.percentage)) 104857600 }}
{{- end }}

{{/* Content of the ConfigMap: what the application needs to know and everybody may. Hooks before install get a copy. */}}
{{- define "core-pipeline.configData" -}}
{{- $data := dict }}
{{- range $name, $value := .Values.env }}
{{- if ne $value nil }}{{ $_ := set $data $name (tpl (include "core-pipeline.text" $value) $) }}{{ end }}
{{- end }}
{{- range $name, $value := .Values.featureFlags }}
{{- $_ := set $data (printf "FEATURE_%s" (snakecase $name | upper)) (include "core-pipeline.text" $value) }}
{{- end }}
{{- with .Values.environment }}{{ $_ := set $data "DEPLOYMENT_ENVIRONMENT" . }}{{ end }}
{{- if and .Values.heap.enabled (not (hasKey $data "NODE_OPTIONS")) }}
{{- $_ := set $data "NODE_OPTIONS" (printf "--max-old-space-size=%s" (include "core-pipeline.heapMebibytes" .)) }}
{{- end }}
{{- toYaml $data }}
{{- end }}

{{/* Name of the Secret that pods read. */}}
{{- define "core-pipeline.secretName" -}}
{{- default (include "core-pipeline.fullname" .) .Values.secrets.existingSecret }}
{{- end }}

{{/*
Content of the Secret that the chart makes, as stringData. What is not given is taken from the cluster, and generated only
when it is not there either. The result is kept for the whole rendering, because the hooks' copy must hold the same.
*/}}
{{- define "core-pipeline.secretData" -}}
{{- if not (hasKey .Values.secrets "rendered") }}
{{- $stored := (default dict (lookup "v1" "Secret" .Release.Namespace (include "core-pipeline.fullname" .))).data | default dict }}
{{- $data := dict }}
{{- range $key, $value := .Values.secrets.values }}
{{- if ne $value nil }}
{{- if $value }}
{{- $_ := set $data $key (toString $value) }}
{{- else if hasKey $stored $key }}
{{- $_ := set $data $key (get $stored $key | b64dec) }}
{{- else }}
{{- $_ := set $data $key (randAlphaNum 32) }}
{{- end }}
{{- end }}
{{- end }}
{{- $_ := set .Values.secrets "rendered" $data }}
{{- end }}
{{- toYaml .Values.secrets.rendered }}
{{- end }}

{{/*
Checksum of the credentials that values give, empty without any: generated ones do not change, and others are not this
release's. A short piece tells a change just as well, and nothing of what was hashed.
*/}}
{{- define "core-pipeline.secretChecksum" -}}
{{- $given := dict }}
{{- if not (or .Values.secrets.existingSecret .Values.secrets.externalSecret.enabled) }}
{{- range $key, $value := .Values.secrets.values }}{{ if $value }}{{ $_ := set $given $key (toString $value) }}{{ end }}{{ end }}
{{- end }}
{{- with $given }}{{ toJson . | sha256sum | trunc 8 }}{{ end }}
{{- end }}

{{/* Environment variables from the Secret. Dict: context, secret (its name). */}}
{{- define "core-pipeline.secretEnv" -}}
{{- $secret := .secret }}
{{- range $name, $key := .context.Values.secrets.keys }}
{{- if $key }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret | quote }}
      key: {{ $key | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* spec of the ExternalSecret. Dict: context, name (of the Secret it fills). */}}
{{- define "core-pipeline.externalSecretSpec" -}}
{{- $e := .context.Values.secrets.externalSecret -}}
refreshInterval: {{ $e.refreshInterval }}
secretStoreRef:
  name: {{ $e.secretStoreRef.name | quote }}
  kind: {{ $e.secretStoreRef.kind }}
target:
  name: {{ .name }}
  creationPolicy: Owner
data:
  {{- range $key := values .context.Values.secrets.keys | uniq | sortAlpha }}
  {{- if $key }}
  - secretKey: {{ $key }}
    remoteRef:
      key: {{ $e.remoteKey | quote }}
      property: {{ $key }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The port the application listens on, as a number. */}}
{{- define "core-pipeline.port" -}}
{{- tpl (toString .Values.env.PORT) . | int }}
{{- end }}

{{/* All hosts of the ingress, the main one first, as a JSON list of name and path. */}}
{{- define "core-pipeline.hosts" -}}
{{- $hosts := list (dict "name" (tpl .Values.ingress.hostname .) "path" .Values.ingress.path) }}
{{- range .Values.ingress.extraHosts }}
{{- $hosts = append $hosts (dict "name" (tpl .name $) "path" (default $.Values.ingress.path .path)) }}
{{- end }}
{{- toJson $hosts }}
{{- end }}

{{- define "core-pipeline.tlsSecretName" -}}
{{- default (printf "%s-tls" (tpl .Values.ingress.hostname .)) .Values.ingress.tlsSecretName }}
{{- end }}

{{/* Files of files/ with the names of this release put in. Rules and dashboards use braces themselves, so they are no templates. Dict: context, file. */}}
{{- define "core-pipeline.file" -}}
{{- $v := .context.Values }}
{{- .context.Files.Get .file
  | replace "@FULLNAME@" (include "core-pipeline.fullname" .context)
  | replace "@NAMESPACE@" .context.Release.Namespace
  | replace "@DURATION@" $v.metrics.requestDuration
  | replace "@STATUS@" $v.metrics.statusLabel
  | replace "@GROUP@" (tpl (toString $v.env.KAFKA_GROUP_ID) .context)
  | replace "@SERVICE@" (tpl (toString $v.env.OTEL_SERVICE_NAME) .context)
  | replace "@ENVIRONMENT@" (default "none" $v.environment)
  | replace "@ERROR_PERCENTAGE@" (toString $v.prometheusRule.errorPercentage)
  | replace "@LATENCY@" (toString $v.prometheusRule.latencySeconds)
  | replace "@LAG@" (int64 $v.prometheusRule.kafkaLag | toString) }}
{{- end }}

{{/*
Init container that waits for external services, for a bounded time. The application's image brings Node, so no other
image is needed. Dict: context, scripts (the volume), only (a service, or empty for all), timeout, env (the ConfigMap).
*/}}
{{- define "core-pipeline.waitFor" -}}
{{- $v := .context.Values }}
- name: wait-for-services
  image: {{ include "core-pipeline.image" (dict "context" .context "image" $v.image) | quote }}
  imagePullPolicy: {{ $v.image.pullPolicy }}
  command: [node, /scripts/wait.js]
  env:
    - name: WAIT_FOR
      value: {{ .only | quote }}
    - name: WAIT_TIMEOUT_SECONDS
      value: {{ .timeout | quote }}
    # The application's heap is not that of a script.
    - name: NODE_OPTIONS
      value: ""
  envFrom:
    - configMapRef:
        name: {{ .env }}
  resources:
    {{- toYaml $v.waitFor.resources | nindent 4 }}
  securityContext:
    {{- toYaml $v.securityContext | nindent 4 }}
  volumeMounts:
    - name: scripts
      mountPath: /scripts
      readOnly: true
{{- end }}
