//! Telemetry of the artifact in the collector's keys: where it goes (`exporters`) and what happens on the way (`config`).

use serde_json::{Map, Number, Value, json};

use super::draft::{Draft, Field};
use super::plugins::Translated;
use super::{Site, Wish};
use crate::base::Problem;
use crate::model::artifacts::{AuthType, Authentication, LogLevel, OtlpProtocol, Sampling, Telemetry};
use crate::yaml::KeyPath;

/// The path of everything here.
const AT: &str = "observability.telemetry";

/// The backends, as the artifact may call them, and the collector's exporter.
const BACKENDS: [(&str, &str); 11] = [
    ("console", "debug"),
    ("debug", "debug"),
    ("stdout", "debug"),
    ("jaeger", "jaeger"),
    ("otlp", "otlp"),
    ("otel-collector", "otlp"),
    ("datadog", "datadog"),
    ("grafana-cloud", "grafanaCloud"),
    ("grafanacloud", "grafanaCloud"),
    ("prometheus", "prometheus"),
    ("none", ""),
];

pub(super) fn draft(
    draft: &mut Draft,
    wish: &Wish,
    site: &Site,
    platform: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    let Some(observability) = &wish.artifact.model.observability else { return };
    let telemetry = &observability.telemetry;
    let plugin = wish.artifact.model.plugins.as_ref().and_then(|plugins| plugins.telemetry_backend.as_ref());
    // The requirements' field wins over the contract's own.
    let (name, field) = match (plugin, &telemetry.backend) {
        (Some(plugin), _) => (Some(plugin.kind.as_str()), Field::artifact("plugins.telemetry_backend.type")),
        (None, Some(backend)) => (Some(backend.as_str()), Field::artifact("observability.telemetry.backend")),
        (None, None) => (None, Field::artifact(AT)),
    };
    let exporter = name.map(|name| {
        let plain = name.to_ascii_lowercase().replace('_', "-");
        BACKENDS.iter().find(|(known, _)| *known == plain).map(|(_, exporter)| *exporter)
    });
    if exporter == Some(None) {
        let known: Vec<&str> = BACKENDS.iter().map(|(known, _)| *known).collect();
        let (file, line) = wish.artifact.locate(&field.path);
        let words = format!("the collector has no exporter for it, known are {}", known.join(", "));
        problems.push(Problem::error(words).at(file, Some(line)).key(field.path.to_string()));
        return;
    }
    let exporter = exporter.flatten();
    let collector = platform.key("otel-collector");
    let runs = telemetry.enabled && exporter != Some("");
    let switch =
        if exporter == Some("") { field.clone() } else { Field::artifact("observability.telemetry.enabled") };
    draft.set(&collector, "enabled", runs, switch);
    if !runs {
        // Nobody would send it anything.
        draft.set(platform, "jaeger.enabled", false, Field::artifact("observability.telemetry.enabled"));
        return;
    }
    if let Some(exporter) = exporter {
        exporters(draft, wish, site, (platform, &collector), exporter, &field, problems);
    }
    config(draft, site, &collector, telemetry);
}

/// The exporter of the backend on, Jaeger off where it is another.
fn exporters(
    draft: &mut Draft,
    wish: &Wish,
    site: &Site,
    (platform, collector): (&KeyPath, &KeyPath),
    exporter: &str,
    field: &Field,
    problems: &mut Vec<Problem>,
) {
    let section = collector.key("exporters").key(exporter);
    let path = KeyPath::of(["plugins", "telemetry_backend", "config"]);
    let empty = Map::new();
    let config = path.get(&wish.artifact.value).and_then(Value::as_object).unwrap_or(&empty);
    let elsewhere = exporter == "jaeger" && config.contains_key("endpoint");
    if exporter != "jaeger" {
        draft.set(collector, "exporters.jaeger.enabled", false, field.clone());
    }
    draft.set(platform, "jaeger.enabled", exporter == "jaeger" && !elsewhere, field.clone());
    draft.set(&section, "enabled", true, field.clone());
    let mut translated = Translated { wish, schema: site.schema, found: Vec::new(), problems };
    let (credentials, plain): (Map<String, Value>, Map<String, Value>) =
        config.clone().into_iter().partition(|(key, _)| wish.artifact.holds_credential(&path.key(key)));
    translated.map(&section, &plain, &path);
    for (key, value, field) in translated.found {
        draft.put(key, value, Field::at(field));
    }
    let secret = format!("{}-telemetry", wish.artifact.product());
    for key in credentials.keys() {
        let field = Field::at(path.key(key));
        match (exporter, key.as_str()) {
            ("datadog", _) => {
                draft.set(&section, "existingSecret", secret.as_str(), field.clone());
                draft.set(&section, "secretKey", "datadog-api-key", field);
                draft.need(&secret, "datadog-api-key", "Datadog's API key");
            }
            ("grafanaCloud", _) => {
                draft.set(&section, "existingSecret", secret.as_str(), field.clone());
                draft.set(&section, "tokenKey", "grafana-cloud-token", field.clone());
                draft.set(&section, "instanceIdKey", "grafana-cloud-instance-id", field);
                draft.need(&secret, "grafana-cloud-token", "Grafana Cloud's access token");
                draft.need(&secret, "grafana-cloud-instance-id", "Grafana Cloud's instance id");
            }
            ("otlp", _) => {
                draft.set(&section, "headers", header(&secret, "authorization", "authorization"), field);
                draft.need(&secret, "authorization", "the whole value of the header authorization");
            }
            _ => {
                let (file, line) = wish.artifact.locate(&field.path);
                let words = format!(
                    "is a credential, and the collector's exporter {exporter} takes none: take it out of the artifact"
                );
                problems.push(Problem::error(words).at(file, Some(line)).key(field.path.to_string()));
            }
        }
    }
    if exporter == "otlp" {
        otlp(draft, wish, &section, config.contains_key("endpoint"), &secret);
    }
}

