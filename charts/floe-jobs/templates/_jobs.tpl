{{/*
All jobs with what each type and the defaults add, as a YAML map by the name in values: those made from the artifacts first,
then those of `jobs`, which may change the former. Adds `objectName` and `label`. (dict "context" $ "document" …)
*/}}
{{- define "floe-jobs.jobs" -}}
{{- $root := .context }}
{{- $document := .document }}
{{- $wanted := dict }}
{{- $from := $root.Values.fromArtifacts }}
{{- if or (ne $from.transforms "none") $from.quality }}
{{- if not ($document.transforms).models }}
{{- fail "floe-jobs: fromArtifacts makes jobs of transforms.models of the artifacts: give them in artifacts.content or artifacts.json, or list the jobs in jobs" }}
{{- end }}
{{- if eq $from.transforms "single" }}
{{- $_ := set $wanted "transform" (merge (dict "type" "dbt") (deepCopy $from.job)) }}
{{- else if eq $from.transforms "perModel" }}
{{- range $document.transforms.models }}
{{- $job := merge (dict "type" "dbt") (deepCopy $from.job) }}
{{- include "floe-jobs.merge" (dict "into" $job "from" (dict "dbt" (dict "select" (list .name)))) }}
{{- $_ := set $wanted .name $job }}
{{- end }}
{{- end }}
{{- if $from.quality }}
{{- $_ := set $wanted "quality" (merge (dict "type" "quality") (deepCopy $from.job)) }}
{{- end }}
{{- end }}
{{- include "floe-jobs.merge" (dict "into" $wanted "from" (deepCopy (default dict $root.Values.jobs))) }}
{{- $jobs := dict }}
{{- $names := dict }}
{{- range $name := keys $wanted | sortAlpha }}
{{- $own := get $wanted $name }}
{{- if and (kindIs "map" $own) (ne (toString (get $own "enabled")) "false") }}
{{- $job := deepCopy $root.Values.defaults }}
{{- include "floe-jobs.merge" (dict "into" $job "from" (deepCopy (get $root.Values.types $own.type))) }}
{{- include "floe-jobs.merge" (dict "into" $job "from" $own) }}
{{- $valid := include "floe-jobs.validName" (dict "name" $name "max" 63) }}
{{- if hasKey $names $valid }}
{{- fail (printf "floe-jobs: the jobs %q and %q would both be called %q: rename one of them" (get $names $valid) $name $valid) }}
{{- end }}
{{- $_ := set $names $valid $name }}
{{- $full := printf "%s-%s" (include "floe-jobs.fullname" $root) $valid }}
{{- /* Kubernetes appends up to 11 characters to a CronJob's name; a Job gets a hash of what it runs. */}}
{{- $_ := set $job "objectName" (include "floe-jobs.validName" (dict "name" $full "max" (ternary 52 54 (not (empty $job.schedule))))) }}
{{- $_ := set $job "label" $valid }}
{{- $_ := set $jobs $name $job }}
{{- end }}
{{- end }}
{{- toYaml $jobs }}
{{- end }}

{{/* Arguments of a job, as a YAML list. (dict "name" … "job" …) */}}
{{- define "floe-jobs.args" -}}
{{- $job := .job }}
{{- $args := list }}
{{- if $job.args }}
{{- $args = $job.args }}
{{- else if has $job.type (list "dbt" "quality") }}
{{- $dbt := $job.dbt }}
{{- $args = splitList " " $dbt.command }}
{{- if $dbt.projectDir }}{{ $args = concat $args (list "--project-dir" $dbt.projectDir) }}{{ end }}
{{- if $dbt.target }}{{ $args = concat $args (list "--target" $dbt.target) }}{{ end }}
{{- if $dbt.select }}{{ $args = concat $args (list "--select") $dbt.select }}{{ end }}
{{- if $dbt.exclude }}{{ $args = concat $args (list "--exclude") $dbt.exclude }}{{ end }}
{{- if $dbt.vars }}{{ $args = concat $args (list "--vars" (toJson $dbt.vars)) }}{{ end }}
{{- if $dbt.threads }}{{ $args = concat $args (list "--threads" (toString (int $dbt.threads))) }}{{ end }}
{{- if $dbt.fullRefresh }}{{ $args = append $args "--full-refresh" }}{{ end }}
{{- else if eq $job.type "dlt" }}
{{- if $job.dlt.module }}
{{- $args = list "-m" $job.dlt.module }}
{{- else if $job.dlt.script }}
{{- $args = list $job.dlt.script }}
{{- else }}
{{- fail (printf "floe-jobs: jobs.%s is of type dlt and needs dlt.script or dlt.module (or args)" .name) }}
{{- end }}
{{- else if not $job.command }}
{{- fail (printf "floe-jobs: jobs.%s is of type custom and needs a command" .name) }}
{{- end }}
{{- if $args }}
{{- toYaml $args }}
{{- end }}
{{- end }}

