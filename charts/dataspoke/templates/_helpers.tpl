{{/*
Helpers of the umbrella and of its seven subcharts: a template defined here is known to all of them, so names and labels
are made in one place. What they read besides the caller's own values is `global` and the release.
*/}}

{{/* The stem of all object names: the release's name where it says dataspoke already, else release and "dataspoke". */}}
{{- define "dataspoke.fullname" -}}
{{- $override := ((.Values.global).dataspoke).fullnameOverride }}
{{- if $override }}
{{- $override | trunc 63 | trimSuffix "-" }}
{{- else if contains "dataspoke" .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-dataspoke" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/*
Name of one component's objects. The stem is cut, never the component, so that two components cannot collide.
Pass max 51 for what Kubernetes appends to (StatefulSet); the dash comes on top.
(dict "context" $ "component" "qdrant" "max" 51)
*/}}
{{- define "dataspoke.componentName" -}}
{{- $room := sub (default 62 .max) (len .component) | int }}
{{- printf "%s-%s" (include "dataspoke.fullname" .context | trunc $room | trimSuffix "-") .component }}
{{- end }}

{{- define "dataspoke.configMapName" -}}
{{- default (include "dataspoke.componentName" (dict "context" . "component" "config")) ((.Values.global).dataspoke).configMapName }}
{{- end }}
{{- define "dataspoke.secretName" -}}
{{- default (include "dataspoke.componentName" (dict "context" . "component" "secrets")) ((.Values.global).dataspoke).secretName }}
{{- end }}

{{/* Where the infrastructure answers inside the release. */}}
{{- define "dataspoke.postgresqlName" -}}
{{- include "dataspoke.componentName" (dict "context" . "component" "postgresql" "max" 51) }}
{{- end }}
{{- define "dataspoke.redisName" -}}
{{- include "dataspoke.componentName" (dict "context" . "component" "redis-master" "max" 51) }}
{{- end }}
{{- define "dataspoke.qdrantName" -}}
{{- include "dataspoke.componentName" (dict "context" . "component" "qdrant" "max" 51) }}
{{- end }}
{{- define "dataspoke.temporalName" -}}
{{- include "dataspoke.componentName" (dict "context" . "component" "temporal-frontend") }}
{{- end }}

{{/* Labels that select; they must never change. (dict "context" $ "component" "api") */}}
{{- define "dataspoke.selectorLabels" -}}
app.kubernetes.io/name: {{ .context.Chart.Name }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "dataspoke.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "dataspoke.selectorLabels" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/part-of: dataspoke
{{- with ((.context.Values.global).dataspoke).commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Labels of pods: without chart and application version, so that a new chart version alone restarts nothing.
(dict "context" $ "component" "api" "labels" .Values.podLabels)
*/}}
{{- define "dataspoke.podLabels" -}}
{{ include "dataspoke.selectorLabels" . }}
app.kubernetes.io/part-of: dataspoke
{{- with .labels }}
{{ tpl (toYaml .) $.context }}
{{- end }}
{{- end }}

{{/* Annotations of pods. (dict "context" $ "annotations" .Values.podAnnotations) */}}
{{- define "dataspoke.podAnnotations" -}}
{{- range $name, $sum := .context.checksums }}
{{ $name }}: {{ $sum | quote }}
{{- end }}
{{- with ((.context.Values.global).dataspoke).rolloutToken }}
dataspoke.io/rollout-token: {{ . | quote }}
{{- end }}
{{- with .annotations }}
{{ tpl (toYaml .) $.context }}
{{- end }}
{{- end }}

{{/*
Image reference: global registry, then the image's own; digest before tag; the tag is the chart's appVersion where none is
given. (dict "context" $ "image" .Values.image "suffix" "-unprivileged")
*/}}
{{- define "dataspoke.image" -}}
{{- $registry := default .image.registry (.context.Values.global).imageRegistry }}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (not (empty $registry)) }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}
{{- else }}{{ printf "%s:%s" $name (default (printf "%s%s" .context.Chart.AppVersion (default "" .suffix)) .image.tag) }}
{{- end }}
{{- end }}

{{/* Image and its pull policy, as two lines of a container. */}}
{{- define "dataspoke.containerImage" -}}
image: {{ include "dataspoke.image" . | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
{{- end }}

{{/* What every pod says: account, pull secrets, restricted security, placement. (dict "context" $ "component" "api" "values" .Values "user" 1000 "group" 1000) */}}
{{- define "dataspoke.podSpec" -}}
serviceAccountName: {{ default "default" .values.serviceAccountName | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with (.context.Values.global).imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .group }}
  fsGroup: {{ default .group .fsGroup }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with .values.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- tpl (toYaml .) $.context | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml (omit . "labelSelector") | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "dataspoke.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "dataspoke.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Pods that may be away at once. (dict "context" $ "name" … "component" … "values" .Values.podDisruptionBudget) */}}
{{- define "dataspoke.podDisruptionBudget" -}}
{{- if .values.enabled }}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ .context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "dataspoke.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{/*
A claim of a StatefulSet. Immutable once created: selector labels only, or an upgrade would be refused.
(dict "context" $ "component" "qdrant" "persistence" .Values.persistence)
*/}}
{{- define "dataspoke.volumeClaim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: data
  labels:
    {{- include "dataspoke.selectorLabels" . | nindent 4 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .persistence.storageClass }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ .persistence.size }}
{{- end }}

{{/*
Credentials of PostgreSQL as environment variables of given names.
(dict "secret" "name" "keys" .Values.auth.secretKeys "user" "PGUSER" "password" "PGPASSWORD")
*/}}
{{- define "dataspoke.postgresEnv" -}}
- name: {{ .user }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .keys.user }}
- name: {{ .password }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret | quote }}
      key: {{ .keys.password }}
{{- end }}
