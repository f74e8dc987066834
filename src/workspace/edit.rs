//! Changing the cluster mapping in the text of `values.yaml`, with comments, order and quoting untouched. Every edit
//! is verified: the new text, read again, differs from the old one in exactly what was asked for.

use serde_json::{Value, json};

use super::mapping::{self, Isolation, KEY};
use crate::base::{Error, Result};
use crate::model::{Preset, ResourcePreset, ResourceRequirements, resources};
use crate::yaml::{self, KeyPath, Refused};

/// One change of the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MappingEdit {
    /// Takes an environment out of the mapping that holds it and puts it at the end of another. One that is in no
    /// mapping yet is only put there.
    Move {
        /// The environment.
        environment: String,
        /// The mapping that gets it.
        to: String,
    },
    /// Takes an environment out of every mapping.
    Remove {
        /// The environment.
        environment: String,
    },
    /// Gives a mapping another cluster.
    Cluster {
        /// The mapping.
        mapping: String,
        /// The shared name of the cluster.
        cluster: String,
    },
    /// Gives a mapping another namespace template.
    Template {
        /// The mapping.
        mapping: String,
        /// The template.
        template: String,
    },
    /// Keeps the environments of a mapping apart in another way.
    Isolation {
        /// The mapping.
        mapping: String,
        /// How.
        isolation: Isolation,
    },
    /// Gives a component of a mapping with the preset `custom` resources of its own.
    Resources {
        /// The mapping.
        mapping: String,
        /// The component, one of [`resources::ROWS`].
        row: String,
        /// What it gets.
        requirements: ResourceRequirements,
    },
    /// Gives a mapping another size. `custom` begins with the numbers of the size before; any other one takes the numbers
    /// of components out.
    Preset {
        /// The mapping.
        mapping: String,
        /// Which.
        preset: Preset,
    },
}

/// The text of `values.yaml` with the edit made.
///
/// Fails when the text is no YAML, the mapping is not there, the edit would leave a mapping without environments, or
/// it cannot be made without touching something else; then the file has to be edited as text.
pub fn apply(text: &str, edit: &MappingEdit) -> Result<String> {
    let before = yaml::read(text).map_err(|error| {
        Error::new("the file is not YAML").at(format!("line {}", error.line)).because(error.message)
    })?;
    match edit {
        MappingEdit::Move { environment, to } => {
            let target = of(&before, to)?;
            if let Some(why) = mapping::environment_fault(environment) {
                return Err(Error::new(format!("\"{environment}\" is no name for an environment: {why}")));
            }
            let list = target.key("environments");
            let there = names(&before, &list);
            let without = remove(text, &before, environment, Some(to))?;
            if there.iter().any(|name| name == environment) {
                return Ok(without);
            }
            set(&without, &list.index(there.len()), &json!(environment))
        }
        MappingEdit::Remove { environment } => remove(text, &before, environment, None),
        MappingEdit::Cluster { mapping, cluster } => {
            if cluster.trim().is_empty() {
                return Err(Error::new("a mapping needs the name of a cluster"));
            }
            set(text, &of(&before, mapping)?.key("cluster"), &json!(cluster))
        }
        MappingEdit::Template { mapping, template } => {
            set(text, &of(&before, mapping)?.key("namespaceTemplate"), &json!(template))
        }
        MappingEdit::Isolation { mapping, isolation } => {
            set(text, &of(&before, mapping)?.key("isolation"), &json!(isolation.word()))
        }
        MappingEdit::Resources { mapping, row, requirements } => {
            set(text, &of(&before, mapping)?.key("resources").key(row), &json!(requirements))
        }
        MappingEdit::Preset { mapping, preset } => {
            let path = of(&before, mapping)?.key("resources");
            let given = |row: &str| path.key(row).get(&before).is_some();
            let was = path.key("preset").get(&before).and_then(Value::as_str);
            let was = Preset::ALL.into_iter().find(|one| Some(one.word()) == was).unwrap_or_default();
            let mut text = set(text, &path.key("preset"), &json!(preset.word()))?;
            if *preset == Preset::Custom {
                let required = resources::ROWS[..resources::REQUIRED].iter().filter(|row| !given(row));
                for row in required {
                    if let Some(numbers) = ResourcePreset::row_of(was, row) {
                        text = set(&text, &path.key(*row), &json!(numbers))?;
                    }
                }
                return Ok(text);
            }
            for row in resources::ROWS.iter().filter(|row| given(row)) {
                let edited = yaml::edit::remove(&text, &path.key(*row)).map_err(|refused| told(&refused))?;
                let mut expected = read_back(&text)?;
                if let Some(Value::Object(map)) = expected.pointer_mut(&pointer(&path)) {
                    map.shift_remove(*row);
                }
                text = verified(edited, &expected)?;
            }
            Ok(text)
        }
    }
}