{{/* Environment of every job that the artifacts and the settings of telemetry and lineage give, as a YAML map.
(dict "context" $ "document" …) */}}
{{- define "floe-jobs.platformEnv" -}}
{{- $root := .context }}
{{- $document := .document }}
{{- $observability := default dict $document.observability }}
{{- $env := dict }}
{{- $environment := default "" ($root.Values.global).environment }}
{{- with $environment }}{{ $_ := set $env "FLOE_ENVIRONMENT" . }}{{ end }}
{{- if include "floe-jobs.hasArtifacts" $root }}
{{- $_ := set $env "FLOE_COMPILED_ARTIFACTS" (printf "%s/%s" $root.Values.artifacts.mountPath $root.Values.artifacts.key) }}
{{- end }}
{{- $telemetry := default dict $observability.telemetry }}
{{- if and $root.Values.telemetry.enabled (or $root.Values.telemetry.endpoint (and $telemetry $telemetry.enabled)) }}
{{- $protocol := default (ternary "http/protobuf" "grpc" (eq (toString $telemetry.otlp_protocol) "http")) $root.Values.telemetry.protocol }}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" (default (default "http://localhost:4317" $telemetry.otlp_endpoint) (tpl $root.Values.telemetry.endpoint $root)) }}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_PROTOCOL" $protocol }}
{{- $attributes := default dict $telemetry.resource_attributes }}
{{- with $attributes.service_name }}{{ $_ := set $env "OTEL_SERVICE_NAME" . }}{{ end }}
{{- $pairs := list }}
{{- with default $attributes.deployment_environment $environment }}{{ $pairs = append $pairs (printf "deployment.environment.name=%s" .) }}{{ end }}
{{- with $attributes.service_version }}{{ $pairs = append $pairs (printf "service.version=%s" .) }}{{ end }}
{{- with $attributes.floe_namespace }}{{ $pairs = append $pairs (printf "floe.namespace=%s" .) }}{{ end }}
{{- with $attributes.floe_product_name }}{{ $pairs = append $pairs (printf "floe.product.name=%s" .) }}{{ end }}
{{- with $attributes.floe_product_version }}{{ $pairs = append $pairs (printf "floe.product.version=%s" .) }}{{ end }}
{{- with $attributes.floe_mode }}{{ $pairs = append $pairs (printf "floe.mode=%s" .) }}{{ end }}
{{- with $pairs }}{{ $_ := set $env "OTEL_RESOURCE_ATTRIBUTES" (join "," .) }}{{ end }}
{{- $row := default "" (get $root.Values.telemetry.samplingByEnvironment $environment) }}
{{- if and $row (hasKey (default dict $telemetry.sampling) $row) }}
{{- $_ := set $env "OTEL_TRACES_SAMPLER" "parentbased_traceidratio" }}
{{- $_ := set $env "OTEL_TRACES_SAMPLER_ARG" (toString (get $telemetry.sampling $row)) }}
{{- end }}
{{- $batch := default dict $telemetry.batch_processor }}
{{- with $batch.max_queue_size }}{{ $_ := set $env "OTEL_BSP_MAX_QUEUE_SIZE" (toString (int .)) }}{{ end }}
{{- with $batch.max_export_batch_size }}{{ $_ := set $env "OTEL_BSP_MAX_EXPORT_BATCH_SIZE" (toString (int .)) }}{{ end }}
{{- with $batch.schedule_delay_millis }}{{ $_ := set $env "OTEL_BSP_SCHEDULE_DELAY" (toString (int .)) }}{{ end }}
{{- with $batch.export_timeout_millis }}{{ $_ := set $env "OTEL_BSP_EXPORT_TIMEOUT" (toString (int .)) }}{{ end }}
{{- end }}
{{- $endpoint := default (default "" $observability.lineage_endpoint) (tpl $root.Values.lineage.endpoint $root) }}
{{- if and $root.Values.lineage.enabled $endpoint (or $root.Values.lineage.endpoint $observability.lineage) }}
{{- $_ := set $env "OPENLINEAGE_URL" $endpoint }}
{{- with default $observability.lineage_namespace $root.Values.lineage.namespace }}{{ $_ := set $env "OPENLINEAGE_NAMESPACE" . }}{{ end }}
{{- end }}
{{- toYaml $env }}
{{- end }}

