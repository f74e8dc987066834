{{/*
A test pod with what jobs of type dbt get: image, mounts, secrets, variables. A Pod rather than a Job, so that helm test --logs
finds it; kept after the run, so that its log can be read. (dict "context" $ "facts" … "test" "artifacts" "command" list)
*/}}
{{- define "floe-jobs.testPod" -}}
{{- $root := .context }}
{{- $jobs := .facts.jobs }}
{{- $job := dict }}
{{- range $name, $candidate := $jobs }}
{{- if and (not $job) (has $candidate.type (list "dbt" "quality")) }}{{ $job = $candidate }}{{ end }}
{{- end }}
{{- if not $job }}
{{- range $name, $candidate := $jobs }}{{ if not $job }}{{ $job = $candidate }}{{ end }}{{ end }}
{{- end }}
{{- $self := dict "context" $root "facts" .facts "job" $job "name" .test -}}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "floe-jobs.objectName" (dict "context" $root "suffix" (printf "test-%s" .test)) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "floe-jobs.labels" (dict "context" $root "component" "test" "facts" .facts) | nindent 4 }}
    {{- with $root.Values.tests.podLabels }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation
    {{- with $root.Values.tests.podAnnotations }}
    {{- tpl (toYaml .) $root | nindent 4 }}
    {{- end }}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ int $root.Values.tests.timeoutSeconds }}
  serviceAccountName: {{ include "floe-jobs.serviceAccountName" $root }}
  automountServiceAccountToken: false
  {{- with concat $root.Values.imagePullSecrets (default list ($root.Values.global).imagePullSecrets) | uniq }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . | quote }}
    {{- end }}
  {{- end }}
  securityContext:
    {{- include "floe-jobs.podSecurityContext" $job.securityContext | nindent 4 }}
  containers:
    - name: test-{{ .test }}
      image: {{ include "floe-jobs.image" (dict "context" $root "image" $job.image "key" "defaults.image") | quote }}
      imagePullPolicy: {{ $job.image.pullPolicy }}
      {{- with $job.workingDir }}
      workingDir: {{ . | quote }}
      {{- end }}
      command:
        {{- toYaml .command | nindent 8 }}
      {{- with include "floe-jobs.env" $self | trim }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      {{- with include "floe-jobs.envFrom" $self | trim }}
      envFrom:
        {{- . | nindent 8 }}
      {{- end }}
      resources:
        {{- include "floe-jobs.resources" (dict "context" $root "resources" (default $job.resources $root.Values.tests.resources)) | nindent 8 }}
      securityContext:
        {{- include "floe-jobs.containerSecurityContext" $job.securityContext.readOnlyRootFilesystem | nindent 8 }}
      {{- with include "floe-jobs.volumeMounts" $self | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
  {{- with include "floe-jobs.volumes" $self | trim }}
  volumes:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with $job.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $job.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
