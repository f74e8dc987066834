//! What is a credential: by the name of its key, or by the look of its text. Stricter than what [`super::redact`]
//! hides, because what is found here is kept out of files that others read: a false alarm costs a reference to a
//! Secret, a miss costs the secret.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::redact::is_secret_name;

/// Whether a key's name says that its value is a credential.
pub fn is_name(name: &str) -> bool {
    is_secret_name(name) || (sounds_like_one(name) && !names_a_secret(name))
}

/// Whether a name ends in a word for credentials, also where it only says which Secret holds one (`existing_secret`).
pub fn sounds_like_one(name: &str) -> bool {
    NAME.is_match(&snake(name))
}

/// Whether a key holds the name of a Secret: `existing_secret`, `image_pull_secrets`.
pub fn names_a_secret(name: &str) -> bool {
    let name = snake(name);
    let name = name.strip_suffix('s').unwrap_or(&name);
    ["existing_secret", "pull_secret", "create_secret", "use_secret"].iter().any(|end| name.ends_with(end))
}

/// Whether a text is or contains a credential, whatever its key is called: keys of well-known services, tokens,
/// private keys, passwords in addresses and connection strings.
pub fn is_in(text: &str) -> bool {
    LOOKS.is_match(text)
}

/// Whether a text is long and random enough to be a key nobody gave a name.
pub fn is_random(text: &str) -> bool {
    let length = text.len();
    if !(24..=512).contains(&length) || !RANDOM.is_match(text) {
        return false;
    }
    let kinds = [char::is_lowercase as fn(char) -> bool, char::is_uppercase, char::is_numeric];
    if !kinds.iter().all(|kind| text.chars().any(kind)) {
        return false;
    }
    let mut counts = [0u32; 128];
    text.bytes().filter(u8::is_ascii).for_each(|byte| counts[usize::from(byte)] += 1);
    let total = f64::from(u32::try_from(length).unwrap_or(u32::MAX));
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| {
            let share = f64::from(*count) / total;
            -share * share.log2()
        })
        .sum();
    entropy > 3.7
}

/// Whether a text only says where a credential comes from: `{{ env_var('NAME') }}`, `${NAME}`. One with a default
/// beside the name is none: the default may be the credential.
pub fn is_reference(text: &str) -> bool {
    REFERENCE.is_match(text)
}

/// The variable that a reference reads.
pub fn variable(text: &str) -> Option<&str> {
    let found = REFERENCE.captures(text)?;
    found.get(1).or_else(|| found.get(2)).map(|name| name.as_str())
}

/// `rootClientSecret` and `root-client-secret` as `root_client_secret`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut lower = false;
    for c in name.chars() {
        if c.is_uppercase() && lower {
            snake.push('_');
        }
        lower = c.is_lowercase() || c.is_numeric();
        if c.is_alphanumeric() {
            snake.extend(c.to_lowercase());
        } else {
            snake.push('_');
        }
    }
    snake
}

#[allow(clippy::expect_used)] // The patterns are constants; a wrong one fails the first test.
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(^|_)(password|passwords|passwd|passphrase|passcode|pwd|pass|pin|secret|secrets|token|tokens|jwt|bearer|",
        r"api_?key|private_?key|secret_?key|access_?key|account_?key|signing_?key|encryption_?key|shared_?key|",
        r"session_?key|master_?key|storage_?key|service_?key|subscription_?key|ssh_?key|license_?key|hmac_?key|",
        r"key_?pem|keyfile_json|key_?base64|pem|credential|credentials|creds|auth|authorization|cookie|otp|salt|",
        r"dsn|sas|sas_url|connection_?string|webhook_?url|client_key|private_key_id|signature|pat)$",
    ))
});

