//! Kubernetes quantities, as far as comparing them needs: `500m`, `1.5`, `10Gi`, `1e3`.

use serde_json::Value;

/// The quantity's size in its base unit (cores, bytes); `None` when it is none.
pub(super) fn size(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse(text),
        _ => None,
    }
}

fn parse(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let text = text.trim();
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-')) {
        return None;
    }
    for (unit, factor) in UNITS {
        if let Some(number) = text.strip_suffix(unit) {
            return number.parse::<f64>().ok().map(|number| number * factor);
        }
    }
    text.parse().ok()
}

/// Whether two values are the same quantity in different spelling (`1` and `1000m`).
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (size(a), size(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= a.abs().max(b.abs()) * 1e-12,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn spellings_of_one_size() {
        assert!(same(&json!("1000m"), &json!(1)));
        assert!(same(&json!("0.5"), &json!("500m")));
        assert!(same(&json!("1Gi"), &json!("1024Mi")));
        assert!(!same(&json!("1Gi"), &json!("1G")));
        assert!(!same(&json!("web"), &json!("web")));
        assert_eq!(size(&json!("inf")), None);
    }
}
