//! The helm program and what it leaves in the cluster: finding it, its versions, exact arguments, running it,
//! rendering by it, release records, and what its errors mean.

pub mod record;
