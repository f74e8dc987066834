//! The integration tests: one binary, so that the planes of the sandbox are started once and tests share the link time.
//!
//! `house` holds the repository to its own rules, `harness` tests the tests' own tools, `cli` the headless commands,
//! `bad_things` what faults get, `hostile` what charts get that are made to do harm, `operations` what plans and recoveries owe on real planes, `model` the domain model against charts, rooms and generator, `generate` values from compiled artifacts, `values_oracle` helm's reading of values against ours, `render_oracle` the engine against both helms, `jobs` what is done to jobs, `life` the deployment as its state machine sees it, `verify` what helm's judgement comes to for an operator, `story` the whole job on real control planes, `walk` the way from a compiled artifact to a retry, `screenshots` draws the rooms. Tests
//! whose names begin with `planes_` need the sandbox (`tests/sandbox`); `cargo test --test it -- --skip planes_` runs
//! the rest within seconds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    unreachable_pub,
    reason = "a test says what is wrong by panicking, and its modules are no library"
)]

mod bad_things;
mod cli;
mod cluster_live;
mod functions_oracle;
mod fuzz;
mod generate;
mod harness;
mod hostile;
mod house;
mod jobs;
mod life;
mod model;
mod operations;
mod render_oracle;
mod screenshots;
mod story;
mod support;
mod traps;
mod values_oracle;
mod verify;
mod walk;
