//! Jobs of the data product: one for each dbt model (or one for all), the artifact as their `ConfigMap`, dbt's profile,
//! their schedule, where they send telemetry and lineage, and the Secrets they read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::draft::{Draft, Field};
use super::telemetry::{is_local, job_headers};
use super::{JobsMode, Wish};
use crate::base::{Problem, credential};
use crate::model::artifacts::{LineageTransport, OtlpProtocol};
use crate::model::job::valid_name;
use crate::yaml::KeyPath;

/// What a `ConfigMap` holds at most, in bytes.
pub const CONFIG_MAP: usize = 1024 * 1024;

/// What the operator's own values say about the artifact: it may lie elsewhere.
pub(super) struct Given<'g> {
    pub(super) values: &'g Value,
    pub(super) section: &'g KeyPath,
}

impl Given<'_> {
    fn is_set(&self, key: &str) -> bool {
        let path = super::draft::join(self.section, &KeyPath::parse(key).unwrap_or_default());
        !matches!(path.get(self.values), None | Some(Value::Null))
            && path.get(self.values) != Some(&json!(""))
    }
}

pub(super) fn draft(
    draft: &mut Draft,
    wish: &Wish,
    section: &KeyPath,
    given: &Given,
    platform: Option<&str>,
    problems: &mut Vec<Problem>,
) {
    let fault = |words: String, field: &str| {
        let path = KeyPath::parse(field).unwrap_or_default();
        let (file, line) = wish.artifact.locate(&path);
        Problem::error(words).at(file, Some(line)).key(path.to_string())
    };
    let elsewhere = ["artifacts.existingConfigMap", "artifacts.existingClaim", "artifacts.json"]
        .iter()
        .any(|key| given.is_set(key));
    if !elsewhere {
        let content = for_jobs(&wish.artifact.value);
        let size = size(&content);
        if size > CONFIG_MAP {
            problems.push(fault(
                format!(
                    "the artifact takes {size} bytes, a ConfigMap holds {CONFIG_MAP}: put it on a volume and name the claim \
                     (--set {}=CLAIM), or split the data product",
                    super::draft::join(section, &KeyPath::of(["artifacts", "existingClaim"]))
                ),
                "",
            ));
            return;
        }
        draft.set(section, "artifacts.content", content, Field::at(KeyPath::root()));
    }
    let profiles_elsewhere =
        ["profiles.existingConfigMap", "profiles.existingSecret"].iter().any(|key| given.is_set(key));
    if let Some(profiles) = wish.artifact.value.get("dbt_profiles").filter(|own| own.is_object())
        && !profiles_elsewhere
    {
        draft.set(section, "profiles.content", for_jobs(profiles), Field::artifact("dbt_profiles"));
    }
    secrets(draft, wish, section, !elsewhere, profiles_elsewhere);
    telemetry(draft, wish, section, platform);
    lineage(draft, wish, section, platform, problems);
    models(draft, wish, section, problems);
}

/// Jobs of the models.
fn models(draft: &mut Draft, wish: &Wish, section: &KeyPath, problems: &mut Vec<Problem>) {
    let Some(transforms) = &wish.artifact.model.transforms else { return };
    let outputs = outputs(&wish.artifact.value);
    if wish.jobs == JobsMode::Single {
        let name = valid_name(&wish.artifact.model.metadata.product_name, 63);
        let select: Vec<&str> = transforms.models.iter().map(|model| model.name.as_str()).collect();
        let job = section.key("jobs").key(name);
        draft.put(
            job.clone(),
            json!({"type": "dbt", "dbt": {"select": select}}),
            Field::artifact("transforms.models"),
        );
        schedule(draft, wish, &job);
        return;
    }
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    let mut ordered = Vec::new();
    for (index, model) in transforms.models.iter().enumerate() {
        let at = KeyPath::of(["transforms", "models"]).index(index);
        let name = valid_name(&model.name, 63);
        if let Some(other) = names.insert(name.clone(), &model.name) {
            let (file, line) = wish.artifact.locate(&at.key("name"));
            let words =
                format!("its job would be called {name}, as that of {other}: rename one of the two models");
            problems.push(Problem::error(words).at(file, Some(line)).key(at.key("name").to_string()));
            continue;
        }
        let known = |name: &String| transforms.models.iter().any(|other| other.name == *name);
        if model.depends_on.iter().flatten().any(known) {
            ordered.push(at.key("depends_on"));
        }
        let job = section.key("jobs").key(name);
        let mut dbt = json!({"select": [model.name]});
        let compute = model.compute.as_ref().or(transforms.default_compute.as_ref());
        if let Some(compute) = compute.filter(|compute| outputs.contains(&compute.as_str())) {
            dbt["target"] = json!(compute);
        }
        draft.put(job.clone(), json!({"type": "dbt", "dbt": dbt}), Field::at(at.key("name")));
        schedule(draft, wish, &job);
    }
    if let Some(first) = ordered.first() {
        let (file, line) = wish.artifact.locate(first);
        let words = format!(
            "{} of the models depend on others, and jobs of their own start together: --jobs single keeps dbt's order",
            ordered.len()
        );
        problems.push(Problem::warning(words).at(file, Some(line)).key(first.to_string()));
    }
}