/// The path of a mapping that has to be there.
fn of(document: &Value, mapping: &str) -> Result<KeyPath> {
    let path = KeyPath::of([KEY, mapping]);
    match path.get(document) {
        Some(Value::Object(_)) => Ok(path),
        _ => Err(Error::new(format!("there is no mapping {mapping} in this file"))
            .next("edit the file that holds the mapping as text")),
    }
}

fn names(document: &Value, list: &KeyPath) -> Vec<String> {
    let items = list.get(document).and_then(Value::as_array).into_iter().flatten();
    items.map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}

/// Takes an environment out of all mappings but `keep`, the last occurrence first so that places stay right.
fn remove(text: &str, document: &Value, environment: &str, keep: Option<&str>) -> Result<String> {
    let mut text = text.to_owned();
    let mappings = KeyPath::of([KEY]).get(document).and_then(Value::as_object);
    for name in mappings.into_iter().flat_map(|map| map.keys()).filter(|name| Some(name.as_str()) != keep) {
        let list = KeyPath::of([KEY, name, "environments"]);
        let there = names(document, &list);
        let places = there.iter().enumerate().filter(|(_, own)| *own == environment).map(|(at, _)| at);
        let places: Vec<usize> = places.collect();
        if places.is_empty() {
            continue;
        }
        if places.len() == there.len() {
            return Err(Error::new(format!("{name} would have no environment left"))
                .next(format!("give {name} another environment first, or remove the mapping in the text")));
        }
        for place in places.into_iter().rev() {
            let path = list.index(place);
            let edited = yaml::edit::remove(&text, &path).map_err(|refused| told(&refused))?;
            let mut expected = read_back(&text)?;
            if let Some(Value::Array(items)) = expected.pointer_mut(&pointer(&list)) {
                items.remove(place);
            }
            text = verified(edited, &expected)?;
        }
    }
    Ok(text)
}

fn set(text: &str, path: &KeyPath, value: &Value) -> Result<String> {
    let edited = yaml::edit::set(text, path, value).map_err(|refused| told(&refused))?;
    let now = read_back(&edited)?;
    // Everything else must be as it was: put the old value back and compare.
    let before = read_back(text)?;
    if path.get(&now) != Some(value) || !is_same_beside(&before, &now, path) {
        return Err(refused());
    }
    Ok(edited)
}

