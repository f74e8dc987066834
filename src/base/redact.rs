//! One redaction for everything that is shown, logged, copied or written to a temporary file.
//!
//! A secret is replaced by a keyed fingerprint (`‹secret 3f9a›`): the same value gives the same mark within one
//! process, so a diff still shows same or changed, and nothing can be guessed from it offline.

use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::sync::{Arc, LazyLock};

use hmac::{Hmac, Mac};
use regex::{Captures, Regex};
use serde_json::Value;
use sha2::Sha256;

use super::path::{KeyPath, Segment};

/// A key segment that stands for any key or index in a declared path.
pub const ANY: &str = "*";

/// What must not be shown, and how it is replaced. Cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    key: Arc<[u8; 32]>,
    paths: Arc<Vec<KeyPath>>,
    known: Arc<Vec<String>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} paths, {} known values)", self.paths.len(), self.known.len())
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Redactor {
    /// Knows secret-like names only; keyed by this process' random key.
    pub fn new() -> Self {
        static KEY: LazyLock<Arc<[u8; 32]>> = LazyLock::new(|| Arc::new(random_key()));
        Self { key: KEY.clone(), paths: Arc::default(), known: Arc::default() }
    }

    /// As [`Redactor::new`], with a key of one's own: fingerprints compare across the processes that share it.
    pub fn with_key(key: [u8; 32]) -> Self {
        Self { key: Arc::new(key), ..Self::new() }
    }

    /// Also hides what lies at or below these values paths; the segment [`ANY`] matches any key or index.
    #[must_use]
    pub fn with_paths(mut self, paths: impl IntoIterator<Item = KeyPath>) -> Self {
        Arc::make_mut(&mut self.paths).extend(paths);
        self
    }

    /// Also hides these very strings wherever they appear; ones shorter than 4 characters would hide
    /// ordinary text and are left out.
    #[must_use]
    pub fn with_known(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        let known = Arc::make_mut(&mut self.known);
        known.extend(secrets.into_iter().filter(|secret| secret.chars().count() >= 4));
        // The longest first: a secret that contains another must not be left half shown.
        known.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        self
    }

    /// Adds every string in `values` that [`Redactor::value`] would hide, so that logs hide it too.
    #[must_use]
    pub fn learn(self, values: &Value) -> Self {
        let mut found = Vec::new();
        self.collect(&KeyPath::root(), values, false, &mut found);
        self.with_known(found)
    }

    /// Whether the value at this path is secret by declaration or by its name.
    pub fn is_secret(&self, path: &KeyPath) -> bool {
        self.is_declared(path) || last_key(path).is_some_and(is_secret_name)
    }

    fn is_declared(&self, path: &KeyPath) -> bool {
        self.paths.iter().any(|pattern| {
            pattern.0.len() <= path.0.len()
                && pattern
                    .0
                    .iter()
                    .zip(&path.0)
                    .all(|(want, have)| want == have || *want == Segment::Key(ANY.into()))
        })
    }

    /// The mark that stands for a secret string.
    pub fn fingerprint(&self, secret: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key[..]) else {
            return "‹secret›".into();
        };
        mac.update(secret.as_bytes());
        let digest = mac.finalize().into_bytes();
        format!("‹secret {:02x}{:02x}›", digest[0], digest[1])
    }

    /// A copy of `value`, which stands at `path`, that may be shown. Booleans, nulls and empty strings stay,
    /// they hide nothing; maps and lists keep their shape.
    pub fn value(&self, path: &KeyPath, value: &Value) -> Value {
        self.mask(path, value, false)
    }

    fn mask(&self, path: &KeyPath, value: &Value, inherited: bool) -> Value {
        let declared = inherited || self.is_declared(path);
        match value {
            Value::Object(map) => {
                let env_secret = is_env_secret(map);
                Value::Object(
                    map.iter()
                        .map(|(key, value)| {
                            let secret = declared || (env_secret && key == "value");
                            (key.clone(), self.mask(&path.key(key), value, secret))
                        })
                        .collect(),
                )
            }
            Value::Array(list) => Value::Array(
                list.iter()
                    .enumerate()
                    .map(|(i, value)| self.mask(&path.index(i), value, declared))
                    .collect(),
            ),
            Value::String(text) if text.is_empty() => value.clone(),
            Value::String(text) if declared || self.is_secret(path) => self.fingerprint(text).into(),
            Value::String(text) => self.known_and_inline(text).into(),
            Value::Number(number) if declared || self.is_secret(path) => {
                self.fingerprint(&number.to_string()).into()
            }
            other => other.clone(),
        }
    }

    fn collect(&self, path: &KeyPath, value: &Value, inherited: bool, found: &mut Vec<String>) {
        let declared = inherited || self.is_declared(path);
        match value {
            Value::Object(map) => {
                let env_secret = is_env_secret(map);
                for (key, value) in map {
                    self.collect(&path.key(key), value, declared || (env_secret && key == "value"), found);
                }
            }
            Value::Array(list) => {
                for (i, value) in list.iter().enumerate() {
                    self.collect(&path.index(i), value, declared, found);
                }
            }
            Value::String(text) if declared || self.is_secret(path) => found.push(text.clone()),
            _ => {}
        }
    }

    /// Text that may be shown or logged: known secrets, values of secret-like names (`password: x`,
    /// `--set a.token=x`, `"apiKey": "x"`), bearer tokens, passwords in URLs and private keys are replaced.
    pub fn text(&self, text: &str) -> String {
        let text = self.known_and_inline(text);
        let mut shown = String::with_capacity(text.len());
        // Indentation of the key whose block scalar is being hidden.
        let mut hidden_block: Option<usize> = None;
        for line in text.split_inclusive('\n') {
            let (body, end) = split_end(line);
            let indent = body.len() - body.trim_start().len();
            if let Some(outer) = hidden_block {
                if body.trim().is_empty() || indent > outer {
                    if body.trim().is_empty() {
                        shown.push_str(line);
                    } else {
                        shown.push_str(&body[..indent]);
                        shown.push_str(&self.fingerprint(body.trim()));
                        shown.push_str(end);
                    }
                    continue;
                }
                hidden_block = None;
            }
            let masked = PAIR.replace_all(body, |found: &Captures<'_>| {
                let (name, between, value) = (&found[1], &found[2], &found[3]);
                let bare = value.trim_matches(['"', '\'']);
                let name = name.rsplit('.').next().unwrap_or(name);
                if !is_secret_name(name) || is_harmless(bare) || bare.starts_with('‹') {
                    return found[0].to_owned();
                }
                if bare.starts_with(['|', '>']) && bare.len() <= 3 {
                    hidden_block = Some(indent);
                    return found[0].to_owned();
                }
                let quote = if bare.len() < value.len() { &value[..1] } else { "" };
                format!("{}{between}{quote}{}{quote}", &found[1], self.fingerprint(bare))
            });
            shown.push_str(&masked);
            shown.push_str(end);
        }
        shown
    }

    fn known_and_inline(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), &self.fingerprint(secret));
            }
        }
        if text.contains("://") {
            text = URL
                .replace_all(&text, |found: &Captures<'_>| {
                    format!("{}{}@", &found[1], self.fingerprint(&found[2]))
                })
                .into_owned();
        }
        if text.contains("PRIVATE KEY") {
            text = PEM.replace_all(&text, |found: &Captures<'_>| self.fingerprint(&found[0])).into_owned();
        }
        BEARER
            .replace_all(&text, |found: &Captures<'_>| {
                format!("{}{}", &found[1], self.fingerprint(&found[2]))
            })
            .into_owned()
    }

    /// A stream of Kubernetes objects as YAML, with `data` and `stringData` of every Secret replaced and the
    /// rest treated as by [`Redactor::text`]. Works on the text, so what is no valid YAML is hidden as well.
    pub fn manifest(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut document = String::new();
        for line in text.split_inclusive('\n') {
            if line.starts_with("---") && !document.is_empty() {
                shown.push_str(&self.document(&document));
                document.clear();
            }
            document.push_str(line);
        }
        shown.push_str(&self.document(&document));
        shown
    }

    fn document(&self, text: &str) -> String {
        if !SECRET_KIND.is_match(text) {
            return self.text(text);
        }
        let mut plain = String::new();
        // (indentation of `data:`, indentation of the key whose value is being read)
        let mut block: Option<(usize, Option<usize>)> = None;
        for line in text.split_inclusive('\n') {
            let (body, end) = split_end(line);
            let indent = body.len() - body.trim_start_matches([' ', '-']).len();
            if let Some((outer, key_indent)) = block {
                if body.trim().is_empty() || body.trim_start().starts_with('#') {
                    plain.push_str(line);
                    continue;
                }
                if indent > outer && !body.starts_with("---") {
                    let at_key = key_indent.is_none_or(|known| indent <= known);
                    if let Some((name, value)) = body.split_once(':').filter(|_| at_key) {
                        block = Some((outer, Some(indent)));
                        plain.push_str(name);
                        plain.push(':');
                        let value = value.trim();
                        let opens_block = value.starts_with(['|', '>']) && value.len() <= 3;
                        if opens_block {
                            plain.push(' ');
                            plain.push_str(value);
                        } else if !value.is_empty() {
                            plain.push(' ');
                            plain.push_str(&self.fingerprint(value.trim_matches(['"', '\''])));
                        }
                    } else {
                        // The lines of a block scalar, or of a value folded over several lines.
                        plain.push_str(&body[..indent]);
                        plain.push_str(&self.fingerprint(body.trim()));
                    }
                    plain.push_str(end);
                    continue;
                }
                block = None;
            }
            let name = body.trim_start_matches([' ', '-']);
            if let Some(value) = ["data:", "stringData:", "\"data\":", "\"stringData\":"]
                .iter()
                .find_map(|key| name.strip_prefix(key))
            {
                let value = value.trim();
                if value.is_empty() || value.starts_with('#') {
                    block = Some((indent, None));
                    plain.push_str(line);
                } else if matches!(value, "{}" | "null" | "~") {
                    plain.push_str(line);
                } else {
                    plain.push_str(&body[..body.len() - value.len()]);
                    plain.push_str(&self.fingerprint(value));
                    plain.push_str(end);
                    // A flow map may go on over the next lines.
                    block = Some((indent, Some(usize::MAX)));
                }
                continue;
            }
            plain.push_str(line);
        }
        self.text(&plain)
    }
}

