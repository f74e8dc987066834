{{/*
Web interfaces that are reachable from outside, as a YAML list of {component, host, path, service, port}: Dagster at the
main host, others where they have a host of their own. (dict "context" $ "hosts" .Values.ingress)
*/}}
{{- define "floe-platform.exposed" -}}
{{- $ := .context }}
{{- $main := .hosts.host }}
{{- $extra := .hosts.extraHosts }}
{{- if and $.Values.dagster.enabled $main }}
- {component: dagster-webserver, host: {{ $main | quote }}, path: {{ default "/" $.Values.dagster.webserver.pathPrefix | quote }}, service: {{ include "floe-platform.webserverName" $ }}, port: {{ $.Values.dagster.webserver.service.port }}}
{{- end }}
{{- if and $.Values.polaris.enabled $extra.polaris }}
- {component: polaris, host: {{ $extra.polaris | quote }}, path: /, service: {{ include "floe-platform.polarisName" $ }}, port: {{ $.Values.polaris.service.port }}}
{{- end }}
{{- if and $.Values.marquez.enabled $.Values.marquez.web.enabled $extra.marquez }}
- {component: marquez-web, host: {{ $extra.marquez | quote }}, path: /, service: {{ include "floe-platform.marquezWebName" $ }}, port: {{ $.Values.marquez.web.service.port }}}
{{- end }}
{{- if and (include "floe-platform.jaegerEnabled" $) $extra.jaeger }}
- {component: jaeger, host: {{ $extra.jaeger | quote }}, path: {{ default "/" $.Values.jaeger.basePath | quote }}, service: {{ include "floe-platform.jaegerName" $ }}, port: {{ $.Values.jaeger.service.port }}}
{{- end }}
{{- if and (include "floe-platform.grafanaEnabled" $) $extra.grafana }}
- {component: grafana, host: {{ $extra.grafana | quote }}, path: /, service: {{ include "floe-platform.grafanaName" $ }}, port: {{ $.Values.grafana.service.port }}}
{{- end }}
{{- end }}
