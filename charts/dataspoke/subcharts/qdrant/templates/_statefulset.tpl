{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.qdrant.workload" -}}
{{- $name := include "dataspoke.qdrantName" . }}
{{- with .Values }}
{{- $self := dict "context" $ "component" "qdrant" "values" . "labels" .podLabels "annotations" .podAnnotations "user" 1000 "group" 2000 "fsGroup" 3000 "persistence" .persistence }}
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" $self | nindent 4 }}
spec:
  # One node: more would be a cluster with consensus, which this chart does not set up.
  replicas: 1
  serviceName: {{ $name }}-headless
  revisionHistoryLimit: 5
  selector:
    matchLabels:
      {{- include "dataspoke.selectorLabels" $self | nindent 6 }}
  persistentVolumeClaimRetentionPolicy:
    whenDeleted: {{ .persistence.whenDeleted }}
    whenScaled: Retain
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
      containers:
        - name: qdrant
          {{- include "dataspoke.containerImage" (dict "context" $ "image" .image "suffix" "-unprivileged") | nindent 10 }}
          env:
            - name: QDRANT__SERVICE__API_KEY
              valueFrom:
                secretKeyRef:
                  name: {{ default (include "dataspoke.componentName" (dict "context" $ "component" "qdrant")) .auth.existingSecret | quote }}
                  key: {{ .auth.secretKey }}
            - name: QDRANT_INIT_FILE_PATH
              value: /qdrant/init/.qdrant-initialized
            - name: QDRANT__LOG_LEVEL
              value: {{ .logLevel }}
            - name: QDRANT__TELEMETRY_DISABLED
              value: {{ not .telemetry | quote }}
            {{- range $key, $value := .config }}
            - name: QDRANT__{{ $key }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            - name: http
              containerPort: 6333
            - name: grpc
              containerPort: 6334
          # These paths need no API key. A large collection takes its time to load.
          startupProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 5
            failureThreshold: 120
          readinessProbe:
            httpGet:
              path: /readyz
              port: http
            periodSeconds: 10
            timeoutSeconds: 5
          livenessProbe:
            httpGet:
              path: /livez
              port: http
            periodSeconds: 20
            timeoutSeconds: 5
            failureThreshold: 6
          resources:
            {{- toYaml .resources | nindent 12 }}
          securityContext:
            {{- include "dataspoke.containerSecurityContext" $ | nindent 12 }}
          volumeMounts:
            - name: data
              mountPath: /qdrant/storage
              subPath: storage
            - name: data
              mountPath: /qdrant/snapshots
              subPath: snapshots
            - name: init
              mountPath: /qdrant/init
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: init
          emptyDir: {}
        - name: tmp
          emptyDir: {}
        {{- if not .persistence.enabled }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- if .persistence.enabled }}
  volumeClaimTemplates:
    - {{ include "dataspoke.volumeClaim" $self | nindent 6 | trim }}
  {{- end }}
{{- end }}
{{- end }}