fn split_end(line: &str) -> (&str, &str) {
    let body = line.trim_end_matches(['\n', '\r']);
    (body, &line[body.len()..])
}

fn last_key(path: &KeyPath) -> Option<&str> {
    path.0.iter().rev().find_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    })
}

/// `{name: DB_PASSWORD, value: …}` as in a container's environment.
fn is_env_secret(map: &serde_json::Map<String, Value>) -> bool {
    map.contains_key("value") && map.get("name").and_then(Value::as_str).is_some_and(is_secret_name)
}

fn is_harmless(value: &str) -> bool {
    matches!(value, "" | "true" | "false" | "null" | "~" | "{}" | "[]" | "{" | "[" | "<nil>")
}

/// Whether a key's name says that its value is secret: its last word does (`dbPassword`, `API_TOKEN`,
/// `client-secret`), and it does not merely refer to one (`existingSecret`, `secretName`, `tokenTTL`).
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let Some(last) = words.last() else { return false };
    let before = words.len().checked_sub(2).and_then(|at| words.get(at)).map(String::as_str);
    if matches!(
        words[0].as_str(),
        "existing" | "create" | "use" | "has" | "enable" | "generate" | "from" | "external"
    ) && words.len() > 1
    {
        return false;
    }
    match last.as_str() {
        "password" | "passwords" | "passwd" | "pwd" | "passphrase" | "token" | "tokens" | "credential"
        | "credentials" | "apikey" | "privatekey" | "secretkey" | "accesskey" | "jwt" | "htpasswd"
        | "dockerconfigjson" | "authtoken" | "clientsecret" | "authorization" => true,
        "secret" | "secrets" => before != Some("pull"),
        "key" | "keys" => matches!(
            before,
            Some(
                "api"
                    | "private"
                    | "secret"
                    | "access"
                    | "encryption"
                    | "signing"
                    | "fernet"
                    | "master"
                    | "account"
            )
        ),
        "string" => before == Some("connection"),
        _ => false,
    }
}

