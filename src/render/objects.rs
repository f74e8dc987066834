//! The objects that helm gives to templates, as Go values with their methods.

pub mod capabilities;
pub mod chart;
pub mod files;
pub mod tree;
pub mod values;
