{{/* marquez.yml. The password stays an environment variable: Dropwizard fills it in when it reads the file. */}}
{{- define "floe-platform.marquezYaml" -}}
{{- with .Values.marquez -}}
server:
  applicationConnectors:
    - type: http
      port: 5000
      # OpenLineage clients encode names in ways that newer rules refuse.
      httpCompliance: RFC7230_LEGACY
  adminConnectors:
    - type: http
      port: 5001
db:
  driverClass: org.postgresql.Driver
  url: {{ include "floe-platform.jdbcUrl" (dict "context" $ "database" .database) | quote }}
  user: {{ include "floe-platform.databaseUser" $ | quote }}
  password: ${POSTGRES_PASSWORD}
  maxSize: {{ .databasePoolSize }}
migrateOnStartup: true
graphql:
  enabled: {{ .graphql }}
logging:
  level: {{ .logLevel }}
  appenders:
    - type: console
{{- end }}
{{- end }}