{{/* "true" where this job reads dbt's profile. (dict "facts" … "job" …) */}}
{{- define "floe-jobs.usesProfiles" -}}
{{- if and .facts.hasProfiles (has .job.type (list "dbt" "quality")) }}true{{ end }}
{{- end }}

{{/* Environment of a job's container. (dict "context" $ "facts" … "job" …) */}}
{{- define "floe-jobs.env" -}}
{{- $root := .context }}
{{- $env := deepCopy .facts.environment }}
{{- if include "floe-jobs.usesProfiles" . }}
{{- $_ := set $env "DBT_PROFILES_DIR" $root.Values.profiles.mountPath }}
{{- end }}
{{- include "floe-jobs.merge" (dict "into" $env "from" .job.env) }}
{{- range $name, $value := $env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with $root.Values.telemetry.headersSecret }}
{{- if and .name (hasKey $env "OTEL_EXPORTER_OTLP_ENDPOINT") }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ .name | quote }}
      key: {{ .key | quote }}
{{- end }}
{{- end }}
{{- range $secret := .job.secrets }}
{{- range $name, $key := $secret.env }}
- name: {{ $name }}
  valueFrom:
    secretKeyRef:
      name: {{ $secret.name | quote }}
      key: {{ $key | quote }}
      {{- if $secret.optional }}
      optional: true
      {{- end }}
{{- end }}
{{- end }}
{{- with .job.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "floe-jobs.envFrom" -}}
{{- range .job.configMaps }}
- configMapRef:
    name: {{ . | quote }}
{{- end }}
{{- range .job.secrets }}
{{- if .envFrom }}
- secretRef:
    name: {{ .name | quote }}
    {{- if .optional }}
    optional: true
    {{- end }}
  {{- with .prefix }}
  prefix: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "floe-jobs.volumeMounts" -}}
{{- $values := .context.Values }}
{{- if .facts.hasArtifacts }}
- name: artifacts
  mountPath: {{ $values.artifacts.mountPath | quote }}
  readOnly: true
{{- end }}
{{- if include "floe-jobs.usesProfiles" . }}
- name: profiles
  mountPath: {{ $values.profiles.mountPath | quote }}
  readOnly: true
{{- end }}
{{- range $index, $secret := .job.secrets }}
{{- with $secret.mountPath }}
- name: secret-{{ $index }}
  mountPath: {{ . | quote }}
  readOnly: true
{{- end }}
{{- end }}
{{- range $index, $path := .job.scratch.paths }}
- name: scratch
  mountPath: {{ $path | quote }}
  subPath: {{ printf "path-%d" $index }}
{{- end }}
{{- with .job.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "floe-jobs.volumes" -}}
{{- $values := .context.Values }}
{{- if .facts.hasArtifacts }}
- name: artifacts
  {{- if $values.artifacts.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ $values.artifacts.existingClaim | quote }}
    readOnly: true
  {{- else }}
  configMap:
    name: {{ default (include "floe-jobs.objectName" (dict "context" .context "suffix" "artifacts")) $values.artifacts.existingConfigMap | quote }}
  {{- end }}
{{- end }}
{{- if include "floe-jobs.usesProfiles" . }}
- name: profiles
  {{- if $values.profiles.existingSecret }}
  secret:
    secretName: {{ $values.profiles.existingSecret | quote }}
  {{- else }}
  configMap:
    name: {{ default (include "floe-jobs.objectName" (dict "context" .context "suffix" "profiles")) $values.profiles.existingConfigMap | quote }}
  {{- end }}
    items:
      - key: {{ $values.profiles.key | quote }}
        path: profiles.yml
{{- end }}
{{- range $index, $secret := .job.secrets }}
{{- if $secret.mountPath }}
- name: secret-{{ $index }}
  secret:
    secretName: {{ $secret.name | quote }}
    defaultMode: 0440
    {{- if $secret.optional }}
    optional: true
    {{- end }}
{{- end }}
{{- end }}
{{- if .job.scratch.paths }}
- name: scratch
  emptyDir:
    sizeLimit: {{ .job.scratch.sizeLimit }}
{{- end }}
{{- with .job.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Init container that waits for services, at most wait.timeoutSeconds each, and then says what to look at. */}}
{{- define "floe-jobs.waitFor" -}}
{{- $wait := .context.Values.wait }}
- name: wait-for-services
  image: {{ include "floe-jobs.image" (dict "context" .context "image" $wait.image "key" "wait.image") | quote }}
  imagePullPolicy: {{ $wait.image.pullPolicy }}
  command:
    - sh
    - -ec
    - |
      {{- .context.Files.Get "files/wait.sh" | trim | nindent 6 }}
    - wait
  args:
    {{- range .job.waitFor }}
    - {{ tpl . $.context | quote }}
    {{- end }}
  env:
    - name: WAIT_SECONDS
      value: {{ $wait.timeoutSeconds | quote }}
    - name: WAIT_INTERVAL
      value: {{ $wait.intervalSeconds | quote }}
  resources:
    {{- toYaml $wait.resources | nindent 4 }}
  securityContext:
    {{- include "floe-jobs.containerSecurityContext" true | nindent 4 }}
{{- end }}

