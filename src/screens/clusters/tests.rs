//! The Clusters room by its keys and by its pictures.
