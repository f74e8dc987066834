//! Plugins of the artifact: which components run, and their settings in the chart's own keys. A setting is taken over
//! where the chart's schema has a key of that name (`log_level` is `logLevel`); what no chart reads is said and left out.

use serde_json::{Map, Value};

use super::draft::{Draft, Field, join};
use super::{Site, Wish};
use crate::base::Problem;
use crate::schema::ChartSchema;
use crate::yaml::KeyPath;

/// A kind of plugin and the component that this chart has for it.
struct Known {
    plugin: &'static str,
    kind: &'static str,
    section: &'static str,
    /// What floe calls a setting, and what the chart calls it.
    aliases: &'static [(&'static str, &'static str)],
}

const KNOWN: [Known; 3] = [
    Known { plugin: "orchestrator", kind: "dagster", section: "dagster", aliases: &[] },
    Known {
        plugin: "catalog",
        kind: "polaris",
        section: "polaris",
        aliases: &[
            ("root_client_secret", "auth.rootClientSecret"),
            ("client_secret", "auth.rootClientSecret"),
            ("credential", "auth.rootClientSecret"),
            ("root_client_id", "auth.rootClientId"),
            ("client_id", "auth.rootClientId"),
            ("token_lifetime", "auth.tokenLifetime"),
        ],
    },
    Known { plugin: "lineage_backend", kind: "marquez", section: "marquez", aliases: &[] },
];

/// The keys of the chart that take a credential, and what takes a Secret's name instead: that Secret's own keys are the
/// chart's.
const BY_SECRET: [(&str, &str, &str, &[&str]); 1] = [(
    "polaris.auth.rootClientSecret",
    "polaris.auth.existingSecret",
    "polaris",
    &["root-client-id", "root-client-secret", "token-broker-key", "credentials.json"],
)];

pub(super) fn draft(
    draft: &mut Draft,
    wish: &Wish,
    site: &Site,
    platform: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    // In the artifact's order: a later plugin wins.
    let plugins = wish.artifact.value.get("plugins").and_then(Value::as_object);
    for (name, plugin) in plugins.into_iter().flatten() {
        let (Some(known), Some(kind)) =
            (KNOWN.iter().find(|known| known.plugin == name), plugin.get("type").and_then(Value::as_str))
        else {
            continue;
        };
        let at = KeyPath::of(["plugins", name]);
        let runs = kind.eq_ignore_ascii_case(known.kind);
        draft.set(platform, &format!("{}.enabled", known.section), runs, Field::at(at.key("type")));
        if !runs {
            if known.section == "dagster" {
                // It prunes Dagster's runs.
                draft.set(platform, "retention.enabled", false, Field::at(at.key("type")));
            }
            if known.section == "marquez" {
                elsewhere(draft, wish, platform, &at);
            }
            continue;
        }
        let Some(config) = plugin.get("config").and_then(Value::as_object) else { continue };
        let mut translated = Translated { wish, schema: site.schema, found: Vec::new(), problems };
        let section = platform.key(known.section);
        let (aliased, plain): (Map<String, Value>, Map<String, Value>) = config
            .clone()
            .into_iter()
            .partition(|(key, _)| known.aliases.iter().any(|(alias, _)| same(alias, key)));
        for (key, value) in &aliased {
            if let Some((_, target)) = known.aliases.iter().find(|(alias, _)| same(alias, key)) {
                let target = join(&section, &KeyPath::parse(target).unwrap_or_default());
                translated.found.push((target, value.clone(), at.key("config").key(key)));
            }
        }
        translated.map(&section, &plain, &at.key("config"));
        let found = translated.found;
        let by_secret = found.iter().any(|(_, _, field)| wish.artifact.holds_credential(field));
        for (key, value, field) in found {
            if wish.artifact.holds_credential(&field) {
                reference(draft, wish, platform, &key, field, problems);
            } else if by_secret && key == join(platform, &KeyPath::of(["polaris", "auth", "rootClientId"])) {
                // It is in the Secret as well.
            } else {
                if key == join(platform, &KeyPath::of(["polaris", "image"])) || is_image_tag(&key, platform) {
                    bootstrap(draft, &key, &value, platform, &field);
                }
                draft.put(key, value, Field::at(field));
            }
        }
    }
}