/// The outputs of all profiles.
fn outputs(document: &Value) -> Vec<&str> {
    let profiles = document.get("dbt_profiles").and_then(Value::as_object).into_iter().flatten();
    let outputs = profiles.filter_map(|(_, profile)| profile.get("outputs")?.as_object());
    outputs.flat_map(Map::keys).map(String::as_str).collect()
}

/// The product's schedule for a job: with one it is a `CronJob`.
fn schedule(draft: &mut Draft, wish: &Wish, job: &KeyPath) {
    let Some(schedule) = wish.spec.and_then(|spec| spec.entity.schedule.as_ref()) else { return };
    draft.put(job.key("schedule"), schedule.cron.as_str(), Field::spec("schedule.cron"));
    if let Some(zone) = &schedule.timezone {
        draft.put(job.key("timeZone"), zone.as_str(), Field::spec("schedule.timezone"));
    }
    if !schedule.enabled {
        draft.put(job.key("suspend"), true, Field::spec("schedule.enabled"));
    }
}

/// The Secrets that jobs read: one variable for each credential that was taken out.
fn secrets(draft: &mut Draft, wish: &Wish, section: &KeyPath, artifact: bool, profiles_elsewhere: bool) {
    let mut all: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for taken in &wish.artifact.taken {
        let is_profile = taken.field.starts_with(&KeyPath::of(["dbt_profiles"]));
        if (is_profile && profiles_elsewhere) || (!is_profile && !artifact) {
            continue;
        }
        all.entry(&taken.secret).or_default().insert(&taken.variable, &taken.key);
        draft.need(&taken.secret, &taken.key, format!("what stands in {} of the artifact", taken.field));
    }
    if all.is_empty() {
        return;
    }
    let list: Vec<Value> = all.iter().map(|(name, env)| json!({"name": name, "env": env})).collect();
    let first = wish.artifact.taken.first().map(|taken| taken.field.clone()).unwrap_or_default();
    draft.set(section, "defaults.secrets", list, Field::at(first));
}

/// Where jobs send telemetry: to the platform's collector where the artifact only knows its own machine.
fn telemetry(draft: &mut Draft, wish: &Wish, section: &KeyPath, platform: Option<&str>) {
    let Some(telemetry) = wish.artifact.model.observability.as_ref().map(|own| &own.telemetry) else {
        return;
    };
    let at = |field: &str| Field::artifact(&format!("observability.telemetry.{field}"));
    if !telemetry.enabled {
        // The chart reads that of the artifact itself.
        return;
    }
    draft.set(section, "telemetry.enabled", true, at("enabled"));
    let (protocol, port) = match telemetry.otlp_protocol {
        OtlpProtocol::Grpc => ("grpc", 4317),
        OtlpProtocol::Http => ("http/protobuf", 4318),
    };
    draft.set(section, "telemetry.protocol", protocol, at("otlp_protocol"));
    if let Some(release) = platform.filter(|_| is_local(&telemetry.otlp_endpoint)) {
        let endpoint = format!("http://{}:{port}", collector(release));
        draft.set(section, "telemetry.endpoint", endpoint, at("otlp_endpoint"));
        return;
    }
    draft.set(section, "telemetry.endpoint", telemetry.otlp_endpoint.as_str(), at("otlp_endpoint"));
    if let Some(authentication) = &telemetry.authentication {
        let secret = format!("{}-telemetry", wish.artifact.product());
        let (key, about) = job_headers(authentication);
        draft.set(
            section,
            "telemetry.headersSecret",
            json!({"name": secret, "key": key}),
            at("authentication"),
        );
        draft.need(&secret, key, about);
    }
}

