//! The functions of templates against both helm programs: each expression of a table is evaluated by helm and by us,
//! and type and text compared; those that fail, one by one with their words.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use floe_tui::render::template::trace::Level;
use floe_tui::render::template::value::{Map, MapKind, Value};
use floe_tui::render::template::{Context, Session, Templates, parser};
use floe_tui::render::{Profile, functions};

use crate::support::process;
use crate::support::sandbox::{HelmMajor, helm};

/// Expressions of which type and text are compared, one a line.
const EXPRESSIONS: &str = include_str!("functions_oracle/expressions.txt");

/// Every name that helm 4.2.4 gives to templates.
const NAMES: &str = "\
abbrev abbrevboth add add1 add1f addf adler32sum ago all and any append atoi b32dec b32enc b64dec b64enc \
base bcrypt biggest buildCustomCert call camelcase cat ceil chunk clean coalesce compact concat contains \
date dateInZone dateModify date_in_zone date_modify decryptAES deepCopy deepEqual default derivePassword \
dict dig dir div divf duration durationRound empty encryptAES eq ext fail first float64 floor fromJson \
fromJsonArray fromToml fromYaml fromYamlArray ge genCA genCAWithKey genPrivateKey genSelfSignedCert \
genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get getHostByName gt has hasKey hasPrefix \
hasSuffix hello html htmlDate htmlDateInZone htpasswd include indent index initial initials int int64 isAbs \
join js kebabcase keys kindIs kindOf last le len list lookup lower lt max maxf merge mergeOverwrite min \
minf mod mul mulf mustAppend mustChunk mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson \
mustHas mustInitial mustLast mustMerge mustMergeOverwrite mustPrepend mustPush mustRegexFind \
mustRegexFindAll mustRegexMatch mustRegexReplaceAll mustRegexReplaceAllLiteral mustRegexSplit mustRest \
mustReverse mustSlice mustToDate mustToJson mustToPrettyJson mustToRawJson mustToToml mustToYaml mustUniq \
mustWithout must_date_modify ne nindent nospace not now omit or osBase osClean osDir osExt osIsAbs pick \
pluck plural prepend print printf println push quote randAlpha randAlphaNum randAscii randBytes randInt \
randNumeric regexFind regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral \
regexSplit repeat replace required rest reverse round semver semverCompare seq set sha1sum sha256sum \
sha512sum shuffle slice snakecase sortAlpha split splitList splitn squote sub subf substr swapcase ternary \
title toDate toDecimal toJson toPrettyJson toRawJson toString toStrings toToml toYaml toYamlPretty tpl trim \
trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch unset until \
untilStep untitle upper urlJoin urlParse urlquery uuidv4 values without wrap wrapWith";

/// Expressions that fail.
const FAILURES: &[&str] = &[
    "div 1 0",
    "mod 1 0",
    r#"trunc "3" "abc""#,
    "trunc 3 nil",
    r#"repeat -1 "a""#,
    r#"indent -1 "a""#,
    r#"substr 5 2 "abcdef""#,
    r#"substr 9 -1 "abc""#,
    r#"first "x""#,
    "first nil",
    "last (dict)",
    r#"append "x" 1"#,
    r#"has 1 "x""#,
    r#"slice "x" 1"#,
    "slice (list 1 2) 1 9",
    r#"concat (list) "x""#,
    "uniq 3",
    r#"set nil "a" 1"#,
    r#"dict "a" 1 | get "a""#,
    r#"dig "a" "d""#,
    r#"dig "a" "b" "d" (dict "a" 1)"#,
    r#"dig "a" "d" .Values"#,
    r#"dig 1 "d" (dict)"#,
    r#"semverCompare "what" "1.0.0""#,
    r#"semverCompare ">1" "x""#,
    r#"semver "x""#,
    r#"regexFind "(" "x""#,
    r#"mustRegexFind "a**" "x""#,
    r#"regexReplaceAll "[" "x" "y""#,
    r#"urlParse "http://a b/%zz""#,
    r#"urlJoin (dict "host" 1)"#,
    r#"mustToDate "2006" "x""#,
    r#"mustDateModify "x" now"#,
    "randInt 3 3",
    r#"ternary 1 2 "x""#,
    "divf 1 0",
    "join 1 (list)",
    r#"hasKey "x" "a""#,
    "atoi 1",
    r#"until "3""#,
    "add1",
    r#"trim "a" "b""#,
    r#"decryptAES "k" "!""#,
    r#"decryptAES "k" "YWJj""#,
    r#"decryptAES "k" "YWJjZGVmZ2hpamtsbW5vcHE=""#,
    r#"decryptAES "k" "YWJjZGVmZ2hpamtsbW5vcA==""#,
    r#"genCA "x""#,
    r#"genCA "x" "1""#,
    r#"genCAWithKey "x" 1 "no key""#,
    r#"genCAWithKey "x" 1 (genPrivateKey "ed25519" | replace "PRIVATE KEY" "PUBLIC KEY")"#,
    r#"genCAWithKey "x" 1 (genPrivateKey "ed25519" | replace "PRIVATE KEY" "ODD PRIVATE KEY")"#,
    r#"genSelfSignedCert "x" (list "1.2.3") nil 1"#,
    r#"genSelfSignedCert "x" (list 1) nil 1"#,
    r#"genSelfSignedCert "x" nil (list 1.5) 1"#,
    r#"genSelfSignedCertWithKey "x" nil (list "ä") 1 (genPrivateKey "ed25519")"#,
    r#"genSignedCert "x" nil nil 1 "ca""#,
    r#"genSignedCert "x" nil nil 1 (buildCustomCert "" "")"#,
    r#"buildCustomCert "!" """#,
    r#"buildCustomCert "" "!""#,
    r#"buildCustomCert ("x" | b64enc) """#,
    r#"buildCustomCert ((genCAWithKey "a" 1 (genPrivateKey "ed25519")).Cert | b64enc) ("x" | b64enc)"#,
    r#"genSignedCertWithKey "x" nil nil 1 (buildCustomCert ((genCAWithKey "a" 1 (genPrivateKey "ed25519")).Cert | b64enc) (genPrivateKey "ecdsa" | b64enc)) (genPrivateKey "ecdsa")"#,
    r#"derivePassword "1" "long" "a" "b" "c""#,
    "toToml nil",
    "toYamlPretty",
];

