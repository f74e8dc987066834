{{/*
Credentials, decided in one place because several Secrets repeat them. In this order: what values say; what the subchart's
existing Secret holds; what an earlier revision stored; else a new random one. The cluster is asked by lookup, which answers
nothing in `helm template`.
(dict "context" $ "given" .Values.secrets.redis.password "existing" "secret or empty" "component" "redis" "key" "REDIS_PASSWORD" "appKey" "DATASPOKE_REDIS_PASSWORD" "default" "")
*/}}
{{- define "dataspoke.credential" -}}
{{- if .given }}
{{- .given }}
{{- else }}
{{- $found := "" }}
{{- $own := include "dataspoke.componentName" (dict "context" .context "component" .component) }}
{{- range $place := list (list .existing .key) (list $own .storedKey) (list (include "dataspoke.secretName" .context) .appKey) }}
{{- $name := index $place 0 }}
{{- if and $name (not $found) }}
{{- $data := (default dict (lookup "v1" "Secret" $.context.Release.Namespace $name)).data | default dict }}
{{- $found = get $data (index $place 1) | default "" | b64dec }}
{{- end }}
{{- end }}
{{- if $found }}{{ $found }}{{ else if .default }}{{ .default }}{{ else }}{{ randAlphaNum 32 }}{{ end }}
{{- end }}
{{- end }}

{{/* True where PostgreSQL's own Secret is made by this chart. */}}
{{- define "dataspoke.credentials" -}}
{{- $v := .Values }}
{{- $pg := default dict $v.postgresql.auth }}
{{- $pgKeys := default dict $pg.secretKeys }}
{{- $redis := default dict $v.redis.auth }}
{{- $qdrant := default dict $v.qdrant.auth }}
postgresUser: {{ include "dataspoke.credential" (dict "context" . "given" $v.secrets.postgres.user "existing" $pg.existingSecret "component" "postgresql"
    "key" (default "POSTGRES_USER" $pgKeys.user) "storedKey" "POSTGRES_USER" "appKey" "DATASPOKE_POSTGRES_USER" "default" "dataspoke") | quote }}
postgresPassword: {{ include "dataspoke.credential" (dict "context" . "given" $v.secrets.postgres.password "existing" $pg.existingSecret "component" "postgresql"
    "key" (default "POSTGRES_PASSWORD" $pgKeys.password) "storedKey" "POSTGRES_PASSWORD" "appKey" "DATASPOKE_POSTGRES_PASSWORD") | quote }}
redisPassword: {{ include "dataspoke.credential" (dict "context" . "given" $v.secrets.redis.password "existing" $redis.existingSecret "component" "redis"
    "key" (default "REDIS_PASSWORD" $redis.secretKey) "storedKey" "REDIS_PASSWORD" "appKey" "DATASPOKE_REDIS_PASSWORD") | quote }}
qdrantApiKey: {{ include "dataspoke.credential" (dict "context" . "given" $v.secrets.qdrant.apiKey "existing" $qdrant.existingSecret "component" "qdrant"
    "key" (default "QDRANT_API_KEY" $qdrant.secretKey) "storedKey" "QDRANT_API_KEY" "appKey" "DATASPOKE_QDRANT_API_KEY") | quote }}
{{- end }}
