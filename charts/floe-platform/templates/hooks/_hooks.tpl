{{/*
Annotations of a hook. What has succeeded is removed, what has failed stays for its log until the next attempt.
(dict "events" "pre-install" "weight" "0")
*/}}
{{- define "floe-platform.hook" -}}
helm.sh/hook: {{ .events }}
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}
