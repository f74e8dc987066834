{{/* Image reference: global registry, then the image's own; digest before tag. (dict "context" $ "image" .Values.x.image) */}}
{{- define "floe-platform.image" -}}
{{- $registry := default .image.registry .context.Values.global.imageRegistry }}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (not (empty $registry)) }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}{{ else }}{{ printf "%s:%s" $name .image.tag }}{{ end }}
{{- end }}

{{/*
What every pod's spec begins with: account, pull secrets, where it goes, and the security context that Pod Security
"restricted" demands. The Kubernetes API is reached only by pods that say "api" true.
(dict "context" $ "component" "polaris" "values" .Values.polaris "user" 10000 "group" 10001 "account" "name" "api" false)
*/}}
{{- define "floe-platform.podSpec" -}}
serviceAccountName: {{ default (include "floe-platform.serviceAccountName" .context) .account }}
automountServiceAccountToken: {{ default false .api }}
{{- with .context.Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- with .values }}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- tpl (toYaml .) $.context | nindent 2 }}
{{- end }}
{{- with .topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml (omit . "labelSelector") | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "floe-platform.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- with .terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .group }}
  fsGroup: {{ .group }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "floe-platform.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* A container's image, pull policy, resources and security context.
(dict "context" $ "image" .Values.x.image "row" "jobs" "resources" .Values.x.resources) */}}
{{- define "floe-platform.container" -}}
image: {{ include "floe-platform.image" . | quote }}
imagePullPolicy: {{ .image.pullPolicy }}
resources:
  {{- include "floe-platform.resources" . | nindent 2 }}
securityContext:
  {{- include "floe-platform.containerSecurityContext" .context | nindent 2 }}
{{- end }}