/// Whether two documents differ nowhere but at a path and in maps that had to be made for it.
fn is_same_beside(before: &Value, now: &Value, path: &KeyPath) -> bool {
    let Some(parent) = path.parent() else { return true };
    let take = |document: &Value| {
        let mut document = document.clone();
        match (document.pointer_mut(&pointer(&parent)), path.0.last()) {
            (Some(Value::Object(map)), Some(yaml::Segment::Key(key))) => {
                map.shift_remove(key);
            }
            (Some(Value::Array(items)), Some(yaml::Segment::Index(index))) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
        document
    };
    match parent.get(before) {
        Some(_) => take(before) == take(now),
        // The parent was made too: it must hold nothing else.
        None => {
            matches!(parent.get(now), Some(Value::Object(map)) if map.len() == 1)
                && is_same_beside(before, now, &parent)
        }
    }
}

fn pointer(path: &KeyPath) -> String {
    let mut pointer = String::new();
    for segment in &path.0 {
        pointer.push('/');
        match segment {
            yaml::Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            yaml::Segment::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

fn verified(text: String, expected: &Value) -> Result<String> {
    if &read_back(&text)? == expected { Ok(text) } else { Err(refused()) }
}

fn read_back(text: &str) -> Result<Value> {
    yaml::read(text).map_err(|_| refused())
}

fn refused() -> Error {
    Error::new("this edit cannot be made without touching something else").next("edit the file as text")
}

fn told(refused: &Refused) -> Error {
    let error = Error::new(refused.reason.clone()).next("edit the file as text");
    match refused.line {
        Some(line) => error.at(format!("line {line}")),
        None => error,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "# top\na: 1 # kept\nclusterMapping:\n  # the small ones\n  non-prod:\n    cluster: shared   # name\n    environments: [dev, qa] # two\n  prod:\n    cluster: 'other'\n    environments:\n      # live\n      - prod\n    resources: {preset: large}\n";

    fn moved(environment: &str, to: &str) -> MappingEdit {
        MappingEdit::Move { environment: environment.to_owned(), to: to.to_owned() }
    }

    /// The lines that differ, before and after.
    fn changed_lines(after: &str) -> (Vec<&str>, Vec<&str>) {
        let gone = TEXT.lines().filter(|line| !after.lines().any(|other| other == *line)).collect();
        let new = after.lines().filter(|line| !TEXT.lines().any(|other| other == *line)).collect();
        (gone, new)
    }

    #[test]
    fn an_environment_moves_and_nothing_else_does() {
        let after = apply(TEXT, &moved("qa", "prod")).unwrap();
        assert_eq!(
            changed_lines(&after),
            (vec!["    environments: [dev, qa] # two"], vec!["    environments: [dev] # two", "      - qa"])
        );
        let new = apply(TEXT, &moved("uat", "non-prod")).unwrap();
        assert_eq!(changed_lines(&new).1, ["    environments: [dev, qa, uat] # two"]);
        assert_eq!(apply(TEXT, &moved("dev", "non-prod")).unwrap(), TEXT);
    }

    #[test]
    fn a_mapping_is_not_left_empty() {
        let error = apply(TEXT, &moved("prod", "non-prod")).unwrap_err();
        assert_eq!(error.what, "prod would have no environment left");
        assert!(apply(TEXT, &MappingEdit::Remove { environment: "prod".to_owned() }).is_err());
        let after = apply(TEXT, &MappingEdit::Remove { environment: "dev".to_owned() }).unwrap();
        assert_eq!(changed_lines(&after).1, ["    environments: [qa] # two"]);
    }

    #[test]
    fn fields_are_changed_or_added() {
        let mapping = || "non-prod".to_owned();
        let after =
            apply(TEXT, &MappingEdit::Cluster { mapping: mapping(), cluster: "new".to_owned() }).unwrap();
        assert_eq!(changed_lines(&after).1, ["    cluster: new   # name"]);
        let after =
            apply(TEXT, &MappingEdit::Isolation { mapping: mapping(), isolation: Isolation::Label }).unwrap();
        assert_eq!(changed_lines(&after), (vec![], vec!["    isolation: label"]));
        let after = apply(TEXT, &MappingEdit::Preset { mapping: mapping(), preset: Preset::Medium }).unwrap();
        assert_eq!(
            yaml::read(&after).unwrap()["clusterMapping"]["non-prod"]["resources"]["preset"],
            "medium"
        );
        let after =
            apply(TEXT, &MappingEdit::Preset { mapping: "prod".to_owned(), preset: Preset::Small }).unwrap();
        assert_eq!(changed_lines(&after).1, ["    resources: {preset: small}"]);
        let template = "x-{{.environment}}".to_owned();
        let after =
            apply(TEXT, &MappingEdit::Template { mapping: mapping(), template: template.clone() }).unwrap();
        assert_eq!(yaml::read(&after).unwrap()["clusterMapping"]["non-prod"]["namespaceTemplate"], template);
    }

    #[test]
    fn custom_begins_with_the_numbers_that_were_and_goes_with_another_preset() {
        for mapping in ["non-prod", "prod"] {
            let preset = |preset| MappingEdit::Preset { mapping: mapping.to_owned(), preset };
            let custom = apply(TEXT, &preset(Preset::Custom)).unwrap();
            let value =
                |text: &str| yaml::read(text).unwrap()["clusterMapping"][mapping]["resources"].clone();
            let was = if mapping == "prod" { Preset::Large } else { Preset::Small };
            let webserver = ResourcePreset::row_of(was, "webserver").unwrap();
            assert_eq!(value(&custom)["webserver"], json!(webserver), "{custom}");
            assert_eq!(value(&custom).as_object().unwrap().len(), 5);
            let requirements = ResourceRequirements::parse("1/1Gi 2/2Gi").unwrap();
            let row = "grafana".to_owned();
            let edit = MappingEdit::Resources { mapping: mapping.to_owned(), row, requirements };
            let edited = apply(&custom, &edit).unwrap();
            assert_eq!(value(&edited)["grafana"]["limits"]["memory"], "2Gi");
            let back = apply(&edited, &preset(Preset::Medium)).unwrap();
            assert_eq!(value(&back), json!({"preset": "medium"}), "{back}");
            assert!(back.contains("# live") && back.contains("# name"), "{back}");
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(apply(TEXT, &moved("dev", "nowhere")).is_err());
        assert!(apply("a: [", &moved("dev", "prod")).is_err());
        assert!(apply(TEXT, &moved("../x", "prod")).is_err());
        assert!(
            apply(TEXT, &MappingEdit::Cluster { mapping: "prod".to_owned(), cluster: " ".to_owned() })
                .is_err()
        );
    }

    proptest! {
        #[test]
        fn there_and_back_has_the_same_environments(name in prop::sample::select(vec!["dev", "qa"])) {
            let there = apply(TEXT, &moved(name, "prod")).unwrap();
            let back = apply(&there, &moved(name, "non-prod")).unwrap();
            let mut names = names(&yaml::read(&back).unwrap(), &KeyPath::of([KEY, "non-prod", "environments"]));
            names.sort();
            prop_assert_eq!(names, ["dev", "qa"]);
        }
    }
}
