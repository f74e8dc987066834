{{/*
application.properties of server and admin tool; the password comes by environment variable. Its head is what pods hash:
everything else in the ConfigMap changes with the chart version only.
*/}}
{{- define "floe-platform.polarisProperties" -}}
{{- $otlp := include "floe-platform.otlpEndpoint" . }}
{{- with .Values.polaris -}}
polaris.persistence.type=relational-jdbc
quarkus.datasource.db-kind=postgresql
quarkus.datasource.jdbc.url={{ include "floe-platform.jdbcUrl" (dict "context" $ "database" .database) }}
quarkus.datasource.jdbc.max-size={{ .databasePoolSize }}
quarkus.datasource.username={{ include "floe-platform.databaseUser" $ }}
polaris.realm-context.type=default
polaris.realm-context.realms={{ .realm }}
polaris.authentication.type=internal
polaris.authentication.token-broker.type=symmetric-key
polaris.authentication.token-broker.symmetric-key.file=/etc/polaris/auth/token-broker-key
polaris.authentication.token-broker.max-token-generation={{ .auth.tokenLifetime }}
polaris.features."SUPPORTED_CATALOG_STORAGE_TYPES"={{ .storageTypes | toJson }}
quarkus.http.port=8181
quarkus.management.enabled=true
quarkus.management.port=8182
quarkus.log.level={{ .logLevel }}
quarkus.log.console.json.enabled={{ .jsonLogs }}
{{- if $otlp }}
quarkus.otel.sdk.disabled=false
quarkus.otel.exporter.otlp.endpoint={{ $otlp }}
quarkus.otel.resource.attributes=service.name=polaris,deployment.environment.name={{ default "unset" $.Values.global.environment }}
{{- else }}
quarkus.otel.sdk.disabled=true
{{- end }}
{{- range $key, $value := .properties }}
{{ $key }}={{ $value }}
{{- end }}
{{- end }}
{{- end }}

{{- define "floe-platform.polarisSecret" -}}
{{- default (include "floe-platform.polarisName" .) .Values.polaris.auth.existingSecret }}
{{- end }}

{{- define "floe-platform.polarisMounts" -}}
- name: config
  mountPath: /deployments/config
  readOnly: true
- name: auth
  mountPath: /etc/polaris/auth
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}
