{{/*
The application's three subcharts differ in ports and defaults only; what their templates include is here.
Each takes (dict "context" . "component" "api" "port" 8000); without a port there is neither Service nor probe over HTTP.
*/}}
{{- define "dataspoke.app.name" -}}
{{- include "dataspoke.componentName" . }}
{{- end }}

{{- define "dataspoke.app.deployment" -}}
{{- $app := . }}
{{- with .context.Values }}
{{- $self := dict "context" $app.context "component" $app.component "values" . "labels" .podLabels "annotations" .podAnnotations "user" .runAsUser "group" .runAsUser }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "dataspoke.app.name" $app }}
  namespace: {{ $app.context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  {{- if not (.autoscaling).enabled }}
  replicas: {{ .replicaCount }}
  {{- end }}
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
      {{- with .waitFor }}
      initContainers:
        {{- include "dataspoke.waitContainer" (dict "context" $app.context "targets" . "envFrom" true) | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ $app.component }}
          {{- include "dataspoke.containerImage" (dict "context" $app.context "image" .image) | nindent 10 }}
          {{- with .command }}
          command:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          {{- with .args }}
          args:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          envFrom:
            - configMapRef:
                name: {{ include "dataspoke.configMapName" $app.context | quote }}
            - secretRef:
                name: {{ include "dataspoke.secretName" $app.context | quote }}
          {{- with .extraEnv }}
          env:
            {{- tpl (toYaml .) $app.context | nindent 12 }}
          {{- end }}
          {{- if $app.port }}
          ports:
            - name: http
              containerPort: {{ $app.port }}
          startupProbe:
            httpGet:
              path: {{ .probes.path }}
              port: http
            periodSeconds: 5
            failureThreshold: {{ div (add .probes.startupSeconds 4) 5 }}
          readinessProbe:
            httpGet:
              path: {{ .probes.path }}
              port: http
            periodSeconds: 10
            timeoutSeconds: {{ .probes.timeoutSeconds }}
          livenessProbe:
            httpGet:
              path: {{ .probes.path }}
              port: http
            periodSeconds: 20
            timeoutSeconds: {{ .probes.timeoutSeconds }}
            failureThreshold: 6
          {{- else if .probes.command }}
          startupProbe:
            exec:
              command:
                {{- toYaml .probes.command | nindent 16 }}
            periodSeconds: 5
            failureThreshold: {{ div (add .probes.startupSeconds 4) 5 }}
          readinessProbe:
            exec:
              command:
                {{- toYaml .probes.command | nindent 16 }}
            periodSeconds: 10
            timeoutSeconds: {{ .probes.timeoutSeconds }}
          livenessProbe:
            exec:
              command:
                {{- toYaml .probes.command | nindent 16 }}
            periodSeconds: 20
            timeoutSeconds: {{ .probes.timeoutSeconds }}
            failureThreshold: 6
          {{- end }}
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "dataspoke.containerSecurityContext" $app.context | nindent 12 }}
          {{- with .writablePaths }}
          volumeMounts:
            {{- range $index, $path := . }}
            - name: writable-{{ $index }}
              mountPath: {{ $path }}
            {{- end }}
          {{- end }}
      {{- with .writablePaths }}
      volumes:
        {{- range $index, $path := . }}
        - name: writable-{{ $index }}
          emptyDir: {}
        {{- end }}
      {{- end }}
{{- end }}
{{- end }}

{{- define "dataspoke.app.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "dataspoke.app.name" . }}
  namespace: {{ .context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" . | nindent 4 }}
  {{- with .context.Values.service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .context.Values.service.type }}
  ports:
    - name: http
      port: {{ .port }}
      targetPort: http
      appProtocol: http
  selector:
    {{- include "dataspoke.selectorLabels" . | nindent 4 }}
{{- end }}

{{- define "dataspoke.app.hpa" -}}
{{- $app := . }}
{{- with .context.Values.autoscaling }}
{{- if .enabled }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "%s.autoscaling: minReplicas (%v) must not be greater than maxReplicas (%v)" $app.component .minReplicas .maxReplicas) }}
{{- end }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ include "dataspoke.app.name" $app }}
  namespace: {{ $app.context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $app | nindent 4 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "dataspoke.app.name" $app }}
  minReplicas: {{ .minReplicas }}
  maxReplicas: {{ .maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .targetCPUUtilizationPercentage }}
    {{- with .targetMemoryUtilizationPercentage }}
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "dataspoke.app.ingress" -}}
{{- $app := . }}
{{- with .context.Values.ingress }}
{{- if .enabled }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {{ include "dataspoke.app.name" $app }}
  namespace: {{ $app.context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $app | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- tpl (toYaml .) $app.context | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . | quote }}
  {{- end }}
  rules:
    {{- range .hosts }}
    - host: {{ .host | quote }}
      http:
        paths:
          {{- range .paths }}
          - path: {{ .path | quote }}
            pathType: {{ .pathType }}
            backend:
              service:
                name: {{ include "dataspoke.app.name" $app }}
                port:
                  name: http
          {{- end }}
    {{- end }}
  {{- with .tls }}
  tls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "dataspoke.app.pdb" -}}
{{- include "dataspoke.podDisruptionBudget" (dict "context" .context "name" (include "dataspoke.app.name" .) "component" .component "values" .context.Values.podDisruptionBudget) }}
{{- end }}

