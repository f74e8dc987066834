{{/* Annotations of a hook. A failed Job stays for its logs until the next attempt. Dict: hook, weight. */}}
{{- define "core-pipeline.hookAnnotations" -}}
helm.sh/hook: {{ .hook }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* metadata of a hook's object. Dict: context, component, name, hook, weight. */}}
{{- define "core-pipeline.hookMetadata" -}}
{{ include "core-pipeline.metadata" . }}
annotations:
  {{- include "core-pipeline.hookAnnotations" . | nindent 2 }}
{{- end }}

{{/* Start of a hook's Job down to its containers. Dict: context, component, name, hook, weight, timeout, backoffLimit, security (of the pod). */}}
{{- define "core-pipeline.hookJob" -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "core-pipeline.hookMetadata" . | nindent 2 }}
spec:
  backoffLimit: {{ .backoffLimit }}
  activeDeadlineSeconds: {{ .timeout }}
  template:
    metadata:
      labels:
        {{- include "core-pipeline.podLabels" . | nindent 8 }}
      {{- with .context.Values.hooks.podAnnotations }}
      annotations:
        {{- tpl (toYaml .) $.context | nindent 8 }}
      {{- end }}
    spec:
      restartPolicy: Never
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with include "core-pipeline.imagePullSecrets" .context }}{{ . | trim | nindent 6 }}{{ end }}
      securityContext:
        {{- toYaml .security | nindent 8 }}
{{- end }}

{{/* Container that calls the application. Dict: context, name, paths, consecutive, expect, timeout, resources. */}}
{{- define "core-pipeline.probeContainer" -}}
- name: {{ .name }}
  image: {{ include "core-pipeline.image" (dict "context" .context "image" .context.Values.image) | quote }}
  imagePullPolicy: {{ .context.Values.image.pullPolicy }}
  command: [node, /scripts/probe.js]
  env:
    - name: PROBE_URL
      value: {{ printf "http://%s:%v" (include "core-pipeline.fullname" .context) .context.Values.service.port | quote }}
    - name: PROBE_PATHS
      value: {{ .paths | quote }}
    - name: PROBE_CONSECUTIVE
      value: {{ .consecutive | quote }}
    {{- with .expect }}
    - name: PROBE_EXPECT
      value: {{ . | quote }}
    {{- end }}
    - name: PROBE_TIMEOUT_SECONDS
      value: {{ .timeout | quote }}
  resources:
    {{- toYaml .resources | nindent 4 }}
  securityContext:
    {{- toYaml .context.Values.securityContext | nindent 4 }}
  volumeMounts:
    - name: scripts
      mountPath: /scripts
      readOnly: true
{{- end }}

{{/* Paths of the probes, so that hooks and tests ask what the kubelet asks. */}}
{{- define "core-pipeline.healthPaths" -}}
{{- $paths := list }}
{{- with (.Values.livenessProbe).httpGet }}{{ $paths = append $paths .path }}{{ end }}
{{- with (.Values.readinessProbe).httpGet }}{{ $paths = append $paths .path }}{{ end }}
{{- join "," $paths | default "/" }}
{{- end }}
