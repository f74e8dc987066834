{{- define "dataspoke.redis.secretName" -}}
{{- default (include "dataspoke.componentName" (dict "context" . "component" "redis")) .Values.auth.existingSecret }}
{{- end }}

{{/*
Writes the configuration with the password to memory and becomes the server: a password has no place in a ConfigMap, nor in
the list of processes.
*/}}
{{- define "dataspoke.redis.startScript" -}}
set -eu
umask 077
secret=$(printf '%s' "$REDIS_PASSWORD" | sed 's/[\\"]/\\&/g')
{
  cat "$REDIS_CONFIG"
  printf 'requirepass "%s"\nmasterauth "%s"\n' "$secret" "$secret"
} > "$REDIS_RUN/redis.conf"
unset secret REDIS_PASSWORD
exec redis-server "$REDIS_RUN/redis.conf"
{{- end }}

{{/* master and replicas differ in name, count and configuration. (dict "context" $ "role" "master" "values" .Values.master "replicas" 1) */}}
{{- define "dataspoke.redis.statefulSet" -}}
{{- $ctx := .context }}
{{- $component := printf "redis-%s" .role }}
{{- $role := .role }}
{{- $replicas := .replicas }}
{{- $name := include "dataspoke.componentName" (dict "context" $ctx "component" $component "max" 51) }}
{{- with .values }}
{{- $self := dict "context" $ctx "component" $component "values" . "labels" .podLabels "annotations" .podAnnotations "user" 999 "group" 999 "persistence" .persistence }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  namespace: {{ $ctx.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  replicas: {{ $replicas }}
  serviceName: {{ $name }}-headless
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "dataspoke.selectorLabels" $self | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "dataspoke.podLabels" $self | nindent 8 }}
      annotations:
        checksum/config: {{ include "dataspoke.redis.config" $ctx | sha256sum }}
        {{- with include "dataspoke.podAnnotations" $self | trim }}
        {{- . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "dataspoke.podSpec" $self | nindent 6 }}
      containers:
        - name: redis
          {{- include "dataspoke.containerImage" (dict "context" $ctx "image" $ctx.Values.image) | nindent 10 }}
          command: [sh, -c]
          args:
            - |
              {{- include "dataspoke.redis.startScript" $ctx | nindent 14 }}
          env:
            - name: REDIS_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: {{ include "dataspoke.redis.secretName" $ctx | quote }}
                  key: {{ $ctx.Values.auth.secretKey }}
            # What redis-cli of the probes reads.
            - name: REDISCLI_AUTH
              valueFrom:
                secretKeyRef:
                  name: {{ include "dataspoke.redis.secretName" $ctx | quote }}
                  key: {{ $ctx.Values.auth.secretKey }}
            - name: REDIS_CONFIG
              value: /etc/redis/{{ $role }}.conf
            - name: REDIS_RUN
              value: /run/redis
          ports:
            - name: redis
              containerPort: 6379
          startupProbe:
            exec:
              command: [sh, -c, 'test "$(redis-cli -h 127.0.0.1 ping)" = PONG']
            periodSeconds: 5
            failureThreshold: 24
          readinessProbe:
            exec:
              command: [sh, -c, 'test "$(redis-cli -h 127.0.0.1 ping)" = PONG']
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            tcpSocket:
              port: redis
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "dataspoke.containerSecurityContext" $ctx | nindent 12 }}
          volumeMounts:
            - name: config
              mountPath: /etc/redis
              readOnly: true
            - name: run
              mountPath: /run/redis
            - name: data
              mountPath: /data
      volumes:
        - name: config
          configMap:
            name: {{ include "dataspoke.componentName" (dict "context" $ctx "component" "redis") }}
        - name: run
          emptyDir:
            medium: Memory
            sizeLimit: 1Mi
        {{- if not .persistence.enabled }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- if .persistence.enabled }}
  volumeClaimTemplates:
    - {{ include "dataspoke.volumeClaim" $self | nindent 6 | trim }}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}
  namespace: {{ $ctx.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  type: ClusterIP
  ports:
    - name: redis
      port: 6379
      targetPort: redis
      appProtocol: tcp
  selector:
    {{- include "dataspoke.selectorLabels" $self | nindent 4 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ $name }}-headless
  namespace: {{ $ctx.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  type: ClusterIP
  clusterIP: None
  publishNotReadyAddresses: true
  ports:
    - name: redis
      port: 6379
      targetPort: redis
      appProtocol: tcp
  selector:
    {{- include "dataspoke.selectorLabels" $self | nindent 4 }}
{{- end }}
{{- end }}

{{- define "dataspoke.redis.config" -}}
{{- range $role, $settings := dict "master" .Values.master "replicas" .Values.replica }}
{{ $role }}.conf: |
  bind * -::*
  port 6379
  protected-mode yes
  dir /data
  maxmemory {{ $.Values.maxMemory }}
  maxmemory-policy {{ $.Values.maxMemoryPolicy }}
  {{- if $settings.persistence.enabled }}
  appendonly yes
  {{- else }}
  # A cache: nothing is written to disk.
  save ""
  appendonly no
  {{- end }}
  {{- if eq $role "replicas" }}
  replicaof {{ include "dataspoke.redisName" $ }} 6379
  replica-read-only yes
  {{- end }}
  {{- range $key, $value := $.Values.parameters }}
  {{ $key }} {{ $value }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.redis-master.workload" -}}
{{- include "dataspoke.redis.statefulSet" (dict "context" . "role" "master" "values" .Values.master "replicas" 1) }}
{{- end }}

{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.redis-replicas.workload" -}}
{{- if gt (int .Values.replica.replicaCount) 0 }}
{{- include "dataspoke.redis.statefulSet" (dict "context" . "role" "replicas" "values" .Values.replica "replicas" .Values.replica.replicaCount) }}
{{- end }}
{{- end }}
