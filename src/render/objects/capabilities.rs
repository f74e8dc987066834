//! `.Capabilities`: what the cluster can do, and which helm asks.

use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;

use super::super::profile::{KubeReading, Profile};
use super::super::template::Context;
use super::super::template::function::{FnError, Function, Type};
use super::super::template::value::{Kind, List, ListKind, Object, Value};
use crate::chart::semver::Version;

/// Methods of `.Capabilities.APIVersions`.
pub const SET_METHODS: &[Function] = &[Function::new("Has", &[Type::Str], has)];

/// Methods of `.Capabilities.KubeVersion`.
const VERSION_METHODS: &[Function] =
    &[Function::new("String", &[], version_string), Function::new("GitVersion", &[], git_version)];

/// A version of Kubernetes as helm keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeVersion {
    /// As it was given, with a `v` in front: `v1.33.4-gke.1245000`.
    pub version: String,
    /// What constraints are checked against: `v1.33.4`.
    pub normalized: String,
    pub major: String,
    pub minor: String,
    profile: Profile,
}

impl KubeVersion {
    /// Reads a version as helm reads `--kube-version`.
    ///
    /// # Errors
    /// It is no version, in helm's words.
    pub fn parse(text: &str, profile: Profile) -> Result<Self, String> {
        let reading = profile.kube_reading();
        if reading == KubeReading::Semantic {
            let read = Version::parse_by(profile.semver(), text)?;
            let whole = format!("v{read}");
            return Ok(Self::of(whole.clone(), whole, [read.major, read.minor], profile));
        }
        // Kubernetes' `ParseGeneric`: numbers and dots in front, whatever follows.
        let bare = text.trim_ascii_start();
        let bare = bare.strip_prefix('v').unwrap_or(bare);
        let end = bare.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(bare.len());
        let parts: Vec<&str> = bare[..end].split('.').take_while(|part| !part.is_empty()).collect();
        let [first, _, ..] = parts.as_slice() else {
            return Err(match parts.len() {
                0 => format!("could not parse {text:?} as version"),
                _ => format!("illegal version string {text:?}"),
            });
        };
        if first.starts_with('0') && *first != "0" {
            return Err(format!("illegal zero-prefixed version component {first:?} in {text:?}"));
        }
        let mut numbers = Vec::with_capacity(parts.len());
        for part in parts {
            numbers.push(part.parse::<u64>().map_err(|_| {
                format!(
                    "illegal non-numeric version component {part:?} in {text:?}: strconv.ParseUint: parsing {part:?}: \
                     value out of range"
                )
            })?);
        }
        let joined: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let normalized = format!("v{}", joined.join("."));
        let version = match reading {
            KubeReading::Given if text.starts_with('v') => text.to_owned(),
            KubeReading::Given => format!("v{text}"),
            KubeReading::Numbers | KubeReading::Semantic => normalized.clone(),
        };
        Ok(Self::of(version, normalized, [numbers[0], numbers[1]], profile))
    }

    fn of(version: String, normalized: String, [major, minor]: [u64; 2], profile: Profile) -> Self {
        Self { version, normalized, major: major.to_string(), minor: minor.to_string(), profile }
    }
}

impl Object for KubeVersion {
    fn go_type(&self) -> Cow<'static, str> {
        Cow::Owned(format!("{}.KubeVersion", self.profile.package()))
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        self.fields().into_iter().find(|(other, _)| other.as_bytes() == name).map(|(_, value)| value)
    }

    fn method(&self, name: &[u8]) -> Option<&'static Function> {
        VERSION_METHODS.iter().find(|method| method.name.as_bytes() == name)
    }

    fn printed(&self) -> Option<String> {
        Some(self.normalized.clone())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![("Version", Value::str(&self.version))];
        if self.profile.kube_reading() == KubeReading::Given {
            fields.push(("normalizedVersion", Value::str(&self.normalized)));
        }
        fields.extend([("Major", Value::str(&self.major)), ("Minor", Value::str(&self.minor))]);
        fields
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(self.fields().into_iter().filter(|(name, _)| *name != "normalizedVersion").collect())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>() == Some(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities`.
pub struct Capabilities {
    pub kube: Rc<KubeVersion>,
    pub apis: Rc<List>,
    pub helm: Rc<BuildInfo>,
    profile: Profile,
}

impl Capabilities {
    /// What helm assumes without a cluster, with what was given beside it.
    pub fn new(profile: Profile, kube: KubeVersion, extra: &[String]) -> Self {
        let known = profile.api_versions().map(Value::str);
        let apis = known.chain(extra.iter().map(|api| Value::str(api.as_str())));
        let set = ListKind::VersionSet(profile.version_set());
        Self {
            kube: Rc::new(kube),
            apis: Rc::new(List::new(set, apis.collect())),
            helm: Rc::new(BuildInfo { profile }),
            profile,
        }
    }
}

impl Object for Capabilities {
    fn go_type(&self) -> Cow<'static, str> {
        Cow::Owned(format!("*{}.Capabilities", self.profile.package()))
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        self.fields().into_iter().find(|(other, _)| other.as_bytes() == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", Value::Object(self.kube.clone())),
            ("APIVersions", Value::List(self.apis.clone())),
            ("HelmVersion", Value::Object(self.helm.clone())),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        // Pointers: the same one.
        std::ptr::addr_eq(std::ptr::from_ref(self), std::ptr::from_ref(other))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `.Capabilities.HelmVersion`.
#[derive(Debug)]
pub struct BuildInfo {
    profile: Profile,
}

impl Object for BuildInfo {
    fn go_type(&self) -> Cow<'static, str> {
        Cow::Borrowed("version.BuildInfo")
    }

    fn field(&self, name: &[u8]) -> Option<Value> {
        self.fields().into_iter().find(|(other, _)| other.as_bytes() == name).map(|(_, value)| value)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = vec![
            ("Version", Value::str(format!("v{}", self.profile.version()))),
            ("GitCommit", Value::str("")),
            ("GitTreeState", Value::str("clean")),
            ("GoVersion", Value::str("")),
        ];
        if self.profile.is_four() {
            let (major, minor) = self.profile.client();
            fields.push(("KubeClientVersion", Value::str(format!("v{major}.{minor}"))));
        }
        fields
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        let name = |field: &str| match field {
            "Version" => "version",
            "GitCommit" => "git_commit",
            "GitTreeState" => "git_tree_state",
            "GoVersion" => "go_version",
            _ => "kube_client_version",
        };
        let empty = |value: &Value| value.as_str().is_some_and(|text| text.is_empty());
        Some(
            self.fields()
                .into_iter()
                .filter(|(_, value)| !empty(value))
                .map(|(field, value)| (name(field), value))
                .collect(),
        )
    }

    fn equals(&self, _: &dyn Object) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn has(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    match args {
        [Value::List(set), Value::Str(wanted)] => {
            Ok(Value::Bool(set.iter().any(|version| version.as_str() == Some(wanted))))
        }
        _ => Err("not a set of versions".into()),
    }
}

fn kube(args: &[Value]) -> Result<&KubeVersion, FnError> {
    args.first().and_then(Value::as_object).ok_or_else(|| "not a version of Kubernetes".into())
}

fn version_string(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    Ok(Value::str(&kube(args)?.normalized))
}

fn git_version(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    Ok(Value::str(&kube(args)?.version))
}