/// OTLP to where the product would have sent it itself, with what that asks for.
fn otlp(draft: &mut Draft, wish: &Wish, section: &KeyPath, has_endpoint: bool, secret: &str) {
    let Some(telemetry) = wish.artifact.model.observability.as_ref().map(|own| &own.telemetry) else {
        return;
    };
    if !has_endpoint && !is_local(&telemetry.otlp_endpoint) {
        let endpoint = match telemetry.otlp_protocol {
            // `host:port` without a scheme.
            OtlpProtocol::Grpc => telemetry.otlp_endpoint.rsplit("://").next().unwrap_or_default().to_owned(),
            OtlpProtocol::Http => telemetry.otlp_endpoint.clone(),
        };
        let from = Field::artifact("observability.telemetry.otlp_endpoint");
        draft.set(section, "endpoint", endpoint.trim_end_matches('/'), from.clone());
        draft.set(section, "insecure", telemetry.otlp_endpoint.starts_with("http://"), from);
        let protocol = match telemetry.otlp_protocol {
            OtlpProtocol::Grpc => "grpc",
            OtlpProtocol::Http => "http",
        };
        draft.set(section, "protocol", protocol, Field::artifact("observability.telemetry.otlp_protocol"));
    }
    if let Some(authentication) = &telemetry.authentication {
        let (name, key, about) = header_of(authentication);
        let from = Field::artifact("observability.telemetry.authentication");
        draft.set(section, "headers", header(secret, &name, key), from);
        draft.need(secret, key, about);
    }
}

fn header(secret: &str, name: &str, key: &str) -> Value {
    json!([{"name": name, "secret": secret, "key": key}])
}

/// Name of the header, key of the Secret, what has to be in it.
fn header_of(authentication: &Authentication) -> (String, &'static str, String) {
    match authentication.auth_type {
        AuthType::ApiKey => {
            let name = authentication.header_name.clone().unwrap_or_else(|| "x-api-key".to_owned());
            let about = format!("the API key, the value of the header {name}");
            (name, "api-key", about)
        }
        AuthType::Bearer => {
            let name = authentication.header_name.clone().unwrap_or_else(|| "authorization".to_owned());
            let about = format!("`Bearer ` and the token, the value of the header {name}");
            (name, "authorization", about)
        }
    }
}

/// The header's name and the key of the Secret that holds `name=value` for a job's own exporter.
pub(super) fn job_headers(authentication: &Authentication) -> (&'static str, String) {
    let (name, ..) = header_of(authentication);
    let value = match authentication.auth_type {
        AuthType::ApiKey => "the API key",
        AuthType::Bearer => "Bearer%20 and the token",
    };
    ("otlp-headers", format!("`{name}=` and {value}"))
}

/// What happens on the way.
fn config(draft: &mut Draft, site: &Site, collector: &KeyPath, telemetry: &Telemetry) {
    let at = |field: &str| Field::artifact(&format!("{AT}.{field}"));
    let (row, share) = share(&telemetry.sampling, site.environment);
    let from = at(&format!("sampling.{row}"));
    if share > 0.0 {
        draft.set(collector, "config.sampling.percentage", percent(share), from);
    } else {
        draft.set(collector, "pipelines.traces.enabled", false, from);
    }
    draft.set(
        collector,
        "config.resourceAttributes",
        json!({"deployment.environment.name": site.environment}),
        at("resource_attributes.deployment_environment"),
    );
    if let Some(batch) = &telemetry.batch_processor {
        if let Some(size) = batch.max_export_batch_size {
            draft.set(
                collector,
                "config.batch.sendBatchSize",
                size,
                at("batch_processor.max_export_batch_size"),
            );
        }
        if let Some(delay) = batch.schedule_delay_millis {
            let from = at("batch_processor.schedule_delay_millis");
            draft.set(collector, "config.batch.timeout", format!("{delay}ms"), from);
        }
        if let Some(timeout) = batch.export_timeout_millis {
            let from = at("batch_processor.export_timeout_millis");
            draft.set(collector, "exporters.timeout", format!("{timeout}ms"), from);
        }
    }
    if let Some(logging) = &telemetry.logging {
        let level = match logging.log_level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warning => "warn",
            LogLevel::Error | LogLevel::Critical => "error",
        };
        draft.set(collector, "config.logLevel", level, at("logging.log_level"));
    }
}

/// The row of the sampling table for an environment (telemetry knows three of them) and what it says.
fn share(sampling: &Sampling, environment: &str) -> (&'static str, f64) {
    match environment {
        "prod" | "production" => ("prod", sampling.prod),
        "qa" | "uat" | "staging" | "stage" => ("staging", sampling.staging),
        _ => ("dev", sampling.dev),
    }
}

/// A share in percent, without what binary fractions add: 0.07 is 7.
fn percent(share: f64) -> Value {
    let percent = (share * 1e8).round() / 1e6;
    if percent.fract() == 0.0 {
        return json!(percent as i64);
    }
    Number::from_f64(percent).map_or(Value::Null, Value::Number)
}

/// Whether an address means the machine it is used on: nobody listens there in a pod.
pub(super) fn is_local(endpoint: &str) -> bool {
    let host = endpoint.rsplit("://").next().unwrap_or_default();
    ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"].iter().any(|local| {
        host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    })
}
