{{/* "8m" in bytes. */}}
{{- define "core-pipeline.bodyBytes" -}}
{{- $number := regexFind "^[0-9]+" . | int64 }}
{{- $factor := get (dict "" 1 "k" 1024 "m" 1048576 "g" 1073741824) (regexReplaceAll "^[0-9]+" . "") }}
{{- mul $number $factor }}
{{- end }}

{{/* Suffixes of Traefik's Middlewares that the values ask for, as a JSON list. */}}
{{- define "core-pipeline.middlewares" -}}
{{- $names := list }}
{{- if .Values.ingress.rateLimit.enabled }}{{ $names = append $names "rate-limit" }}{{ end }}
{{- if .Values.ingress.cors.enabled }}{{ $names = append $names "cors" }}{{ end }}
{{- if .Values.ingress.maxBodySize }}{{ $names = append $names "body-size" }}{{ end }}
{{- toJson $names }}
{{- end }}

{{/* Annotations of the Ingress for its controller; the user's own win. */}}
{{- define "core-pipeline.ingressAnnotations" -}}
{{- $i := .Values.ingress }}
{{- $a := dict }}
{{- with $i.certManager.clusterIssuer }}{{ $_ := set $a "cert-manager.io/cluster-issuer" . }}{{ end }}
{{- with $i.certManager.issuer }}{{ $_ := set $a "cert-manager.io/issuer" . }}{{ end }}
{{- if eq $i.controller "nginx" }}
{{- $p := "nginx.ingress.kubernetes.io" }}
{{- $_ := set $a (printf "%s/ssl-redirect" $p) (toString $i.tls) }}
{{- with $i.maxBodySize }}{{ $_ := set $a (printf "%s/proxy-body-size" $p) . }}{{ end }}
{{- $_ := set $a (printf "%s/proxy-connect-timeout" $p) (toString $i.timeouts.connectSeconds) }}
{{- $_ := set $a (printf "%s/proxy-read-timeout" $p) (toString $i.timeouts.readSeconds) }}
{{- $_ := set $a (printf "%s/proxy-send-timeout" $p) (toString $i.timeouts.sendSeconds) }}
{{- if $i.rateLimit.enabled }}
{{- $_ := set $a (printf "%s/limit-rps" $p) (toString $i.rateLimit.requestsPerSecond) }}
{{- $_ := set $a (printf "%s/limit-burst-multiplier" $p) (toString $i.rateLimit.burstMultiplier) }}
{{- $_ := set $a (printf "%s/limit-connections" $p) (toString $i.rateLimit.connections) }}
{{- end }}
{{- if $i.cors.enabled }}
{{- $_ := set $a (printf "%s/enable-cors" $p) "true" }}
{{- $_ := set $a (printf "%s/cors-allow-origin" $p) (join ", " $i.cors.allowOrigins) }}
{{- $_ := set $a (printf "%s/cors-allow-methods" $p) (join ", " $i.cors.allowMethods) }}
{{- $_ := set $a (printf "%s/cors-allow-headers" $p) (join ", " $i.cors.allowHeaders) }}
{{- $_ := set $a (printf "%s/cors-allow-credentials" $p) (toString $i.cors.allowCredentials) }}
{{- $_ := set $a (printf "%s/cors-max-age" $p) (toString (int64 $i.cors.maxAgeSeconds)) }}
{{- end }}
{{- else if eq $i.controller "traefik" }}
{{- $p := "traefik.ingress.kubernetes.io" }}
{{- $_ := set $a (printf "%s/router.entrypoints" $p) (ternary "websecure" "web" $i.tls) }}
{{- $_ := set $a (printf "%s/router.tls" $p) (toString $i.tls) }}
{{- $references := list }}
{{- range include "core-pipeline.middlewares" . | fromJsonArray }}
{{- $references = append $references (printf "%s-%s-%s@kubernetescrd" $.Release.Namespace (include "core-pipeline.fullname" $) .) }}
{{- end }}
{{- with $references }}{{ $_ := set $a (printf "%s/router.middlewares" $p) (join "," .) }}{{ end }}
{{- end }}
{{- toYaml (mergeOverwrite $a (deepCopy $i.annotations)) }}
{{- end }}