const BOTH: [HelmMajor; 2] = [HelmMajor::Three, HelmMajor::Four];

/// One chart with one template, rendered by helm: its output, or its error.
fn helm_renders(major: HelmMajor, template: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let templates = folder.path().join("templates");
    std::fs::create_dir(&templates).expect("a folder");
    std::fs::write(folder.path().join("Chart.yaml"), "apiVersion: v2\nname: odd\nversion: 1.0.0\n")
        .expect("a file");
    std::fs::write(templates.join("t.yaml"), template).expect("a file");
    let mut command = std::process::Command::new(helm(major));
    command.args(["template", "r"]).arg(folder.path()).env("TZ", "UTC").env("HELM_CACHE_HOME", folder.path());
    let output = process::run(&mut command, Duration::from_mins(1));
    if output.code == Some(0) { Ok(output.stdout) } else { Err(output.stderr) }
}

/// The same by our engine, without helm's frame.
fn we_render(template: &str) -> Result<String, String> {
    let trees = parser::parse("odd/templates/t.yaml", Arc::from(template.as_bytes()), &functions::find)?;
    let mut templates = Templates::default();
    templates.add(&trees);
    let limit = Duration::from_secs(20);
    let mut context =
        Context::new(Arc::new(templates), functions::find, Session::default(), limit, Level::Nothing);
    // A type of its own, which `dig` refuses; helm 3's name of it.
    let values = Map::new::<&str>(MapKind::Values("chartutil.Values"), []);
    let dot = Value::map([("Values", Value::Map(values.into()))]);
    context.run(b"odd/templates/t.yaml", dot).map(|out| out.to_string()).map_err(|fault| fault.to_string())
}

fn expressions() -> Vec<&'static str> {
    EXPRESSIONS.lines().filter(|text| !text.is_empty()).collect()
}

#[test]
fn functions_give_what_helms_give() {
    let all = expressions();
    assert!(all.len() > 300, "{}", all.len());
    let mut template = String::new();
    for (number, text) in all.iter().enumerate() {
        let shown = "{{ printf \"%T %v\" (first .) (first .) | quote }}";
        let _ = writeln!(template, "e{number}: {{{{ with list ({text}) }}}}{shown}{{{{ end }}}}");
    }
    let lines = |output: &str| -> Vec<String> {
        output.lines().filter(|line| line.starts_with('e')).map(str::to_owned).collect()
    };
    let ours = lines(&we_render(&template).expect("our rendering"));
    assert_eq!(ours.len(), all.len());
    for major in BOTH {
        let theirs = lines(&helm_renders(major, &template).expect("helm's rendering"));
        let different: Vec<String> = all
            .iter()
            .zip(theirs.iter().zip(&ours))
            .filter(|(_, (theirs, ours))| theirs != ours)
            .map(|(text, (theirs, ours))| format!("{text}\n  helm: {theirs}\n  ours: {ours}"))
            .collect();
        assert!(
            different.is_empty(),
            "helm {major:?}, {} differ:\n{}",
            different.len(),
            different.join("\n")
        );
    }
}

#[test]
fn every_function_of_helm_is_there_and_no_other() {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    assert_eq!(names.len(), 240);
    let ours = functions::names();
    let missing: Vec<&&str> = names.iter().filter(|name| !ours.contains(name)).collect();
    let invented: Vec<&&str> = ours.iter().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty() && invented.is_empty(), "missing {missing:?}, invented {invented:?}");
    for (major, profile) in [(HelmMajor::Three, Profile::THREE), (HelmMajor::Four, Profile::FOUR)] {
        // Helm finds unknown names while it parses, and names the first.
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            names.iter().partition(|name| profile.has_function(name));
        let all: String = known.iter().flat_map(|name| ["{{ if false }}{{ ", name, " }}{{ end }}"]).collect();
        helm_renders(major, &format!("a: 1 {all}\n")).expect("all of them are known");
        for name in unknown {
            let error = helm_renders(major, &format!("a: {{{{ {name} }}}}")).expect_err(name);
            assert!(error.contains(&format!("function \"{name}\" not defined")), "{error}");
        }
    }
}