#[allow(clippy::expect_used)]
static LOOKS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new([
        // An address with a password or token in front of the host.
        r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s@]*:[^/\s@]+@",
        r"[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s@:]{16,}@",
        // Parts of connection strings and queries.
        r"(?i)(^|[;&?\s])(password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|accountkey|sharedaccesskey|sharedaccesssignature|sig|signature|client_secret|sas)\s*=\s*[^\s;&]{4,}",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY",
        r"AGE-SECRET-KEY-1",
        r"(?i)\b(bearer|basic|digest|apikey)\s+[A-Za-z0-9+/._~=-]{8,}",
        // Amazon, Google, Azure, DigitalOcean, Databricks, Snowflake, Vault.
        r"\b(AKIA|ASIA|AGPA|AIDA|AROA)[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\bya29\.[0-9A-Za-z_-]{10,}",
        r"\bGOCSPX-[0-9A-Za-z_-]{10,}",
        r"\bdo[opr]_v1_[0-9a-f]{16,}",
        r"\bdapi[0-9a-f]{16,}",
        r"\bhv[sb]\.[A-Za-z0-9_-]{10,}",
        r"\bs\.[A-Za-z0-9]{24}\b",
        // Source hosts, registries, package indexes.
        r"\bgh[pousr]_[A-Za-z0-9]{16,}",
        r"\bgithub_pat_[A-Za-z0-9_]{16,}",
        r"\bgl(pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_-]{10,}",
        r"\bdckr_pat_[A-Za-z0-9_-]{10,}",
        r"\bnpm_[A-Za-z0-9]{16,}",
        r"\bpypi-[A-Za-z0-9_-]{16,}",
        r"\bATATT3[A-Za-z0-9_=-]{10,}",
        // Chat, mail, payment, models, monitoring.
        r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}",
        r"\bxapp-[A-Za-z0-9-]{8,}",
        r"hooks\.slack\.com/services/[A-Za-z0-9/]{10,}",
        r"\bSG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
        r"\bkey-[0-9a-f]{32}\b",
        r"\bSK[0-9a-f]{32}\b",
        r"\b[srp]k_(live|test)_[A-Za-z0-9]{10,}",
        r"\bsk-[A-Za-z0-9_-]{16,}",
        r"\bhf_[A-Za-z0-9]{16,}",
        r"\bgl(c|sa)_[A-Za-z0-9_=]{16,}",
        r"\bNRAK-[A-Z0-9]{16,}",
        r"\bshp(at|ca|pa|ss)_[0-9a-fA-F]{16,}",
        r"\blin_api_[A-Za-z0-9]{16,}",
        // A JSON web token.
        r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}",
        // Hashes that stand for passwords.
        r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{20,}",
        r"\$(argon2(id|i|d)|scrypt|6|5|apr1)\$[^\s]{8,}",
    ])
    .expect("constant patterns")
});

static RANDOM: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[A-Za-z0-9+/_=-]+$"));

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"^\s*(?:\{\{-?\s*env_var\(\s*['"]([A-Za-z_][A-Za-z0-9_]*)['"]\s*\)(?:\s*\|\s*[a-z_]+)*\s*-?\}\}|"#,
        r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\})\s*$",
    ))
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "password",
            "rootClientSecret",
            "private_key_id",
            "sas",
            "keyfile_json",
            "pass",
            "SSH-KEY",
            "dsn",
            "use_token",
            "external_api_key",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "existing_secret",
            "imagePullSecrets",
            "createSecret",
            "compass",
            "keys",
            "schema",
            "secretName",
            "passthrough",
            "author",
            "spin",
            "user",
            "host",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn references_are_no_credentials_and_defaults_are() {
        for text in ["{{ env_var('DB') }}", "${TOKEN}", "${env:TOKEN}", "{{ env_var(\"P\") | as_number }}"] {
            assert!(is_reference(text), "{text}");
        }
        for text in
            ["{{ env_var('DB', 'hunter2') }}", "x${TOKEN}", "{{ 'hunter2' }}", "", "${TOKEN:-hunter2}"]
        {
            assert!(!is_reference(text), "{text}");
        }
        assert_eq!(variable("{{ env_var('DB_PASS') }}"), Some("DB_PASS"));
        assert_eq!(variable("${env:A1}"), Some("A1"));
    }

    #[test]
    fn plain_words_are_no_credentials() {
        for text in [
            "postgres",
            "http://otel-collector:4317",
            "https://host/path?x=1",
            "sha256:0123456789abcdef",
            "basic auth",
            "projects/analytics/datasets/sales",
            "orders_by_customer_and_region",
            "2026-01-01T00:00:00Z",
        ] {
            assert!(!is_in(text) && !is_random(text), "{text}");
        }
        assert!(is_random("wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY"));
    }
}
