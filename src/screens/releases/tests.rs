//! The room over hand-made answers of the world: what a key does, and how it looks.

mod behaviour;
mod deeds;
mod looks;
mod world;
