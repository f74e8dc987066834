//! `.Chart`: the metadata, a map in helm 4 and a Go struct in helm 3.

use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use super::super::encode::read;
use super::super::profile::Profile;
use super::super::template::value::{Kind, List, ListKind, Map, MapKind, Object, SCOPE, Value};

/// A dependency that takes part, as the chart declares it.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Alias, else name.
    pub name: String,
    pub declared: Json,
}

/// What decides `.Chart`.
#[derive(Debug)]
pub struct Metadata {
    /// `Chart.yaml` as it was read.
    pub json: Json,
    /// The alias where there is one.
    pub name: String,
    pub is_root: bool,
    /// The dependencies that take part.
    pub parts: Vec<Part>,
}

/// `.Chart`, which all templates of a chart share. Few templates look at more than the name, many never.
pub fn chart(profile: Profile, metadata: &Arc<Metadata>) -> Value {
    let is_root = metadata.is_root;
    if profile.is_four() {
        let metadata = metadata.clone();
        let entries = move || {
            let fields = fields(profile, &metadata);
            let fields = fields.into_iter().map(|(field, _, value)| (field.into(), value.in_scope()));
            fields.chain([("IsRoot".into(), Value::Bool(is_root))]).collect()
        };
        return Value::Map(Rc::new(Map::later(MapKind::Any, entries).with_origin(SCOPE)));
    }
    let fields = fields(profile, metadata);
    let inner = Struct { go_type: "chart.Metadata", kind: Kind::Struct, fields };
    Value::Object(Rc::new(Rooted { metadata: Rc::new(inner), is_root }))
}

type Field = (&'static str, &'static str, Value);

/// A scalar where Go wants a string.
pub fn text(json: Option<&Json>) -> Option<String> {
    match json? {
        Json::String(text) => Some(text.clone()),
        Json::Bool(on) => Some(on.to_string()),
        Json::Number(number) => Some(match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => int.to_string(),
            (None, Some(float)) => super::super::template::printf::format_float(float, 'g', None),
            _ => number.to_string(),
        }),
        _ => None,
    }
}

fn string(json: &Json, key: &str) -> Value {
    Value::str(text(json.get(key)).unwrap_or_default())
}

/// Helm's `sanitizeString`: one kind of space, nothing that cannot be printed.
fn sane(text: &str) -> String {
    let of = |c: char| if c.is_whitespace() { ' ' } else { c };
    text.chars().map(of).filter(|c| !c.is_control()).collect()
}

fn sane_string(json: &Json, key: &str) -> Value {
    Value::str(sane(&text(json.get(key)).unwrap_or_default()))
}

fn strings(profile: Profile, json: &Json, key: &str) -> Value {
    let items = json.get(key).and_then(Json::as_array);
    let found = items.into_iter().flatten().filter_map(|item| text(Some(item))).map(|text| sane(&text));
    if profile.is_four() {
        return Value::list(found.map(Value::str).collect());
    }
    if items.is_none() {
        return Value::List(Rc::new(List::nil(ListKind::Strings)));
    }
    Value::strings(found)
}

fn fields(profile: Profile, Metadata { json, name, parts, .. }: &Metadata) -> Vec<Field> {
    let api_version = text(json.get("apiVersion")).filter(|text| !text.is_empty());
    let annotations = match json.get("annotations") {
        Some(Json::Object(map)) => Value::map_of_strings(
            map.iter().map(|(key, value)| (key.as_str(), text(Some(value)).unwrap_or_default())),
        ),
        _ => Value::Map(Rc::new(Map::nil(MapKind::Strings))),
    };
    vec![
        ("Name", "name", Value::str(name)),
        ("Home", "home", sane_string(json, "home")),
        ("Sources", "sources", strings(profile, json, "sources")),
        ("Version", "version", string(json, "version")),
        ("Description", "description", sane_string(json, "description")),
        ("Keywords", "keywords", strings(profile, json, "keywords")),
        ("Maintainers", "maintainers", maintainers(profile, json)),
        ("Icon", "icon", sane_string(json, "icon")),
        ("APIVersion", "apiVersion", Value::str(api_version.unwrap_or_else(|| "v1".to_owned()))),
        ("Condition", "condition", sane_string(json, "condition")),
        ("Tags", "tags", sane_string(json, "tags")),
        ("AppVersion", "appVersion", sane_string(json, "appVersion")),
        (
            "Deprecated",
            "deprecated",
            Value::Bool(json.get("deprecated").and_then(Json::as_bool) == Some(true)),
        ),
        ("Annotations", "annotations", annotations),
        ("KubeVersion", "kubeVersion", sane_string(json, "kubeVersion")),
        ("Dependencies", "dependencies", dependencies(profile, parts)),
        ("Type", "type", string(json, "type")),
    ]
}

