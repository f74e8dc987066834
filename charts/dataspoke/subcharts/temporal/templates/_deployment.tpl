{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.temporal.workload" -}}
{{- with .Values.server }}
{{- $self := dict "context" $ "component" "temporal" "values" . "labels" .podLabels "annotations" .podAnnotations "user" 1000 "group" 1000 }}
# Frontend, history, matching and worker in one process; more replicas find each other through the database.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "dataspoke.componentName" (dict "context" $ "component" "temporal") }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  replicas: {{ .replicaCount }}
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "dataspoke.selectorLabels" $self | nindent 6 }}
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  template:
    metadata:
      labels:
        {{- include "dataspoke.podLabels" $self | nindent 8 }}
      {{- with include "dataspoke.podAnnotations" $self | trim }}
      annotations:
        {{- . | nindent 8 }}
      {{- end }}
    spec:
      {{- include "dataspoke.podSpec" $self | nindent 6 }}
      initContainers:
        - name: wait-schema
          {{- include "dataspoke.containerImage" (dict "context" $ "image" $.Values.global.dataspoke.wait.image) | nindent 10 }}
          command: [bash, -c]
          args:
            - |
              {{- $.Files.Get "files/wait-schema.sh" | nindent 14 }}
          env:
            {{- include "dataspoke.postgresEnv" (dict "secret" (include "dataspoke.temporal.secretName" $) "keys" $.Values.persistence.secretKeys "user" "PGUSER" "password" "PGPASSWORD") | nindent 12 }}
            - name: PGHOST
              value: {{ include "dataspoke.temporal.databaseHost" $ | quote }}
            - name: PGPORT
              value: {{ $.Values.persistence.port | quote }}
            - name: PGCONNECT_TIMEOUT
              value: "3"
            - name: PGSSLMODE
              value: {{ ternary "require" "prefer" $.Values.persistence.tls }}
            - name: TEMPORAL_DATABASE
              value: {{ $.Values.persistence.database | quote }}
            - name: TEMPORAL_VISIBILITY_DATABASE
              value: {{ $.Values.persistence.visibilityDatabase | quote }}
            - name: SCHEMA_VERSION
              value: {{ $.Values.schema.version | quote }}
            - name: VISIBILITY_SCHEMA_VERSION
              value: {{ $.Values.schema.visibilityVersion | quote }}
            - name: SCHEMA_JOB
              value: {{ include "dataspoke.componentName" (dict "context" $ "component" "temporal-schema") | quote }}
            - name: WAIT_TIMEOUT_SECONDS
              value: {{ $.Values.global.dataspoke.wait.timeoutSeconds | quote }}
          resources:
            {{- toYaml $.Values.global.dataspoke.wait.resources | nindent 12 }}
          securityContext:
            {{- include "dataspoke.containerSecurityContext" $ | nindent 12 }}
      containers:
        - name: temporal
          {{- include "dataspoke.temporal.image" $ | nindent 10 }}
          env:
            {{- include "dataspoke.postgresEnv" (dict "secret" (include "dataspoke.temporal.secretName" $) "keys" $.Values.persistence.secretKeys "user" "POSTGRES_USER" "password" "POSTGRES_PWD") | nindent 12 }}
            - name: POD_IP
              valueFrom:
                fieldRef:
                  fieldPath: status.podIP
            - name: DB
              value: postgres12
            - name: POSTGRES_SEEDS
              value: {{ include "dataspoke.temporal.databaseHost" $ | quote }}
            - name: DB_PORT
              value: {{ $.Values.persistence.port | quote }}
            - name: DBNAME
              value: {{ $.Values.persistence.database | quote }}
            - name: VISIBILITY_DBNAME
              value: {{ $.Values.persistence.visibilityDatabase | quote }}
            - name: SQL_MAX_CONNS
              value: {{ $.Values.persistence.maxConns | quote }}
            - name: SQL_MAX_IDLE_CONNS
              value: {{ $.Values.persistence.maxConns | quote }}
            - name: SQL_VIS_MAX_CONNS
              value: {{ $.Values.persistence.visibilityMaxConns | quote }}
            - name: SQL_VIS_MAX_IDLE_CONNS
              value: {{ $.Values.persistence.visibilityMaxConns | quote }}
            - name: SQL_TLS_ENABLED
              value: {{ $.Values.persistence.tls | quote }}
            - name: NUM_HISTORY_SHARDS
              value: {{ .numHistoryShards | quote }}
            - name: BIND_ON_IP
              value: 0.0.0.0
            - name: TEMPORAL_BROADCAST_ADDRESS
              value: $(POD_IP)
            - name: PROMETHEUS_ENDPOINT
              value: 0.0.0.0:9090
            # Who reaches the port may use it: NetworkPolicies decide. Newer servers want to be told that this is meant.
            - name: TEMPORAL_ALLOW_NO_AUTH
              value: "true"
            - name: LOG_LEVEL
              value: {{ .logLevel }}
            - name: DYNAMIC_CONFIG_FILE_PATH
              value: /etc/temporal/dynamic/dynamic-config.yaml
          ports:
            - name: grpc
              containerPort: 7233
            - name: http
              containerPort: 7243
            - name: metrics
              containerPort: 9090
          startupProbe:
            grpc:
              port: 7233
              service: temporal.api.workflowservice.v1.WorkflowService
            periodSeconds: 5
            failureThreshold: 60
          readinessProbe:
            grpc:
              port: 7233
              service: temporal.api.workflowservice.v1.WorkflowService
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            tcpSocket:
              port: grpc
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "dataspoke.containerSecurityContext" $ | nindent 12 }}
          volumeMounts:
            # Not by subPath: the server reads a changed file again.
            - name: dynamic-config
              mountPath: /etc/temporal/dynamic
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: dynamic-config
          configMap:
            name: {{ include "dataspoke.componentName" (dict "context" $ "component" "temporal") }}
        - name: tmp
          emptyDir: {}
{{- end }}
{{- end }}