/// The words of a `camelCase`, `snake_case` or `kebab-case` name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous_lower = false;
    let mut fresh = true;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            fresh = true;
            previous_lower = false;
            continue;
        }
        if fresh || (c.is_uppercase() && previous_lower) {
            words.push(String::new());
        }
        fresh = false;
        previous_lower = c.is_lowercase() || c.is_numeric();
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

/// 32 bytes nobody can guess. Without a random device the hasher's own random keys are used.
pub fn random_key() -> [u8; 32] {
    let mut key = [0; 32];
    let device = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut key));
    if device.is_err() {
        for (i, chunk) in key.chunks_mut(8).enumerate() {
            let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
            hasher.write_usize(i);
            chunk.copy_from_slice(&hasher.finish().to_ne_bytes());
        }
    }
    key
}

#[allow(clippy::expect_used)] // The patterns are constants; a wrong one fails the first test that redacts.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static PAIR: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"([A-Za-z0-9_.-]+)("?'?\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;}\]]+)"#));
static URL: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:)([^@\s/‹]+)@"));
static PEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)")
});
static BEARER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b((?:bearer|basic)\s+)([A-Za-z0-9+/._~=-]{16,})"));
static SECRET_KIND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?m)^[\s-]*["']?kind["']?\s*:\s*["']?Secret["']?\s*(?:#.*)?,?\r?$"#));

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names() {
        for secret in [
            "password",
            "dbPassword",
            "API_TOKEN",
            "client-secret",
            "secretKey",
            "fernetKey",
            "apiKey",
            "connectionString",
            "accessKey",
            "credentials",
            "jwt",
        ] {
            assert!(is_secret_name(secret), "{secret}");
        }
        for plain in [
            "existingSecret",
            "secretName",
            "tokenTTL",
            "imagePullSecrets",
            "key",
            "keys",
            "passwordSecretRef",
            "useSecret",
            "author",
            "monkey",
            "",
        ] {
            assert!(!is_secret_name(plain), "{plain}");
        }
    }

    #[test]
    fn values_keep_their_shape() {
        let redactor =
            Redactor::new().with_paths([KeyPath::of(["license"]), KeyPath::of(["users", ANY, "pin"])]);
        let values = json!({
            "db": {"password": "hunter2", "user": "app", "url": "postgres://app:hunter2@db/x"},
            "license": {"blob": "abcd", "seats": 5},
            "users": [{"pin": "1234", "name": "a"}],
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LEVEL", "value": "info"}],
            "token": "", "secret": true, "apiToken": null
        });
        let shown = redactor.value(&KeyPath::root(), &values);
        let text = shown.to_string();
        assert!(!text.contains("hunter2") && !text.contains("abcd") && !text.contains("1234"), "{text}");
        assert_eq!(shown["db"]["user"], "app");
        assert_eq!(shown["db"]["password"], shown["env"][0]["value"]);
        assert_eq!(shown["env"][1]["value"], "info");
        assert_eq!((&shown["token"], &shown["secret"]), (&json!(""), &json!(true)));
        assert_ne!(redactor.fingerprint("a"), redactor.fingerprint("b"));
        assert_eq!(redactor.fingerprint("a").chars().count(), "‹secret 3f9a›".chars().count());
    }

    #[test]
    fn logs() {
        let redactor = Redactor::new().learn(&json!({"admin": {"password": "s3cr3t-value"}}));
        let log = "using s3cr3t-value now\npassword: other\n--set a.token=abc,b=1\n{\"apiKey\": \"k1\", \"x\": 1}\n\
                   Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x\ndsn postgres://u:pw@h/db\n\
                   privateKey: |\n  line one\n  line two\nreplicas: 3\n";
        let shown = redactor.text(log);
        for secret in ["s3cr3t", "other", "abc", "k1", "eyJ", ":pw@", "line one", "line two"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(
            shown.contains("replicas: 3") && shown.contains("b=1") && shown.contains("\"x\": 1"),
            "{shown}"
        );
    }

    #[test]
    fn manifests() {
        let manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: dXNlcg==\n  config: |\n    \
                        key: topvalue\n    more\nstringData:\n  plain: 'swordfish'\ntype: Opaque\n---\nkind: ConfigMap\n\
                        data:\n  level: info\n---\nkind: \"Secret\"\ndata: {a: b3Blbg==}\n";
        let shown = Redactor::new().manifest(manifest);
        for secret in ["dXNlcg", "topvalue", "more", "swordfish", "b3Blbg"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        for kept in ["name: db", "  user: ‹secret", "type: Opaque", "level: info"] {
            assert!(shown.contains(kept), "{kept} in {shown}");
        }
        assert_eq!(manifest.lines().count(), shown.lines().count());
    }
}
