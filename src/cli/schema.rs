//! `floe-tui schema`: the JSON Schema of an entity of the domain model, for editors and for checks elsewhere.

use super::args::Schema;
use super::{OK, out};
use crate::base::{Error, Result};
use crate::model;

pub(super) fn run(args: &Schema) -> Result<u8> {
    let Some(name) = &args.entity else {
        for (name, _) in model::ENTITIES {
            out::line(name);
        }
        return Ok(OK);
    };
    let schema = model::schema_of(name).ok_or_else(|| {
        let names: Vec<&str> = model::ENTITIES.iter().map(|(name, _)| *name).collect();
        Error::new(format!("there is no entity {name}")).next(format!("choose one of: {}", names.join(", ")))
    })?;
    out::json(&schema);
    Ok(OK)
}
