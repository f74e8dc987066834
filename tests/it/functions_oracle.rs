//! The functions of templates against both helm programs: each expression of a table is evaluated by helm and by us,
//! and type and text compared; those that fail, one by one with their words.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use floe_tui::render::functions;
use floe_tui::render::template::trace::Level;
use floe_tui::render::template::value::{Map, MapKind, Value};
use floe_tui::render::template::{Context, Session, Templates, parser};

use crate::support::process;
use crate::support::sandbox::{HelmMajor, helm};

/// Expressions of which type and text are compared.
const EXPRESSIONS: &str = r#"
int "12"; int "0x1F"; int "012"; int "12.00"; int "1_000"; int 3.9; int -3.9; int true; int nil; int "x"; int64 "9223372036854775807"
int (list 1); int64 1e30; float64 "1.5e3"; float64 "x"; float64 7; float64 true; toString 1.0; toString 1e7; toString nil; toString (list 1 "a")
toStrings (list 1 nil "a" true); toStrings "x"; toStrings nil; atoi "12"; atoi "x"; atoi "-7"; toDecimal "0777"; toDecimal 755; toDecimal "9"
trim "  \t a b \n"; trim "\u00a0a\u2003"; trimAll "$x" "$x a x$"; trimSuffix "-" "a--"; trimPrefix "v" "v1.2"; contains "b" "abc"; contains "" ""
hasPrefix "a" "abc"; hasSuffix "c" "abc"; replace "a" "bb" "banana"; replace "" "-" "aé"; trunc 3 "abcdef"; trunc -3 "abcdef"; trunc 99 "abc"; trunc -99 "abc"; trunc 0 "abc"
trunc 3 "héllo"; substr 1 3 "abcdef"; substr -1 3 "abcdef"; substr 2 -1 "abcdef"; substr 2 99 "abcdef"; repeat 3 "ab"; repeat 0 "x"; indent 2 "a\nb\n"; nindent 4 "a"
quote "a" nil 1 true "q\"uo\\te" "\u00e9\u0001"; quote; squote "a'b" nil 2; cat "a" nil 1.5 "b"; plural "one" "many" 1; plural "one" "many" 2
join "," (list "a" nil 1 2.5); join "-" "x"; join "," nil; split "," "a,b,,c"; (split "," "a,b")._1; splitn "," 2 "a,b,c"; splitList "," "a,b,,c"; splitList "" "aéb"; splitList "x" ""
sortAlpha (list "b" "a" 3 "B"); sortAlpha "x"; upper "aßé"; lower "ÀB"; title "hello wOrld-x y_z"; untitle "Hello World"; swapcase "Hello World x"
snakecase "FirstName HTTPServer v2Alpha x-y"; kebabcase "FirstName HTTP20Server"; camelcase "http_server-name x"; camelcase "__a_b"; snakecase "NoHTTPS"; kebabcase "GO_PATH"; snakecase "GO PATH 1"; kebabcase "aB1c2D"; snakecase "http2xx"; kebabcase "Duration2m3s"; snakecase "Bld4Floor3rd"; camelcase "some_words"; camelcase "HTTPServer"; camelcase "_complex__case_"
initials "First Try"; nospace " a b\tc "; wrap 5 "hello world foo"; wrap 3 "loooong word"; wrapWith 5 "<br>" "hello wonderful world"; abbrev 5 "hello world"; abbrev 3 "hello"; abbrevboth 5 10 "1234 5678 9123 4567"; abbrevboth 0 7 "hello world again"
add 1 2 3; add; add1 4; sub 5 7; mul 2 3 4; div 7 2; div -7 2; mod 7 3; mod -7 3; max 1 5 3; min 4 2; add 1.9 "2"; biggest 3 9
addf 1.1 2.2; add1f 1.5; subf 3 1.1 0.4; mulf 1.5 2 3; divf 10 4; divf 1 3; divf 2 3 7; addf; maxf 1.5 2.5; minf 1 -2.5; floor 123.9; ceil 123.1; floor -1.5; round 123.5555 2; round 123.5555 3 0.6; round -1.5 0; round 2.5 0
until 4; until -3; until 0; untilStep 3 9 2; untilStep 9 3 -2; untilStep 3 9 -1; seq 5; seq -3; seq 2 5; seq 5 2; seq 0 2 10; seq 10 -3 0; seq 10 3 0; seq; seq 1 2 3 4
default 1 0; default 1 nil; default 1 "x"; default "d" (dict); empty 0; empty ""; empty (list nil); coalesce nil 0 "" 5 6; coalesce; all 1 "x"; all 1 0; any 0 ""; any 0 1; ternary 1 2 true; true | ternary "a" "b"
typeOf 1; typeOf 1.5; typeOf nil; typeOf (list); typeOf (dict); typeOf (until 2); typeOf (splitList "," "a"); kindOf 1; kindOf nil; kindOf (list); kindOf (dict); kindOf "s"; kindOf true; kindIs "map" (dict); typeIs "string" "x"; typeIsLike "*semver.Version" (semver "1.0.0"); typeIsLike "semver.Version" (semver "1.0.0"); deepEqual (list 1 2) (list 1 2); deepEqual 1 1.0
list 1 "a" nil; tuple 1 2; first (list 1 2); first (list); last (list 1 2); rest (list 1 2 3); rest (list); rest (list 1); initial (list 1 2 3); initial (list); reverse (list 1 2 3); compact (list 1 0 "" nil "a"); uniq (list 1 1 "1" 1.0 (list 1) (list 1)); has 1 (list 1 2); has 1 nil; has 1 (list 1.0)
without (list 1 2 3) 2; append (list 1) 2; push (list) nil; prepend (list 1) 0; concat (list 1) (list 2 3); concat; concat (list); chunk 2 (list 1 2 3 4 5); slice (list 1 2 3 4) 1 3; slice (list 1 2 3 4) 2; slice (list 1 2); slice (list); mustFirst (list 5); mustUniq (list 1 1); mustAppend (list) 1; append (until 2) "x"; first (splitList "," "a,b")
dict "a" 1 "b"; dict 1 2; get (dict "a" 1) "a"; get (dict "a" 1) "b"; hasKey (dict "a" nil) "a"; set (dict) "a" 1; unset (dict "a" 1 "b" 2) "a"; pluck "a" (dict "a" 1) (dict "b" 2) (dict "a" 3); keys (dict "b" 1) | sortAlpha; values (dict "b" 1); pick (dict "a" 1 "b" 2) "a" "c"; omit (dict "a" 1 "b" 2) "a"; omit (dict "a" 1)
merge (dict "a" 1 "n" (dict "x" 0 "z" nil)) (dict "a" 2 "b" 3 "n" (dict "x" 5 "y" 6 "z" 7)); merge (dict "a" (list)) (dict "a" (list 1)); merge (dict "a" (list 9)) (dict "a" (list 1)); merge (dict "a" "x") (dict "a" (dict "b" 1)); merge (dict "a" (dict)) (dict "a" (dict "b" 1)); merge (dict) nil (dict "a" false); merge (dict "a" false "b" nil) (dict "a" true "b" "x")
mergeOverwrite (dict "a" 1 "n" (dict "x" 1)) (dict "a" "" "n" (dict "x" 0 "y" 2)); mergeOverwrite (dict "a" (list 1)) (dict "a" (list)); mergeOverwrite (dict "a" 1) (dict "a" nil); mergeOverwrite (dict "a" (dict "b" 1)) (dict "a" (dict)); mergeOverwrite (dict "a" "x") (dict "a" (dict "b" 1)); mergeOverwrite (dict "a" (dict "b" 1)) (dict "a" "x"); mergeOverwrite (dict "a" 1) (dict "b" 2) (dict "b" 3); mustMergeOverwrite (dict) (dict "a" 1); mustMerge (dict "a" 1) (dict "a" 2)
dig "a" "b" "d" (dict "a" (dict "b" 1)); dig "a" "x" "d" (dict "a" (dict "b" 1)); dig "z" "b" "d" (dict); deepCopy (dict "a" (list 1 (dict))); mustDeepCopy (list nil)
regexMatch "^a.c$" "abc"; regexMatch "(" "x"; regexMatch "\\d+\\s\\w" "12 é"; regexFind "[a-z]+" "12ab3"; regexFind "x" "abc"; regexFindAll "[24]" "123456789" -1; regexFindAll "[1-9]" "1234" 2; regexFindAll "x" "a" -1; regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W"; regexReplaceAll "a(x*)b" "-ab-axxb-" "$1W"; regexReplaceAllLiteral "a(x*)b" "-ab-axxb-" "${1}"; regexReplaceAll "^" "abc" "x"; regexReplaceAll "" "ab" "-"
regexSplit "z+" "pizza" -1; regexSplit "z" "pizza" 2; regexSplit "a" "" -1; regexSplit "" "abc" -1; regexSplit "z" "pizza" 0; regexQuoteMeta "1.2+[a]\\"; regexMatch "[[:alpha:]]\\.[^\\s]" "a.b"; regexFind "(?i)B+" "abBc"; regexReplaceAll "[^-A-Za-z0-9_.]" "a b/c" "-"; regexFind "\\bfoo\\b" "a foo b"; regexMatch "^[[]$" "["; regexFind "\\Qa.b\\E+" "a.bbb"; regexFind "[\\w.]+@" "x <a.b@c>"; mustRegexMatch "a" "a"; mustRegexSplit "," "a,b" -1
semverCompare ">=1.2 <2" "1.9.3"; semverCompare "^1.2.0-0" "1.3.0-rc.1"; semverCompare ">=1.25-0" "v1.30.2-gke.1"; semverCompare "1.2.x" "1.2.9"; semverCompare "*" "1.0.0-beta"; semverCompare "~1.2" "1.3.0"; semverCompare "1.2 - 1.4" "1.4.9"; semverCompare "!=1.2" "1.2.3"; semverCompare ">1.2 || 0.1" "0.1.5"; int (semver "v1.2.3-rc.1+b").Major; (semver "1.2.3-rc.1+b").Prerelease; (semver "1.2.3-rc.1+b").Metadata; semver "1.2"; (semver "v1.2").Original; (semver "1.2.3").Compare (semver "1.3.0"); semver "1.2.3" | toString
base "/a/b.c"; base ""; base "///"; dir "/a/b/c"; dir "a"; dir "/"; clean "/a/../b//c/./d"; clean "../../a/.."; clean ""; ext "a/b.tar.gz"; ext "a.b/c"; isAbs "/a"; isAbs "a"; osBase "/x/y"; osDir "/x/y"; osExt "x.y"
b64enc "héllo"; b64dec "aGk="; b64dec "aGk"; b64dec "a!k="; b64dec "aG\nk="; b32enc "hi"; b32dec "NBUQ===="; b32dec "1"; sha1sum "a"; sha256sum "a"; sha512sum ""; adler32sum "hello"
urlParse "https://user:pw@host.com:8080/a%20b?q=1#frag"; urlParse "mailto:a@b.c"; urlParse "//h/p"; urlParse "a/b"; urlJoin (dict "scheme" "http" "host" "h:80" "path" "/a b" "query" "x=1" "fragment" "f"); urlJoin (dict "path" "x"); urlJoin (dict "scheme" "http" "userinfo" "u" "host" "h"); urlParse "http://[::1]:80/"
dateInZone "2006-01-02 15:04:05 MST Mon Jan _2 .000 PM" 1700000000 "UTC"; dateInZone "Z07:00 -0700" 1700000000 "Europe/Berlin"; date "2006" 86400; htmlDateInZone 1700000000 "Asia/Tokyo"; dateInZone "2006" 0 "No/Where"; duration "95"; duration 95; durationRound "2h10m5s"; durationRound "400h"; durationRound "5s"; toDate "2006-01-02" "2024-02-29" | date "Jan 2, 2006"; toDate "2006-01-02 MST" "2024-02-29 UTC" | unixEpoch; (toDate "2006-01-02" "2024-02-29").Year; dateInZone "2006" (toDate "2006-01-02" "x") "UTC"; dateInZone "15:04:05" (mustToDate "2006-01-02T15:04:05Z07:00" "2024-02-29T01:02:03Z" | dateModify "-1.5h") "UTC"
randAlphaNum 5 | len; randNumeric 3 | len; randAlpha 0 | len; uuidv4 | len; randBytes 3 | len; bcrypt "x" | len; htpasswd "a:b" "c"; htpasswd "u" "p" | trunc 9; randInt 3 4; shuffle "a"; randAscii 4 | len
"#;

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
    EXPRESSIONS
        .lines()
        .flat_map(|line| line.split("; "))
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .collect()
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
