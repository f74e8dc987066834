//! A chart made ready for renderings with one choice of subcharts: templates parsed and named, schemas compiled.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::super::template::Templates;
use super::super::template::ast::Tree;
use super::super::template::parser;
use super::super::units::Unit;
use super::super::{Profile, functions, refusal};
use super::Refusal;
use super::memory::Memory;
use crate::chart::Chart;
use crate::schema::ChartSchema;
use crate::values::Merged;
use crate::yaml::KeyPath;

#[derive(Debug)]
pub(super) struct Prepared {
    /// The subcharts that take part.
    pub(super) sections: Vec<KeyPath>,
    pub(super) unit: Unit,
    /// In the order in which helm parses and runs them.
    pub(super) files: Vec<PreparedFile>,
    /// All of them parsed, or why not.
    pub(super) templates: Result<Arc<Templates>, Refusal>,
    schema: Result<ChartSchema, Refusal>,
    /// A rendering changed what all share, so another one will too: running files side by side would be in vain.
    pub(super) changes_shared: AtomicBool,
}

#[derive(Debug)]
pub(super) struct PreparedFile {
    pub(super) name: Arc<str>,
    /// The `path` of its unit.
    pub(super) unit: String,
    /// Only defines templates for others.
    pub(super) is_partial: bool,
    /// What it holds, the file itself among them.
    pub(super) trees: Arc<[Arc<Tree>]>,
}

impl Prepared {
    pub(super) fn of(chart: &Arc<Chart>, merged: &Merged, profile: Profile, memory: &mut Memory) -> Self {
        let unit = Unit::of(chart, merged);
        let mut found = Vec::new();
        unit.templates(&mut found);
        // Deep paths first, then backwards by name: a chart's own definitions come after its subcharts'.
        found.sort_by_key(|file| std::cmp::Reverse((file.name.matches('/').count(), file.name.clone())));
        let find = |name: &str| functions::find(name).filter(|_| profile.has_function(name));
        let mut templates = Templates::default();
        let mut files = Vec::with_capacity(found.len());
        let mut refused = None;
        for file in found {
            let parsed = memory.parsed(&file.name, &file.text, || {
                parser::parse(&file.name, file.text.clone(), &find).map(Arc::from)
            });
            let trees = match parsed {
                Ok(trees) => {
                    templates.add(&trees);
                    trees
                }
                Err(words) => {
                    refused.get_or_insert_with(|| Refusal::late(refusal::parse(&words)));
                    Arc::from([])
                }
            };
            let base = file.name.rsplit('/').next().unwrap_or(&file.name);
            files.push(PreparedFile {
                is_partial: base.starts_with('_'),
                name: Arc::from(file.name),
                unit: file.unit,
                trees,
            });
        }
        let schema = schema(&unit);
        let templates = refused.map_or(Ok(Arc::new(templates)), Err);
        let changes_shared = AtomicBool::default();
        Self { sections: merged.enabled_sections(), unit, files, templates, schema, changes_shared }
    }

    /// The schemas of the chart and of the subcharts that take part; `valid` are values that fit, and from which these
    /// ones differ at most at the `edited` keys, where these are known. Our words for each problem: helm's come from its
    /// schema library.
    pub(super) fn check(
        &self,
        chart: &Chart,
        merged: &Merged,
        valid: Option<&Value>,
        edited: Option<&[KeyPath]>,
    ) -> Result<(), Refusal> {
        let schema = self.schema.as_ref().map_err(Clone::clone)?;
        if schema.is_empty() || schema.is_valid(&merged.value, valid, edited) {
            return Ok(());
        }
        let problems = schema.check(&merged.value, &|path| merged.locate(path));
        let mut words = format!(
            "values don't meet the specifications of the schema(s) in the following chart(s):\n{}:\n",
            chart.metadata.name
        );
        for problem in problems {
            words.push_str(&format!("- {problem}\n"));
        }
        Err(Refusal::early(words))
    }
}

fn schema(unit: &Unit) -> Result<ChartSchema, Refusal> {
    fn takes_part<'c>(unit: &'c Unit, texts: &mut Vec<(KeyPath, PathBuf, &'c str)>) {
        if let Some((file, text)) = &unit.chart.schema {
            texts.push((unit.section.clone(), file.clone(), text));
        }
        unit.children.iter().for_each(|child| takes_part(child, texts));
    }
    let mut texts = Vec::new();
    takes_part(unit, &mut texts);
    let (schema, problems) = ChartSchema::compile(texts);
    match problems.first() {
        Some(problem) => Err(Refusal::Unsupported(problem.to_string())),
        None => Ok(schema),
    }
}