/// A list of structs: maps in helm 4, pointers in helm 3.
fn records(profile: Profile, go_type: &'static str, items: Vec<Vec<Field>>) -> Value {
    let record = |fields: Vec<Field>| {
        if profile.is_four() {
            Value::map(fields.into_iter().map(|(field, _, value)| (field, value)))
        } else {
            Value::Object(Rc::new(Struct { go_type, kind: Kind::Ptr, fields }))
        }
    };
    Value::list(items.into_iter().map(record).collect())
}

fn maintainers(profile: Profile, json: &Json) -> Value {
    let items = json.get("maintainers").and_then(Json::as_array).into_iter().flatten().map(|item| {
        vec![
            ("Name", "name", string(item, "name")),
            ("Email", "email", string(item, "email")),
            ("URL", "url", string(item, "url")),
        ]
    });
    records(profile, "*chart.Maintainer", items.collect())
}

fn dependencies(profile: Profile, parts: &[Part]) -> Value {
    let items = parts.iter().map(|part| {
        let json = &part.declared;
        let import = json.get("import-values").map_or_else(|| Value::list(Vec::new()), read::value);
        vec![
            ("Name", "name", Value::str(&part.name)),
            ("Version", "version", string(json, "version")),
            ("Repository", "repository", string(json, "repository")),
            ("Condition", "condition", string(json, "condition")),
            ("Tags", "tags", strings(profile, json, "tags")),
            ("Enabled", "enabled", Value::Bool(true)),
            ("ImportValues", "import-values", import),
            ("Alias", "alias", string(json, "alias")),
        ]
    });
    records(profile, "*chart.Dependency", items.collect())
}

/// A Go struct of helm 3's chart package.
struct Struct {
    go_type: &'static str,
    kind: Kind,
    fields: Vec<Field>,
}

impl Object for Struct {
    fn go_type(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.go_type)
    }

    fn kind(&self) -> Kind {
        self.kind
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        self.fields.iter().find(|(field, ..)| field.as_bytes() == name).map(|(_, _, value)| value.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.iter().map(|(field, _, value)| (*field, value.clone())).collect()
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        // A dependency's name and repository are written even when they are empty.
        let always =
            |name: &str| self.go_type == "*chart.Dependency" && matches!(name, "name" | "repository");
        let told = self.fields.iter().filter(|(_, name, value)| value.is_true() || always(name));
        Some(told.map(|(_, name, value)| (*name, value.clone())).collect())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        std::ptr::addr_eq(std::ptr::from_ref(self), std::ptr::from_ref(other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Helm 3's `struct { chart.Metadata; IsRoot bool }`.
struct Rooted {
    metadata: Rc<Struct>,
    is_root: bool,
}

impl Object for Rooted {
    fn go_type(&self) -> Cow<'static, str> {
        Cow::Borrowed("struct { chart.Metadata; IsRoot bool }")
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        match name {
            b"IsRoot" => Some(Value::Bool(self.is_root)),
            b"Metadata" => Some(Value::Object(self.metadata.clone())),
            _ => self.metadata.field(name),
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Metadata", Value::Object(self.metadata.clone())), ("IsRoot", Value::Bool(self.is_root))]
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let mut fields = self.metadata.json_fields()?;
        fields.push(("IsRoot", Value::Bool(self.is_root)));
        Some(fields)
    }

    fn equals(&self, other: &dyn Object) -> bool {
        std::ptr::addr_eq(std::ptr::from_ref(self), std::ptr::from_ref(other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