/// The Service of the collector in a platform's release, as the charts name it.
fn collector(release: &str) -> String {
    let name = if release.contains("otel-collector") {
        release.to_owned()
    } else {
        format!("{release}-otel-collector")
    };
    shortened(&name, 63)
}

/// The Service of Marquez in a platform's release, as the chart names it.
fn marquez(release: &str) -> String {
    let names_chart =
        release.contains(super::PLATFORM) || super::PLATFORM.starts_with(&format!("{release}-"));
    let stem = if names_chart { release.to_owned() } else { format!("{release}-{}", super::PLATFORM) };
    format!("{}-marquez", shortened(&shortened(&stem, 63), 55))
}

fn shortened(name: &str, length: usize) -> String {
    let name: String = name.chars().take(length).collect();
    name.strip_suffix('-').unwrap_or(&name).to_owned()
}

/// Where jobs send lineage.
fn lineage(
    draft: &mut Draft,
    wish: &Wish,
    section: &KeyPath,
    platform: Option<&str>,
    problems: &mut Vec<Problem>,
) {
    let Some(observability) = &wish.artifact.model.observability else { return };
    let at = |field: &str| Field::artifact(&format!("observability.{field}"));
    let over_http = observability.lineage_transport.is_none_or(|own| own == LineageTransport::Http);
    if !observability.lineage {
        return;
    }
    if !over_http {
        // The chart knows endpoints only.
        if observability.lineage_endpoint.is_some() {
            draft.set(section, "lineage.enabled", false, at("lineage_transport"));
        }
        return;
    }
    draft.set(section, "lineage.enabled", true, at("lineage"));
    let own = observability.lineage_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let endpoint = own
        .filter(|endpoint| !is_local(endpoint))
        .map(str::to_owned)
        .or_else(|| platform.map(|release| format!("http://{}:5000", marquez(release))));
    let Some(endpoint) = endpoint else {
        let field = KeyPath::of(["observability", "lineage"]);
        let (file, line) = wish.artifact.locate(&field);
        let words = "lineage is on and goes nowhere: name lineage_endpoint, or the platform's release";
        problems.push(Problem::warning(words).at(file, Some(line)).key(field.to_string()));
        return;
    };
    draft.set(section, "lineage.endpoint", endpoint, at("lineage_endpoint"));
    if let Some(namespace) = &observability.lineage_namespace {
        draft.set(section, "lineage.namespace", namespace.as_str(), at("lineage_namespace"));
    }
}

/// The document as the chart writes it into the `ConfigMap`: its JSON, with `<`, `>` and `&` escaped as Go does.
fn size(content: &Value) -> usize {
    let text = content.to_string();
    let escaped = text.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&')).count();
    text.len() + 5 * escaped
}

/// The document as jobs get it. Null is what the contract's optional fields are when they are left out, and helm would take
/// it as `delete`. What only names a Secret of the platform (`existing_secret`) is nothing to jobs, and the chart would
/// take it for the credential itself.
fn for_jobs(value: &Value) -> Value {
    let is_for_jobs = |key: &str, value: &Value| match value {
        Value::Null => false,
        Value::String(text) => {
            text.is_empty() || !credential::sounds_like_one(key) || credential::is_reference(text)
        }
        _ => true,
    };
    match value {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, value)| is_for_jobs(key, value))
                .map(|(key, value)| (key.clone(), for_jobs(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(for_jobs).collect()),
        other => other.clone(),
    }
}