/// Lineage goes to a backend that is not ours.
fn elsewhere(draft: &mut Draft, wish: &Wish, platform: &KeyPath, at: &KeyPath) {
    let config = at.key("config");
    let own = ["endpoint", "url"].into_iter().find_map(|key| {
        let field = config.key(key);
        Some((field.get(&wish.artifact.value)?.as_str()?.to_owned(), field))
    });
    let general = || {
        let endpoint = wish.artifact.model.observability.as_ref()?.lineage_endpoint.clone()?;
        Some((endpoint, KeyPath::of(["observability", "lineage_endpoint"])))
    };
    if let Some((endpoint, field)) =
        own.filter(|(_, field)| !wish.artifact.holds_credential(field)).or_else(general)
    {
        draft.set(platform, "lineageEndpoint", endpoint, Field::at(field));
    }
}

fn is_image_tag(key: &KeyPath, platform: &KeyPath) -> bool {
    *key == join(platform, &KeyPath::of(["polaris", "image", "tag"]))
}

/// The realm must be made by the server's own version.
fn bootstrap(draft: &mut Draft, key: &KeyPath, value: &Value, platform: &KeyPath, field: &KeyPath) {
    let tag = if is_image_tag(key, platform) { Some(value) } else { value.get("tag") };
    if let Some(tag) = tag.filter(|tag| tag.is_string()) {
        draft.set(platform, "polaris.bootstrap.image.tag", tag.clone(), Field::at(field.clone()));
    }
}

/// Names the Secret that holds a credential, where the chart takes one.
fn reference(
    draft: &mut Draft,
    wish: &Wish,
    platform: &KeyPath,
    key: &KeyPath,
    field: KeyPath,
    problems: &mut Vec<Problem>,
) {
    let taken = BY_SECRET
        .iter()
        .find(|(target, ..)| *key == join(platform, &KeyPath::parse(target).unwrap_or_default()));
    let Some((_, existing, what, keys)) = taken else {
        let (file, line) = wish.artifact.locate(&field);
        let words = format!(
            "is a credential, and the chart's {key} takes no Secret in its place: take it out of the artifact"
        );
        problems.push(Problem::error(words).at(file, Some(line)).key(field.to_string()));
        return;
    };
    let secret = format!("{}-{what}", wish.artifact.product());
    draft.set(platform, existing, secret.as_str(), Field::at(field));
    for key in *keys {
        draft.need(&secret, key, format!("{what}'s {key}"));
    }
}

/// Settings in the chart's keys.
pub(super) struct Translated<'t, 'w> {
    pub(super) wish: &'t Wish<'w>,
    pub(super) schema: &'t ChartSchema,
    /// Key of the chart, value, field of the artifact.
    pub(super) found: Vec<(KeyPath, Value, KeyPath)>,
    pub(super) problems: &'t mut Vec<Problem>,
}

impl Translated<'_, '_> {
    /// Translates a map of settings into the keys of a section.
    pub(super) fn map(&mut self, section: &KeyPath, config: &Map<String, Value>, field: &KeyPath) {
        let known = self.schema.keys(section);
        for (key, value) in config {
            let field = field.key(key);
            if value.is_null() {
                continue;
            }
            let Some(target) = known.iter().find(|known| same(known, key)).map(|known| section.key(known))
            else {
                let (file, line) = self.wish.artifact.locate(&field);
                let words = format!("the chart has no such key in {section}: left out");
                self.problems.push(Problem::warning(words).at(file, Some(line)).key(field.to_string()));
                continue;
            };
            match value {
                Value::Object(map) if !self.schema.keys(&target).is_empty() => self.map(&target, map, &field),
                _ => self.found.push((target, value.clone(), field)),
            }
        }
    }
}

/// Whether two names are the same but for the way words are joined: `target_cpu`, `targetCPU`.
fn same(one: &str, other: &str) -> bool {
    let bare = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    bare(one) == bare(other)
}