/// What openssl says.
fn openssl(args: &[&str]) -> String {
    let output = process::run(std::process::Command::new("openssl").args(args), Duration::from_mins(1));
    assert_eq!(output.code, Some(0), "openssl {args:?}: {}", output.stderr);
    output.stdout
}

#[test]
fn keys_and_certificates_are_real_and_look_like_helms() {
    let template = r#"{{ $ca := genCA "the ca" 365 -}}
{{ $cert := genSignedCert "a.example" (list "10.0.0.1" "::1") (list "a.example" "*.b") 30 $ca -}}
{{ $self := genSelfSignedCertWithKey "self*" nil nil 9 (genPrivateKey "ecdsa") -}}
{{ $over := genSignedCertWithKey "" nil (list "x") 9 (genCAWithKey "e" 9 (genPrivateKey "ed25519")) (genPrivateKey "ecdsa") -}}
{{ $files := dict "ca.crt" $ca.Cert "ca.key" $ca.Key "tls.crt" $cert.Cert "tls.key" $cert.Key "over.crt" $over.Cert -}}
{{ $more := dict "self.crt" $self.Cert "self.key" $self.Key "rsa.key" (genPrivateKey "rsa") "dsa.key" (genPrivateKey "dsa") -}}
data: {{ merge $files $more | toJson }}
"#;
    let folder = tempfile::tempdir().expect("a folder");
    let unpacked = |output: String, name: &str| -> Vec<String> {
        let line = output.lines().find_map(|line| line.strip_prefix("data: ")).expect("a line").to_owned();
        let files: std::collections::BTreeMap<String, String> = serde_json::from_str(&line).expect("JSON");
        let place = folder.path().join(name);
        std::fs::create_dir(&place).expect("a folder");
        for (file, text) in &files {
            std::fs::write(place.join(file), text).expect("a file");
        }
        files.into_values().collect()
    };
    let ours = unpacked(we_render(template).expect("our rendering"), "ours");
    let theirs = unpacked(helm_renders(HelmMajor::Four, template).expect("helm's rendering"), "helm");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours.lines().next(), theirs.lines().next());
        assert!(ours.lines().count().abs_diff(theirs.lines().count()) <= 1, "{ours}\n{theirs}");
    }
    // Without what is random: the same certificates in every field.
    let described = |by: &str, file: &str| -> Vec<String> {
        let path = folder.path().join(by).join(file);
        let text = openssl(&["x509", "-in", path.to_str().expect("UTF-8"), "-noout", "-text"]);
        // Keys, signatures and identifiers are lines of bytes in hexadecimal.
        let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_bytes = |line: &str| line.trim_end_matches(':').split(':').all(is_byte);
        let is_random = |line: &str| is_bytes(line) || line.contains("Not ") || line.contains("Serial");
        text.lines().map(str::trim).filter(|line| !is_random(line)).map(str::to_owned).collect()
    };
    for file in ["ca.crt", "tls.crt", "self.crt", "over.crt"] {
        assert_eq!(described("ours", file), described("helm", file), "{file}");
    }
    let path = |file: &str| folder.path().join("ours").join(file).to_str().expect("UTF-8").to_owned();
    assert!(openssl(&["verify", "-CAfile", &path("ca.crt"), &path("tls.crt")]).contains("OK"));
    assert!(openssl(&["verify", "-CAfile", &path("self.crt"), &path("self.crt")]).contains("OK"));
    for key in ["ca.key", "tls.key", "rsa.key", "self.key"] {
        openssl(&["pkey", "-check", "-noout", "-in", &path(key)]);
    }
    openssl(&["dsa", "-in", &path("dsa.key"), "-noout"]);
    let public = |kind: &str, file: &str| openssl(&[kind, "-in", &path(file), "-noout", "-pubkey"]);
    assert_eq!(public("x509", "tls.crt"), openssl(&["pkey", "-in", &path("tls.key"), "-pubout"]));
}

/// From the template's name on; helm 3 prints it in one line.
fn words(error: &str, text: &str) -> String {
    let at = error.find("template: odd/").unwrap_or_else(|| panic!("{text}: no template in {error}"));
    error[at..].lines().next().unwrap_or_default().trim().to_owned()
}

#[test]
fn functions_fail_in_helms_words() {
    let mut different = Vec::new();
    for text in FAILURES {
        let template = format!("a: {{{{ {text} }}}}\n");
        let ours = words(&we_render(&template).expect_err(text), text);
        let theirs = words(&helm_renders(HelmMajor::Three, &template).expect_err(text), text);
        if ours != theirs {
            different.push(format!("{text}\n  helm: {theirs}\n  ours: {ours}"));
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