{{- define "dataspoke.app.test" -}}
{{- include "dataspoke.testPod" (dict "context" .context "component" (printf "test-%s" .component) "script" (include "dataspoke.httpTestScript" .context) "env" (list
      (dict "name" "TEST_HOST" "value" (include "dataspoke.app.name" .))
      (dict "name" "TEST_PORT" "value" .port)
      (dict "name" "TEST_PATH" "value" .context.Values.probes.path))) }}
{{- end }}

{{/* The settings of the application, as its pods get them. */}}
{{- define "dataspoke.configData" -}}
{{- with .Values.config -}}
DATASPOKE_DATAHUB_GMS_URL: {{ .datahub.gmsUrl | quote }}
DATASPOKE_DATAHUB_KAFKA_BROKERS: {{ .datahub.kafkaBrokers | quote }}
DATASPOKE_POSTGRES_HOST: {{ default (include "dataspoke.postgresqlName" $) .postgres.host | quote }}
DATASPOKE_POSTGRES_PORT: {{ .postgres.port | quote }}
DATASPOKE_POSTGRES_DB: {{ .postgres.db | quote }}
DATASPOKE_REDIS_HOST: {{ default (include "dataspoke.redisName" $) .redis.host | quote }}
DATASPOKE_REDIS_PORT: {{ .redis.port | quote }}
DATASPOKE_QDRANT_HOST: {{ default (include "dataspoke.qdrantName" $) .qdrant.host | quote }}
DATASPOKE_QDRANT_HTTP_PORT: {{ .qdrant.httpPort | quote }}
DATASPOKE_QDRANT_GRPC_PORT: {{ .qdrant.grpcPort | quote }}
DATASPOKE_TEMPORAL_HOST: {{ default (include "dataspoke.temporalName" $) .temporal.host | quote }}
DATASPOKE_TEMPORAL_PORT: {{ .temporal.port | quote }}
DATASPOKE_TEMPORAL_NAMESPACE: {{ .temporal.namespace | quote }}
DATASPOKE_LLM_PROVIDER: {{ .llm.provider | quote }}
DATASPOKE_LLM_MODEL: {{ .llm.model | quote }}
{{- end }}
{{- end }}

{{/*
Checksums of what a component's pods read when they start, as annotations of the pods: what changes restarts them. Helm shows a
subchart nothing of the umbrella's values but `global`, so the umbrella renders the pods (templates/workloads) and hands these
down. Of credentials only those given by values count: generated ones do not change, and others are not this release's. A short
piece of the sum tells a change just as well, and nothing of what was hashed.
(dict "context" $ "component" "api")
*/}}
{{- define "dataspoke.checksums" -}}
{{- $v := .context.Values }}
{{- $given := list }}
{{- if has .component (list "frontend" "api" "workers") }}
{{- if $v.config.createConfigMap }}
checksum/config: {{ include "dataspoke.configData" .context | sha256sum }}
{{- end }}
{{- if and $v.secrets.createSecret (not $v.secrets.externalSecret.enabled) }}
{{- $given = list $v.secrets.postgres.user $v.secrets.postgres.password $v.secrets.redis.password $v.secrets.qdrant.apiKey $v.secrets.llm.apiKey }}
{{- end }}
{{- else if $v.secrets.externalSecret.enabled }}
{{- else if eq .component "redis" }}
{{- $given = list $v.secrets.redis.password }}
{{- else if eq .component "qdrant" }}
{{- $given = list $v.secrets.qdrant.apiKey }}
{{- else if eq .component "temporal" }}
{{- $given = list $v.secrets.postgres.user $v.secrets.postgres.password }}
{{- end }}
{{- if compact $given }}
checksum/secret: {{ toJson $given | sha256sum | trunc 8 | quote }}
{{- end }}
{{- end }}