{{/* Specification of a Job. (dict "context" $ "facts" … "name" … "job" …) */}}
{{- define "floe-jobs.jobSpec" -}}
{{- $root := .context }}
{{- $job := .job -}}
backoffLimit: {{ int $job.backoffLimit }}
activeDeadlineSeconds: {{ int $job.activeDeadlineSeconds }}
{{- if ge (int $job.ttlSecondsAfterFinished) 0 }}
ttlSecondsAfterFinished: {{ int $job.ttlSecondsAfterFinished }}
{{- end }}
parallelism: {{ int $job.parallelism }}
completions: {{ int $job.completions }}
{{- if and $job.suspend (not $job.schedule) }}
suspend: true
{{- end }}
template:
  metadata:
    labels:
      {{- include "floe-jobs.podLabels" (dict "context" $root "component" $job.type "facts" .facts) | nindent 6 }}
      floe.dev/job: {{ $job.label | trunc 63 | quote }}
      {{- with $job.podLabels }}
      {{- tpl (toYaml .) $root | nindent 6 }}
      {{- end }}
    annotations:
      {{- with .facts.checksums }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- with $job.podAnnotations }}
      {{- tpl (toYaml .) $root | nindent 6 }}
      {{- end }}
      floe.dev/job-name: {{ .name | quote }}
  spec:
    restartPolicy: {{ $job.restartPolicy }}
    serviceAccountName: {{ include "floe-jobs.serviceAccountName" $root }}
    automountServiceAccountToken: {{ $root.Values.serviceAccount.automountToken }}
    {{- with concat $root.Values.imagePullSecrets (default list ($root.Values.global).imagePullSecrets) | uniq }}
    imagePullSecrets:
      {{- range . }}
      - name: {{ . | quote }}
      {{- end }}
    {{- end }}
    {{- with $job.priorityClassName }}
    priorityClassName: {{ . | quote }}
    {{- end }}
    terminationGracePeriodSeconds: {{ int $job.terminationGracePeriodSeconds }}
    securityContext:
      {{- include "floe-jobs.podSecurityContext" $job.securityContext | nindent 6 }}
    {{- if $job.waitFor }}
    initContainers:
      {{- include "floe-jobs.waitFor" . | trim | nindent 6 }}
    {{- end }}
    containers:
      - name: {{ $job.type }}
        image: {{ include "floe-jobs.image" (dict "context" $root "image" $job.image "key" (printf "defaults.image (or jobs.%s.image)" .name)) | quote }}
        imagePullPolicy: {{ $job.image.pullPolicy }}
        {{- with $job.command }}
        command:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- with include "floe-jobs.args" . }}
        args:
          {{- . | nindent 10 }}
        {{- end }}
        {{- with $job.workingDir }}
        workingDir: {{ . | quote }}
        {{- end }}
        {{- with include "floe-jobs.env" . | trim }}
        env:
          {{- . | nindent 10 }}
        {{- end }}
        {{- with include "floe-jobs.envFrom" . | trim }}
        envFrom:
          {{- . | nindent 10 }}
        {{- end }}
        {{- range $probe := list "startupProbe" "readinessProbe" "livenessProbe" }}
        {{- with get $job $probe }}
        {{ $probe }}:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        {{- end }}
        resources:
          {{- include "floe-jobs.resources" (dict "context" $root "resources" $job.resources) | nindent 10 }}
        securityContext:
          {{- include "floe-jobs.containerSecurityContext" $job.securityContext.readOnlyRootFilesystem | nindent 10 }}
        {{- with include "floe-jobs.volumeMounts" . | trim }}
        volumeMounts:
          {{- . | nindent 10 }}
        {{- end }}
    {{- with include "floe-jobs.volumes" . | trim }}
    volumes:
      {{- . | nindent 6 }}
    {{- end }}
    {{- with $job.nodeSelector }}
    nodeSelector:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $job.tolerations }}
    tolerations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- with $job.affinity }}
    affinity:
      {{- tpl (toYaml .) $root | nindent 6 }}
    {{- end }}
{{- end }}
